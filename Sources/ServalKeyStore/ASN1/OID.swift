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

    /// From dotted decimal numbers; `nil` when the text is not an object identifier, or has a number of more than 270 digits.
    package init?(dotted: String) {
        let arcs = dotted.split(separator: ".", omittingEmptySubsequences: false)
        guard arcs.count >= 2, let first = UInt8(arcs[0]), first <= 2, arcs.allSatisfy(ArcNumber.isNumber) else { return nil }
        if first < 2 { guard let second = UInt8(arcs[1]), second < 40 else { return nil } }
        var content = ArcNumber.septets(arcs[1], plus: 40 * first)
        for arc in arcs.dropFirst(2) { content += ArcNumber.septets(arc) }
        self.content = content
    }

    /// Dotted decimal numbers, of any size up to 128 octets each.
    package var description: String {
        var arcs: [String] = []
        var start = content.startIndex
        for index in content.indices where content[index] & 0x80 == 0 {
            let septets = content[start...index]
            start = index + 1
            guard septets.count <= ArcNumber.mostOctets else { return "(object identifier too large)" }
            guard arcs.isEmpty else {
                arcs.append(ArcNumber.text(septets))
                continue
            }
            // The first two numbers share the first place; the first one is 0, 1 or 2.
            let first = septets.count > 1 ? 2 : min(septets[septets.startIndex] / 40, 2)
            arcs = [String(first), ArcNumber.text(septets, minus: 40 * UInt64(first))]
        }
        return arcs.joined(separator: ".")
    }
}

/// A number of an object identifier: decimal digits in text, seven bits an octet in DER.
///
/// Some (`2.25.` and a UUID) are longer than machine words.
private enum ArcNumber {
    /// The JDK has no limit; whoever has a use for longer ones is not known.
    static let mostOctets = 128
    private static let mostDigits = 270
    private static let base: UInt64 = 1_000_000_000

    static func isNumber(_ text: Substring) -> Bool {
        (1...mostDigits).contains(text.utf8.count) && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// - Parameter addend: What is added to the number.
    static func septets(_ text: Substring, plus addend: UInt8 = 0) -> [UInt8] {
        var septets: [UInt8] = []
        func take(_ factor: UInt64, _ digit: UInt64) {
            var carry = digit
            for index in septets.indices {
                carry += UInt64(septets[index]) * factor
                septets[index] = UInt8(carry & 0x7F)
                carry >>= 7
            }
            while carry > 0 {
                septets.append(UInt8(carry & 0x7F))
                carry >>= 7
            }
        }
        for digit in text.utf8 { take(10, UInt64(digit - 0x30)) }
        take(1, UInt64(addend))
        if septets.isEmpty { septets = [0] }
        return [UInt8](septets.enumerated().map { $0.offset == 0 ? $0.element : $0.element | 0x80 }.reversed())
    }

    /// - Parameter subtrahend: What is taken from the number, which is not smaller.
    static func text(_ septets: ArraySlice<UInt8>, minus subtrahend: UInt64 = 0) -> String {
        // Little-endian, nine digits each.
        var limbs: [UInt64] = [0]
        for septet in septets {
            var carry = UInt64(septet & 0x7F)
            for index in limbs.indices {
                carry += limbs[index] << 7
                limbs[index] = carry % base
                carry /= base
            }
            if carry > 0 { limbs.append(carry) }
        }
        var borrow = subtrahend
        for index in limbs.indices where borrow > 0 {
            let isEnough = limbs[index] >= borrow
            limbs[index] = isEnough ? limbs[index] - borrow : limbs[index] + base - borrow
            borrow = isEnough ? 0 : 1
        }
        while limbs.count > 1, limbs.last == 0 { limbs.removeLast() }
        return limbs.reversed().enumerated().map { index, limb in
            let digits = String(limb)
            return index == 0 ? digits : String(repeating: "0", count: 9 - digits.count) + digits
        }.joined()
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
