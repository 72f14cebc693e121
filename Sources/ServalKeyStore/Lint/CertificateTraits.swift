#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What a certificate's extensions say, as far as they can be read; what cannot be read counts as absent.
package struct CertificateTraits: Sendable {
    /// The DNS names among the subject alternative names, as written.
    package var dnsNames: [String] = []
    /// The addresses among the subject alternative names: 4 or 16 bytes each.
    package var addresses: [[UInt8]] = []
    /// Whether there is a subjectAltName extension with any name.
    package var hasAlternativeNames = false
    /// Whether basicConstraints says CA:true; `nil` without the extension.
    package var isAuthority: Bool?
    /// The bits of keyUsage that are set, by number; `nil` without the extension.
    package var keyUsage: Set<Int>?
    /// The purposes of extendedKeyUsage by object identifier; `nil` without the extension.
    package var purposes: Set<String>?
    /// Where the issuer's certificate can be fetched (authorityInfoAccess, caIssuers).
    package var issuerURLs: [String] = []
    /// The subject's key identifier.
    package var keyIdentifier: [UInt8]?
    /// The issuer's key identifier.
    package var issuerKeyIdentifier: [UInt8]?

    /// The text of the subject's common name, the most specific one; `nil` without it.
    package var commonName: String?

    package init(_ fields: CertificateFields) {
        self.init(subject: fields.subject.der, extensions: fields.extensions)
    }

    /// - Parameter subject: The name's DER.
    package init(subject: [UInt8], extensions: [CertificateFields.Extension]) {
        commonName = Self.commonName(subject)
        for item in extensions {
            guard let value = try? ASN1Value(item.value) else { continue }
            switch item.oid {
            case "2.5.29.14": keyIdentifier = try? value.octets()
            case "2.5.29.15": keyUsage = Self.bits(value)
            case "2.5.29.17": readAlternativeNames(value)
            case "2.5.29.19": isAuthority = (try? value.children())?.first.map { $0.tag == 0x01 && $0.content.contains { $0 != 0 } } ?? false
            case "2.5.29.35": issuerKeyIdentifier = (try? value.children())?.first { $0.tag == 0x80 }.map { Array($0.content) }
            case "2.5.29.37": purposes = Set(((try? value.children()) ?? []).compactMap { try? $0.objectIdentifier().description })
            case "1.3.6.1.5.5.7.1.1": issuerURLs = Self.issuerURLs(value)
            default: break
            }
        }
    }

    /// The alternative names in words, for people.
    package var alternativeNames: [String] {
        dnsNames + addresses.map(Self.text(address:))
    }

    /// Whether one of the alternative names covers the host, with `*` standing for the first label.
    package func covers(_ host: String) -> Bool {
        let host = host.lowercased()
        return dnsNames.contains { pattern in
            let pattern = pattern.lowercased()
            guard pattern != host else { return true }
            guard pattern.hasPrefix("*."), let dot = host.firstIndex(of: "."), dot > host.startIndex else { return false }
            return host[dot...] == pattern.dropFirst()
        }
    }

    /// The octets as an address is written, `192.0.2.1` or `2001:db8::1`.
    static func text(address octets: [UInt8]) -> String {
        var buffer = [CChar](repeating: 0, count: 64)
        let family = octets.count == 4 ? AF_INET : AF_INET6
        guard octets.count == 4 || octets.count == 16, inet_ntop(family, octets, &buffer, socklen_t(buffer.count)) != nil else {
            return "(\(octets.count) octets)"
        }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private mutating func readAlternativeNames(_ value: ASN1Value) {
        for name in (try? value.children()) ?? [] {
            hasAlternativeNames = true
            switch name.tag {
            case 0x82: dnsNames.append(String(decoding: name.content, as: UTF8.self))
            case 0x87: addresses.append(Array(name.content))
            default: break
            }
        }
    }

    private static func bits(_ value: ASN1Value) -> Set<Int>? {
        guard value.tag == ASN1Value.bitString, value.content.count > 1, value.content.count < 16 else { return nil }
        let octets = Array(value.content.dropFirst())
        return Set((0..<octets.count * 8).filter { octets[$0 / 8] & (0x80 >> UInt8($0 % 8)) != 0 })
    }

    private static func issuerURLs(_ value: ASN1Value) -> [String] {
        var urls: [String] = []
        for description in (try? value.children()) ?? [] {
            guard let parts = try? description.children(), parts.count == 2, parts[1].tag == 0x86,
                (try? parts[0].objectIdentifier()) == "1.3.6.1.5.5.7.48.2"
            else { continue }
            urls.append(String(decoding: parts[1].content, as: UTF8.self))
        }
        return urls
    }

    /// The last common name in the encoding is the narrowest.
    private static func commonName(_ name: [UInt8]) -> String? {
        guard let parts = try? ASN1Value(name).children() else { return nil }
        for part in parts.reversed() {
            for attribute in (try? part.children(ASN1Value.set)) ?? [] {
                guard let pair = try? attribute.children(), pair.count == 2, (try? pair[0].objectIdentifier()) == "2.5.4.3" else { continue }
                return JavaNameText.string(pair[1])
            }
        }
        return nil
    }
}
