/// An ASN.1 object identifier, as its content octets.
package struct OID: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
    package let content: [UInt8]

    package init(content: [UInt8]) {
        self.content = content
    }

    /// From a literal such as `"1.2.840.113549"`; written in this library's own source only.
    package init(stringLiteral value: String) {
        self = OID(dotted: value) ?? OID(content: [])
    }

    /// From dotted decimal numbers; `nil` when the text is not an object identifier.
    package init?(dotted: String) {
        let arcs = dotted.split(separator: ".", omittingEmptySubsequences: false).map { UInt64($0) }
        guard arcs.count >= 2, let first = arcs[0], let second = arcs[1], first <= 2, second < (first == 2 ? 1 << 32 : 40) else { return nil }
        var content: [UInt8] = []
        for arc in [first * 40 + second] + arcs.dropFirst(2) {
            guard let arc else { return nil }
            var septets = [UInt8(arc & 0x7F)]
            var rest = arc >> 7
            while rest > 0 {
                septets.append(UInt8(rest & 0x7F) | 0x80)
                rest >>= 7
            }
            content += septets.reversed()
        }
        self.content = content
    }

    /// Dotted decimal numbers.
    package var description: String {
        var arcs: [UInt64] = []
        var arc: UInt64 = 0
        for octet in content {
            guard arc < 1 << 56 else { return "(object identifier too large)" }
            arc = arc << 7 | UInt64(octet & 0x7F)
            guard octet & 0x80 == 0 else { continue }
            if arcs.isEmpty {
                let first = min(arc / 40, 2)
                arcs = [first, arc - first * 40]
            } else {
                arcs.append(arc)
            }
            arc = 0
        }
        return arcs.map(String.init).joined(separator: ".")
    }
}

extension OID {
    static let data: OID = "1.2.840.113549.1.7.1"
    static let signedData: OID = "1.2.840.113549.1.7.2"
    static let envelopedData: OID = "1.2.840.113549.1.7.3"
    static let encryptedData: OID = "1.2.840.113549.1.7.6"
    static let rsaEncryption: OID = "1.2.840.113549.1.1.1"
    static let ecPublicKey: OID = "1.2.840.10045.2.1"
    static let p256: OID = "1.2.840.10045.3.1.7"
    static let p384: OID = "1.3.132.0.34"
    static let p521: OID = "1.3.132.0.35"
    static let secp256k1: OID = "1.3.132.0.10"
    static let rsassaPSS: OID = "1.2.840.113549.1.1.10"
    static let mgf1: OID = "1.2.840.113549.1.1.8"
    static let dsa: OID = "1.2.840.10040.4.1"
    static let x25519: OID = "1.3.101.110"
    static let x448: OID = "1.3.101.111"
    static let ed25519: OID = "1.3.101.112"
    static let ed448: OID = "1.3.101.113"
    static let extensionRequest: OID = "1.2.840.113549.1.9.14"
    static let pbes2: OID = "1.2.840.113549.1.5.13"
    static let pbkdf2: OID = "1.2.840.113549.1.5.12"
    static let hmacSHA1: OID = "1.2.840.113549.2.7"
    static let hmacSHA256: OID = "1.2.840.113549.2.9"
    static let aes256CBC: OID = "2.16.840.1.101.3.4.1.42"
    static let sha256: OID = "2.16.840.1.101.3.4.2.1"
    static let sha1: OID = "1.3.14.3.2.26"
    static let scrypt: OID = "1.3.6.1.4.1.11591.4.11"
    static let pbmac1: OID = "1.2.840.113549.1.5.14"
    static let rc2CBC: OID = "1.2.840.113549.3.2"
    static let pbeWithSHA1AndTripleDES: OID = "1.2.840.113549.1.12.1.3"
    static let pbeWithSHA1AndRC2With40Bits: OID = "1.2.840.113549.1.12.1.6"
    static let jceKeyProtector: OID = "1.3.6.1.4.1.42.2.19.1"
    static let javaKeyProtector: OID = "1.3.6.1.4.1.42.2.17.1.1"
    static let keyBag: OID = "1.2.840.113549.1.12.10.1.1"
    static let shroudedKeyBag: OID = "1.2.840.113549.1.12.10.1.2"
    static let certBag: OID = "1.2.840.113549.1.12.10.1.3"
    static let secretBag: OID = "1.2.840.113549.1.12.10.1.5"
    static let safeContentsBag: OID = "1.2.840.113549.1.12.10.1.6"
    static let x509Certificate: OID = "1.2.840.113549.1.9.22.1"
    static let friendlyName: OID = "1.2.840.113549.1.9.20"
    static let localKeyID: OID = "1.2.840.113549.1.9.21"
    static let javaTrustedKeyUsage: OID = "2.16.840.1.113894.746875.1.1"
    static let anyExtendedKeyUsage: OID = "2.5.29.37.0"
}
