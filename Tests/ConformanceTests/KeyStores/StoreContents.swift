import Foundation
import ServalKeyStore
import X509

/// What is put into key stores, and has to come out again.
struct StoreContents: Sendable {
    struct Key: Sendable {
        var key: PrivateKey
        var chain: [CertificateData]
    }

    /// By alias, which is in lower case everywhere.
    var keys: [String: Key] = [:]
    var certificates: [String: CertificateData] = [:]
    var secrets: [String: [UInt8]] = [:]

    func only(_ alias: String) -> StoreContents {
        StoreContents(
            keys: keys.filter { $0.key == alias },
            certificates: certificates.filter { $0.key == alias },
            secrets: secrets.filter { $0.key == alias }
        )
    }
}

/// Keys and certificates for the matrix, made once: keys of three kinds with chains of one to four certificates, trusted certificates, a secret key.
struct MatrixKeys: Sendable {
    static let shared = Result { try MatrixKeys() }

    /// `rsa` with a chain of one, `ec` of two, `ed25519` of three, `long` of four.
    let keys: [String: StoreContents.Key]
    let trusted: CertificateData
    let secret: [UInt8] = (0..<16).map { $0 }
    /// A thousand certificates, each of its own.
    let thousand: [CertificateData]

    private init() throws {
        let signers = try (0..<3).map { _ in try PrivateKey.generate(.ec(curve: .p256)) }
        let names = try ["CN=Root, C=DE", "CN=Issuing 1, O=\"Serval, Tests\"", "CN=Issuing 2"].map { try DistinguishedName(dname: $0) }
        func issue(_ key: PrivateKey, _ name: DistinguishedName, by signer: PrivateKey, _ issuer: DistinguishedName, serial: Int = 77) throws
            -> CertificateData
        {
            try SelfSignedCertificate.issue(
                publicKeyInfo: key.publicKeyInfo,
                subject: name,
                issuer: issuer,
                issuerKey: signer,
                notBefore: Date(timeIntervalSinceNow: -3600),
                notAfter: Date(timeIntervalSinceNow: 86_400),
                serial: [1, UInt8(serial >> 8), UInt8(serial & 0xFF)]
            )
        }
        let root = try issue(signers[0], names[0], by: signers[0], names[0])
        let first = try issue(signers[1], names[1], by: signers[0], names[0])
        let second = try issue(signers[2], names[2], by: signers[1], names[1])
        func leaf(_ algorithm: PrivateKey.Algorithm, _ name: String, by signer: Int?, _ issuers: [CertificateData]) throws -> StoreContents.Key {
            let key = try PrivateKey.generate(algorithm)
            let subject = try DistinguishedName(dname: "CN=\(name).example.org")
            let certificate = try issue(key, subject, by: signer.map { signers[$0] } ?? key, signer.map { names[$0] } ?? subject)
            return StoreContents.Key(key: key, chain: [certificate] + issuers)
        }
        keys = [
            "rsa": try leaf(.rsa(bits: 2048), "rsa", by: nil, []),
            "ec": try leaf(.ec(curve: .p256), "ec", by: 0, [root]),
            "ed25519": try leaf(.ed25519, "ed25519", by: 1, [first, root]),
            "long": try leaf(.rsa(bits: 2048), "long", by: 2, [second, first, root]),
        ]
        trusted = root
        thousand = try (0..<1000).map { number in
            let name = try DistinguishedName(dname: "CN=Number \(number)")
            return try issue(signers[0], name, by: signers[0], name, serial: number)
        }
    }
}
