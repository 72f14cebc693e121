/// Finds the virtual host for the name that a client asks for.
///
/// Names compare without regard to case; a final dot is ignored; `*.example.com` stands for one label; what matches nothing goes to the default host.
struct HostTable<Target: Sendable>: Sendable {
    /// A host name whose hash and equality ignore case, so that a look-up copies nothing.
    private struct Name: Hashable, Sendable {
        let bytes: ArraySlice<UInt8>

        static func == (left: Self, right: Self) -> Bool {
            left.bytes.count == right.bytes.count && zip(left.bytes, right.bytes).allSatisfy { $0.lowercased == $1.lowercased }
        }

        func hash(into hasher: inout Hasher) {
            var hash: UInt32 = 2_166_136_261
            for byte in self.bytes { hash = (hash ^ UInt32(byte.lowercased)) &* 16_777_619 }
            hasher.combine(hash)
        }
    }

    private var names: [Name: Target] = [:]
    private var wildcards: [Name: Target] = [:]
    private let fallback: Target?
    /// The only host, to which every name leads.
    private(set) var single: Target?

    /// - Parameter hosts: names and aliases of each host.
    init(_ hosts: [(names: [String], target: Target)], fallback: Target?) {
        self.fallback = fallback
        for host in hosts {
            for name in host.names {
                if name.hasPrefix("*.") {
                    self.wildcards[Name(bytes: Array(name.dropFirst(2).utf8)[...])] = host.target
                } else {
                    self.names[Name(bytes: Array(name.utf8)[...])] = host.target
                }
            }
        }
        if hosts.count == 1 { self.single = fallback }
    }

    /// The host for a name without port; `nil` for a request that names none.
    func target(for name: ArraySlice<UInt8>?) -> Target? {
        guard self.single == nil, var name, !name.isEmpty else { return self.fallback }
        if name.last == UInt8(ascii: ".") { name = name.dropLast() }
        if let target = self.names[Name(bytes: name)] { return target }
        if !self.wildcards.isEmpty, let dot = name.firstIndex(of: UInt8(ascii: ".")), dot > name.startIndex,
            let target = self.wildcards[Name(bytes: name[(dot + 1)...])]
        {
            return target
        }
        return self.fallback
    }
}

extension UInt8 {
    /// The ASCII letter in lower case.
    var lowercased: UInt8 { self >= UInt8(ascii: "A") && self <= UInt8(ascii: "Z") ? self | 0x20 : self }
}
