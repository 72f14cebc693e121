/// The address of an OCSP responder, from a certificate: an `http` URL with a host.
///
/// Answers are signed, so nothing is gained by `https`, whose certificate would have to be checked for revocation in turn.
package struct ResponderAddress: Sendable, Hashable, CustomStringConvertible {
    /// A name or address, without brackets.
    package let host: String
    /// 80 unless the URL says otherwise.
    package let port: Int
    /// Path and query; begins with `/`.
    package let target: String
    /// What the `Host` header says.
    package let authority: String

    /// Reads a URL; `nil` for other schemes, user names, blanks, control characters, and more than 2,048 bytes.
    package init?(_ url: String) {
        let bytes = Array(url.utf8)
        let scheme = "http://"
        guard bytes.count <= 2048, bytes.allSatisfy({ $0 > 32 && $0 < 127 }), url.prefix(scheme.count).lowercased() == scheme else { return nil }
        let rest = url.dropFirst(scheme.count)
        let end = rest.firstIndex { "/?#".contains($0) } ?? rest.endIndex
        let authority = rest[..<end]
        guard !authority.isEmpty, !authority.contains("@"), !authority.contains("\\") else { return nil }
        var host = authority
        var port: Substring?
        if authority.first == "[" {
            guard let close = authority.firstIndex(of: "]") else { return nil }
            host = authority[authority.index(after: authority.startIndex)..<close]
            let after = authority[authority.index(after: close)...]
            guard after.isEmpty || after.first == ":" else { return nil }
            port = after.isEmpty ? nil : after.dropFirst()
        } else if let colon = authority.lastIndex(of: ":") {
            host = authority[..<colon]
            port = authority[authority.index(after: colon)...]
            guard !host.contains(":") else { return nil }
        }
        guard !host.isEmpty else { return nil }
        if let port, !port.isEmpty {
            guard let number = Int(port), (1...65535).contains(number), port.allSatisfy(\.isNumber) else { return nil }
            self.port = number
        } else {
            self.port = 80
        }
        self.host = String(host)
        self.authority = String(authority)
        let target = rest[end...].prefix { $0 != "#" }
        self.target = target.first == "/" ? String(target) : "/" + target
    }

    /// The URL.
    package var description: String { "http://\(authority)\(target)" }
}
