import Crypto
import SwiftASN1
public import X509

/// A certificate as its DER bytes, whether or not swift-certificates can parse it.
///
/// Real stores hold certificates with negative serial numbers, unknown algorithms and odd names; they must be listed, kept and passed on.
public struct CertificateData: Sendable, Hashable {
    /// The certificate as DER, byte for byte as it was read.
    public let der: [UInt8]

    /// Wraps bytes without looking at them.
    public init(der: [UInt8]) {
        self.der = der
    }

    /// The DER of a parsed certificate.
    ///
    /// - Throws: `invalidInput` when it cannot be serialized.
    public init(_ certificate: Certificate) throws(KeyStoreError) {
        do {
            var serializer = DER.Serializer()
            try serializer.serialize(certificate)
            der = serializer.serializedBytes
        } catch {
            throw KeyStoreError(.invalidInput, "The certificate cannot be encoded: \(error)")
        }
    }

    /// The certificate as swift-certificates' value.
    ///
    /// - Throws: `corrupt` when swift-certificates refuses it (unknown curves, RSA keys below 2048 bits, …); ``fields()`` may still read it.
    public func parsed() throws(KeyStoreError) -> Certificate {
        do {
            return try Certificate(derEncoded: der)
        } catch {
            throw KeyStoreError(.corrupt, "The certificate cannot be parsed: \(error)")
        }
    }

    /// The SHA-256 of the DER bytes (32 bytes).
    public var sha256Fingerprint: [UInt8] { Array(SHA256.hash(data: der)) }

    /// The SHA-1 of the DER bytes (20 bytes), as keytool prints it.
    public var sha1Fingerprint: [UInt8] { Array(Insecure.SHA1.hash(data: der)) }

    /// The subject as the JDK prints it, or a placeholder when the certificate cannot be read.
    public var subjectDescription: String {
        (try? fields().subject.description) ?? "(unreadable certificate)"
    }
}
