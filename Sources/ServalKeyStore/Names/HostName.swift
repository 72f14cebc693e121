#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Whether a text can be the name of a host in the DNS.
package enum HostName {
    /// Letters, digits and hyphens in labels, `*` as the first label, at least two labels or `localhost`; an address is not a name.
    package static func isPlausible(_ text: String) -> Bool {
        guard text.utf8.count <= 253, !isAddress(text) else { return false }
        if text.lowercased() == "localhost" { return true }
        var labels = text.split(separator: ".", omittingEmptySubsequences: false)
        if labels.first == "*" { labels.removeFirst() }
        return labels.count >= 2 && labels.allSatisfy(isLabel)
    }

    /// Whether the text is an IP address.
    package static func isAddress(_ text: String) -> Bool {
        var octets = [UInt8](repeating: 0, count: 16)
        return inet_pton(AF_INET, text, &octets) == 1 || inet_pton(AF_INET6, text, &octets) == 1
    }

    /// Whether a common name is evidently a server's host name: several labels of which the last is no number, or `localhost`.
    ///
    /// A single word is more often the name of a person, an authority or nothing than that of a host.
    package static func isEvident(_ text: String) -> Bool {
        guard isPlausible(text), !text.contains("_") else { return false }
        let last = text.split(separator: ".").last ?? ""
        return last.contains { $0.isLetter }
    }

    private static func isLabel(_ label: Substring) -> Bool {
        guard (1...63).contains(label.utf8.count), label.first != "-", label.last != "-" else { return false }
        return label.utf8.allSatisfy { octet in
            switch octet {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"): true
            default: false
            }
        }
    }
}
