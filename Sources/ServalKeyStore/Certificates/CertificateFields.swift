/// The parts of a certificate that a listing shows, read with as little judgement as possible.
public struct CertificateFields: Sendable, Hashable {
    /// A name: its DER, and as the JDK prints it.
    public struct Name: Sendable, Hashable, CustomStringConvertible {
        /// The name's DER, for comparisons byte by byte.
        public let der: [UInt8]
        /// The name in the form of Java's `X500Name.toString()`.
        public let description: String
    }

    /// An extension: object identifier, whether it is critical, and its value's DER.
    public struct Extension: Sendable, Hashable {
        /// The dotted object identifier, such as `2.5.29.14`.
        public let oid: String
        /// Whether a reader that does not know the extension must refuse the certificate.
        public let isCritical: Bool
        /// The DER inside the extension's OCTET STRING.
        public let value: [UInt8]

        /// Makes an extension.
        ///
        /// - Parameter oid: Dotted decimal numbers.
        public init(oid: String, isCritical: Bool, value: [UInt8]) {
            self.oid = oid
            self.isCritical = isCritical
            self.value = value
        }
    }

    /// 1, 2 or 3.
    public let version: Int
    /// The serial number's content octets, big-endian, two's complement, at least one.
    public let serialNumber: [UInt8]
    /// Who signed.
    public let issuer: Name
    /// Whom the certificate is about.
    public let subject: Name
    /// The start of the validity, in seconds since 1970.
    public let notBefore: Int64
    /// The end of the validity, in seconds since 1970.
    public let notAfter: Int64
    /// The signature algorithm in the JDK's spelling (`SHA256withRSA`), or its object identifier.
    public let signatureAlgorithmName: String
    /// The SubjectPublicKeyInfo as DER.
    public let publicKeyInfo: [UInt8]
    /// The key as keytool prints it: `2048-bit RSA key`, `256-bit EC (secp256r1) key`.
    public let publicKeyDescription: String
    /// The extensions in their order.
    public let extensions: [Extension]

    /// Whether subject and issuer are the same name.
    public var isSelfIssued: Bool { subject.isSame(as: issuer) }

    /// The serial number in lower-case hexadecimal without leading zeros, with `-` before negative ones, as keytool prints it.
    public var serialNumberDescription: String { SerialNumberText.hexadecimal(serialNumber) }
}

extension CertificateData {
    /// The parts of the certificate that a listing shows.
    ///
    /// - Throws: `corrupt` when the bytes are not a certificate at all.
    public func fields() throws(KeyStoreError) -> CertificateFields {
        try CertificateFields(der: der)
    }

    /// The SubjectPublicKeyInfo as DER.
    ///
    /// - Throws: `corrupt` when the bytes are not a certificate at all.
    public func publicKeyInfo() throws(KeyStoreError) -> [UInt8] {
        try CertificateSkeleton(der: der).publicKeyInfo
    }
}
