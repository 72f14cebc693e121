#if NIOSSL
import Crypto
import NIOCore
import NIOSSL
import ServalKeyStore
import ServalTLS

/// A private key that stays in its token, as swift-nio-ssl asks for signatures: the handshake waits, the event loop does not.
struct TokenKey: NIOSSLCustomPrivateKey, Hashable {
    private let key: any ExternalPrivateKey
    let signatureAlgorithms: [NIOSSL.SignatureAlgorithm]

    /// - Throws: `.keyUnavailable` if the token does not sign now.
    init(_ key: any ExternalPrivateKey) throws(TLSError) {
        self.key = key
        do throws(KeyStoreError) {
            switch key.algorithm {
            case .rsa:
                signatureAlgorithms = [.rsaPssRsaeSha256, .rsaPssRsaeSha384, .rsaPkcs1Sha256, .rsaPkcs1Sha384]
                for algorithm in [NIOSSL.SignatureAlgorithm.rsaPssRsaeSha256, .rsaPkcs1Sha256] {
                    _ = try key.sign(Self.input([1], for: algorithm), Self.operation(for: algorithm))
                }
            case .ec(let curve):
                signatureAlgorithms =
                    switch curve {
                    case .p384: [.ecdsaSecp384R1Sha384]
                    case .p521: [.ecdsaSecp521R1Sha512]
                    default: [.ecdsaSecp256R1Sha256]
                    }
                _ = try key.sign([UInt8](repeating: 1, count: 32), .ecdsa)
            default:
                throw KeyStoreError(.unsupportedAlgorithm, "\(key.place): only RSA and EC keys can serve TLS from a token")
            }
        } catch {
            throw TLSError(.keyUnavailable, "The private key does not sign: \(error.message)")
        }
    }

    func sign(channel: any Channel, algorithm: NIOSSL.SignatureAlgorithm, data: ByteBuffer) -> EventLoopFuture<ByteBuffer> {
        let promise = channel.eventLoop.makePromise(of: ByteBuffer.self)
        key.sign(Self.input(Array(data.readableBytesView), for: algorithm), Self.operation(for: algorithm)) { result in
            promise.completeWith(result.map { ByteBuffer(bytes: $0) }.mapError { $0 as any Error })
        }
        return promise.futureResult
    }

    /// Only cipher suites with RSA key exchange decrypt, which is not offered with keys in tokens.
    func decrypt(channel: any Channel, data: ByteBuffer) -> EventLoopFuture<ByteBuffer> {
        channel.eventLoop.makeFailedFuture(KeyStoreError(.unsupportedAlgorithm, "\(key.place) does not decrypt"))
    }

    /// What the token gets: digests are computed here.
    private static func input(_ message: [UInt8], for algorithm: NIOSSL.SignatureAlgorithm) -> [UInt8] {
        switch algorithm {
        case .rsaPkcs1Sha256: digestInfo(1, 32) + SHA256.hash(data: message)
        case .rsaPkcs1Sha384: digestInfo(2, 48) + SHA384.hash(data: message)
        case .rsaPssRsaeSha384, .ecdsaSecp384R1Sha384: Array(SHA384.hash(data: message))
        case .ecdsaSecp521R1Sha512: Array(SHA512.hash(data: message))
        default: Array(SHA256.hash(data: message))
        }
    }

    private static func operation(for algorithm: NIOSSL.SignatureAlgorithm) -> ExternalSignature {
        switch algorithm {
        case .rsaPkcs1Sha256, .rsaPkcs1Sha384: .rsaPKCS1
        case .rsaPssRsaeSha256: .rsaPSS(digest: "SHA256", saltLength: 32)
        case .rsaPssRsaeSha384: .rsaPSS(digest: "SHA384", saltLength: 48)
        default: .ecdsa
        }
    }

    /// The DER before a digest of SHA-2 in a DigestInfo (RFC 8017 section 9.2, note 1).
    private static func digestInfo(_ arc: UInt8, _ length: UInt8) -> [UInt8] {
        [0x30, 17 + length, 0x30, 13, 0x06, 9, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, arc, 0x05, 0x00, 0x04, length]
    }

    static func == (one: TokenKey, other: TokenKey) -> Bool { one.key.place == other.key.place && one.key.publicKeyInfo == other.key.publicKeyInfo }

    func hash(into hasher: inout Hasher) { hasher.combine(key.publicKeyInfo) }
}
#endif
