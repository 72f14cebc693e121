import SwiftASN1
public import X509

/// A certificate that a client has shown: its bytes, and whose it is.
///
/// Every certificate that a TLS host accepts has these, with algorithms and extensions that swift-certificates does not know, too (RSASSA-PSS, Ed448).
public struct PeerCertificate: Sendable, Hashable {
    /// The certificate in DER.
    public let der: [UInt8]
    /// Whom the certificate is about, as Tomcat and `serval-keytool -printcert` write it: `CN=Duke, O="Example, Inc."`.
    ///
    /// It may be empty.
    public let subject: String
    /// Who has signed it, written likewise.
    public let issuer: String
    /// The serial number in lower-case hexadecimal without leading zeros, with `-` before negative ones.
    public let serialNumber: String

    /// A certificate; made by the connector, and by tests, whose words are taken as they are.
    public init(der: [UInt8], subject: String, issuer: String, serialNumber: String) {
        self.der = der
        self.subject = subject
        self.issuer = issuer
        self.serialNumber = serialNumber
    }

    /// The certificate in all its parts; parsed anew each time.
    ///
    /// - Throws: where swift-certificates does not know an algorithm or an encoding in it.
    public func parsed() throws -> Certificate { try Certificate(derEncoded: self.der) }
}
