import Crypto

/// The MacData of a PKCS12 file: an HMAC under a key derived from the password.
struct PKCS12MAC {
    private enum Digest {
        case sha1, sha256, sha384, sha512

        var name: String {
            switch self {
            case .sha1: "SHA1"
            case .sha256: "SHA256"
            case .sha384: "SHA384"
            case .sha512: "SHA512"
            }
        }

        var size: Int {
            switch self {
            case .sha1: 20
            case .sha256: 32
            case .sha384: 48
            case .sha512: 64
            }
        }
    }

    private let digest: Digest
    private let value: [UInt8]
    private let salt: [UInt8]
    private let iterations: Int

    init(_ macData: ASN1Value) throws(KeyStoreError) {
        var reader = try macData.reader()
        var digestInfo = try reader.next().reader()
        var algorithm = try digestInfo.next().reader()
        let oid = try algorithm.next().objectIdentifier()
        switch oid {
        case "1.3.14.3.2.26": digest = .sha1
        case .sha256: digest = .sha256
        case "2.16.840.1.101.3.4.2.2": digest = .sha384
        case "2.16.840.1.101.3.4.2.3": digest = .sha512
        case "1.2.840.113549.1.5.14":
            throw KeyStoreError(.unsupportedAlgorithm, "The PKCS12 key store has a PBMAC1 MAC (RFC 9579), which is not supported")
        default: throw KeyStoreError(.unsupportedAlgorithm, "The PKCS12 key store's MAC uses the digest \(oid), which is not supported")
        }
        value = try digestInfo.next().octets()
        salt = try reader.next().octets()
        iterations = try reader.next(ifTag: ASN1Value.integer)?.integer() ?? 1
    }

    func verifies(_ contents: [UInt8], password: PasswordBytes) throws(KeyStoreError) -> Bool {
        for characters in password.terminatedUTF16 {
            if try PKCS12MAC.code(digest, contents, characters, salt, iterations) == value { return true }
        }
        return false
    }

    /// MacData as JDK 17 writes it: HMAC-SHA256, 20 bytes of salt, 10,000 iterations.
    static func make(_ contents: [UInt8], password: PasswordBytes) throws(KeyStoreError) -> [UInt8] {
        let salt = PasswordCrypto.random(20)
        let iterations = 10_000
        let value = try code(.sha256, contents, password.terminatedUTF16[0], salt, iterations)
        return DEREncoding.sequence(
            DEREncoding.sequence(DEREncoding.algorithm(.sha256), DEREncoding.octetString(value)),
            DEREncoding.octetString(salt),
            DEREncoding.integer(iterations)
        )
    }

    private static func code(
        _ digest: Digest,
        _ contents: [UInt8],
        _ password: [UInt8],
        _ salt: [UInt8],
        _ iterations: Int
    ) throws(KeyStoreError) -> [UInt8] {
        let bytes = try PasswordCrypto.pkcs12(
            digest: digest.name,
            purpose: .mac,
            password: password,
            salt: salt,
            iterations: iterations,
            length: digest.size
        )
        let key = SymmetricKey(data: bytes)
        return switch digest {
        case .sha1: Array(HMAC<Insecure.SHA1>.authenticationCode(for: contents, using: key))
        case .sha256: Array(HMAC<SHA256>.authenticationCode(for: contents, using: key))
        case .sha384: Array(HMAC<SHA384>.authenticationCode(for: contents, using: key))
        case .sha512: Array(HMAC<SHA512>.authenticationCode(for: contents, using: key))
        }
    }
}
