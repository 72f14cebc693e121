/// Finds the name that somebody probably meant.
enum NearestName {
    /// The name with the smallest edit distance to `word`, if it is close enough to be meant; capital letters count less than others.
    ///
    /// A name of Serval's own is found without its `serval.`, too.
    static func find(_ word: String, among names: some Sequence<String>) -> String? {
        guard word.utf8.count <= 128 else { return nil }
        let hasPrefix = word.lowercased().hasPrefix(Self.ownPrefix)
        let bytes = Array(word.lowercased().utf8)
        let limit = max(1, bytes.count / 3)
        var best: (name: String, distance: Int)?
        for name in names where name != word {
            var compared = name.lowercased()[...]
            if !hasPrefix, compared.hasPrefix(Self.ownPrefix) { compared = compared.dropFirst(Self.ownPrefix.count) }
            let other = Array(compared.utf8)
            guard abs(other.count - bytes.count) <= limit else { continue }
            let distance = self.distance(bytes, other)
            if distance <= limit, distance < best?.distance ?? Int.max { best = (name, distance) }
        }
        return best?.name
    }

    private static let ownPrefix = "serval."

    /// Damerau's distance with adjacent transpositions: insertions, deletions, replacements and swaps count one each.
    private static func distance(_ one: [UInt8], _ other: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...other.count)
        for i in 0..<one.count {
            var row = [i + 1] + Array(repeating: 0, count: other.count)
            for j in 0..<other.count {
                let cost = one[i] == other[j] ? 0 : 1
                row[j + 1] = min(last[j + 1] + 1, row[j] + 1, last[j] + cost)
                if i > 0, j > 0, one[i] == other[j - 1], one[i - 1] == other[j] { row[j + 1] = min(row[j + 1], beforeLast[j - 1] + 1) }
            }
            beforeLast = last
            last = row
        }
        return last[other.count]
    }
}
