/// A version of the TLS protocol that a host may speak.
public enum TLSProtocolVersion: String, Sendable, Hashable, Comparable, CaseIterable, CustomStringConvertible {
    /// TLS 1.0, deprecated by RFC 8996.
    case v1 = "TLSv1"
    /// TLS 1.1, deprecated by RFC 8996.
    case v1_1 = "TLSv1.1"
    /// TLS 1.2 (RFC 5246).
    case v1_2 = "TLSv1.2"
    /// TLS 1.3 (RFC 8446).
    case v1_3 = "TLSv1.3"

    /// Tomcat's name.
    public var description: String { rawValue }

    /// Whether `one` is older.
    public static func < (one: TLSProtocolVersion, other: TLSProtocolVersion) -> Bool { one.rawValue < other.rawValue }

    /// What Serval speaks unless a host asks for more: TLS 1.2 and 1.3.
    public static let defaults: Set<TLSProtocolVersion> = [.v1_2, .v1_3]
}

extension TLSProtocolVersion {
    /// The set of versions that a value of `protocols`, `sslEnabledProtocols` or `SSLProtocol` means, and what is to be said about it.
    public struct ParsedList: Sendable, Hashable {
        /// The versions; never empty.
        public var versions: Set<TLSProtocolVersion>
        /// Things that were ignored, each as one line for the log.
        public var warnings: [String]
    }

    /// Reads Tomcat's language: names separated by commas, `+` or `-`, applied from left to right to the empty set.
    ///
    /// `all` means `defaults`, so that the old versions are spoken only when they are named: a deviation from Tomcat, whose `all` leaves the choice to
    /// the Java runtime's list of disabled algorithms, with the same outcome. Names are compared without case. SSLv2Hello, SSLv3 and unknown names are
    /// ignored with a warning.
    ///
    /// - Throws: `.noProtocols` when nothing is left.
    public static func parse(_ text: String) throws(TLSError) -> ParsedList {
        guard text.utf8.count <= 1_000 else {
            throw TLSError(.invalidConfiguration, "protocols has \(text.utf8.count) bytes; at most 1000 are possible")
        }
        var list = ParsedList(versions: [], warnings: [])
        var isFirst = true
        for token in tokens(of: text) {
            // Tomcat says so of commas, too: they are left over from older versions.
            if token.sign == nil && !isFirst {
                list.warnings.append("The protocol [\(token.name)] in [\(text)] was added to the list. Check if a +/- prefix is missing")
            }
            isFirst = false
            var named: Set<TLSProtocolVersion> = []
            if token.name.lowercased() == "all" {
                named = defaults
            } else if let version = allCases.first(where: { $0.rawValue.lowercased() == token.name.lowercased() }) ?? alias(token.name) {
                named = [version]
            } else {
                list.warnings.append("The protocol [\(token.name)] in [\(text)] is not supported and is ignored")
            }
            if token.sign == "-" { list.versions.subtract(named) } else { list.versions.formUnion(named) }
        }
        guard !list.versions.isEmpty else {
            throw TLSError(.noProtocols, "None of the [protocols] specified are supported by the SSL engine : [\(text)]")
        }
        return list
    }

    private static func alias(_ name: String) -> TLSProtocolVersion? { name.lowercased() == "tlsv1.0" ? .v1 : nil }

    private struct Token {
        var name: String
        var sign: Character?
    }

    private static func tokens(of text: String) -> [Token] {
        var tokens: [Token] = []
        var current = Token(name: "", sign: nil)
        func finish() {
            if !current.name.isEmpty { tokens.append(current) }
        }
        for character in text {
            switch character {
            case "+", "-":
                finish()
                current = Token(name: "", sign: character)
            case ",":
                finish()
                current = Token(name: "", sign: nil)
            case _ where character.isWhitespace:
                if !current.name.isEmpty {
                    finish()
                    current = Token(name: "", sign: nil)
                }
            default:
                current.name.append(character)
            }
        }
        finish()
        return tokens
    }
}
