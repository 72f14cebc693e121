/// The order in which `java.util.Hashtable` enumerates its keys.
///
/// The JDK keeps a JKS store in a Hashtable; a server that is not told an alias takes the first private key of this order, so it decides which
/// certificate is served.
package enum HashtableOrder {
    /// The aliases as the JDK enumerates them after inserting them in the order given.
    ///
    /// - Parameter capacity: The table's first size; Java's default is 11.
    package static func order(of aliases: [String], capacity: Int = 11) -> [String] {
        let hashes = aliases.map(hash)
        var buckets = [[Int]](repeating: [], count: capacity)
        for (count, index) in aliases.indices.enumerated() {
            if count >= Int(Double(buckets.count) * 0.75) { buckets = grown(buckets, hashes) }
            // A bucket is a list with the newest in front; it is kept here back to front.
            buckets[hashes[index] % buckets.count].append(index)
        }
        return buckets.reversed().flatMap { $0.reversed() }.map { aliases[$0] }
    }

    private static func grown(_ old: [[Int]], _ hashes: [Int]) -> [[Int]] {
        var buckets = [[Int]](repeating: [], count: 2 * old.count + 1)
        for bucket in old.reversed() {
            for index in bucket.reversed() { buckets[hashes[index] % buckets.count].append(index) }
        }
        return buckets
    }

    /// `String.hashCode()` without its sign bit.
    private static func hash(_ text: String) -> Int {
        Int(text.utf16.reduce(UInt32(0)) { 31 &* $0 &+ UInt32($1) } & 0x7FFF_FFFF)
    }
}
