/// A distinguished name in the form in which names are compared (RFC 5280 section 7.1): two are equal when they say the same, whatever the type of their
/// strings, the case of ASCII letters, and the blanks at their ends and between words.
///
/// So the JDK and OpenSSL compare them: authorities change from PrintableString to UTF8String and stay who they are.
package struct CanonicalName: Hashable, Sendable {
    private let bytes: [UInt8]

    /// - Parameter name: A Name; what is none equals only itself.
    package init(_ name: ASN1Value) {
        bytes = (try? Self.canonical(name)) ?? Array(name.encoded)
    }

    package init(der: [UInt8]) {
        bytes = (try? Self.canonical(ASN1Value(der))) ?? der
    }

    private static func canonical(_ name: ASN1Value) throws(KeyStoreError) -> [UInt8] {
        var parts: [[UInt8]] = []
        for part in try name.children() {
            var attributes: [[UInt8]] = []
            for attribute in try part.children(ASN1Value.set) {
                let pair = try attribute.children()
                guard pair.count == 2 else { throw KeyStoreError(.corrupt, "An attribute of a name has \(pair.count) parts") }
                attributes.append(DEREncoding.sequence(Array(pair[0].encoded), value(pair[1])))
            }
            parts.append(DEREncoding.set(of: attributes))
        }
        return DEREncoding.sequence(of: parts)
    }

    private static func value(_ value: ASN1Value) -> [UInt8] {
        guard let text = JavaNameText.string(value) else { return Array(value.encoded) }
        let words = text.utf8.split { $0 == 0x20 || (0x09...0x0D).contains($0) }
        let folded = words.joined(separator: [0x20]).map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
        return DEREncoding.value(0x0C, folded)
    }
}

extension CertificateFields.Name {
    /// Whether both say the same, however it is encoded.
    package func isSame(as other: Self) -> Bool { der == other.der || CanonicalName(der: der) == CanonicalName(der: other.der) }
}

extension CertificateSkeleton {
    /// Whether this certificate gives the other's subject as its issuer.
    func names(asIssuer other: CertificateSkeleton) -> Bool {
        issuer.encoded == other.subject.encoded || CanonicalName(issuer) == CanonicalName(other.subject)
    }
}
