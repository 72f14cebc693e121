public import Crypto
import FoundationEssentials
import ServalHTTP
public import ServalServlet
import SwiftASN1
public import X509

/// A certificate authority that is made when a test runs, so that no certificate ever expires in a repository.
public struct TestCertificateAuthority: Sendable {
    /// The authority's own certificate.
    public let certificate: Certificate
    private let key: P256.Signing.PrivateKey

    /// Makes an authority with a fresh P-256 key, valid for a day around now.
    public init(commonName: String = "Serval Test CA") throws {
        let key = P256.Signing.PrivateKey()
        self.key = key
        let name = try DistinguishedName { CommonName(commonName) }
        self.certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: .init(key.publicKey),
            notValidBefore: Date.now.addingTimeInterval(-86400),
            notValidAfter: Date.now.addingTimeInterval(86400),
            issuer: name,
            subject: name,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                SubjectKeyIdentifier(hash: Certificate.PublicKey(key.publicKey))
            },
            issuerPrivateKey: .init(key)
        )
    }

    /// Issues a certificate with a fresh P-256 key.
    ///
    /// - Parameters:
    ///   - dnsNames: the subject alternative names; default the common name.
    ///   - ipAddresses: IPv4 addresses among the alternative names.
    ///   - validFor: seconds from a day ago until the end; negative makes an expired certificate.
    public func issue(
        commonName: String = "localhost",
        dnsNames: [String]? = nil,
        ipAddresses: [[UInt8]] = [[127, 0, 0, 1]],
        validFor seconds: Double = 86400
    ) throws -> TestIdentity {
        let key = P256.Signing.PrivateKey()
        let names =
            (dnsNames ?? [commonName]).map { GeneralName.dnsName($0) }
            + ipAddresses.map { GeneralName.ipAddress(ASN1OctetString(contentBytes: $0[...])) }
        let certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: .init(key.publicKey),
            notValidBefore: Date.now.addingTimeInterval(-2 * 86400),
            notValidAfter: Date.now.addingTimeInterval(seconds),
            issuer: self.certificate.subject,
            subject: try DistinguishedName { CommonName(commonName) },
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth, .clientAuth])
                SubjectAlternativeNames(names)
            },
            issuerPrivateKey: .init(self.key)
        )
        return TestIdentity(certificate: certificate, issuer: self.certificate, key: key)
    }

    /// The authority's certificate in PEM.
    public var certificatePEM: String { get throws { try self.certificate.serializeAsPEM().pemString } }
}

/// A key with its certificate, made for a test.
public struct TestIdentity: Sendable {
    /// The certificate.
    public let certificate: Certificate
    /// The certificate of its issuer.
    public let issuer: Certificate
    /// The private key.
    public let key: P256.Signing.PrivateKey

    /// The certificate in PEM.
    public var certificatePEM: String { get throws { try self.certificate.serializeAsPEM().pemString } }
    /// The certificate as requests have it.
    public var peerCertificate: PeerCertificate { get throws { try PeerCertificate(derEncoded: self.chain[0]) } }
    /// The private key in PEM (PKCS#8).
    public var keyPEM: String { self.key.pemRepresentation }
    /// The private key in DER (PKCS#8).
    public var keyPKCS8: [UInt8] { Array(self.key.derRepresentation) }
    /// Certificate and issuer in DER, leaf first.
    public var chain: [[UInt8]] {
        get throws {
            try [self.certificate, self.issuer].map { certificate in
                var serializer = DER.Serializer()
                try serializer.serialize(certificate)
                return serializer.serializedBytes
            }
        }
    }
}
