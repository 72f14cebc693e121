/// Whom a certificate is about, who has signed it, and its number: what every certificate has, whatever its algorithms and extensions are.
package struct CertificateNames: Sendable, Hashable {
    /// Whom the certificate is about.
    package let subject: CertificateFields.Name
    /// Who signed.
    package let issuer: CertificateFields.Name
    /// The serial number's content octets, big-endian, two's complement, at least one.
    package let serialNumber: [UInt8]

    /// The serial number in lower-case hexadecimal without leading zeros, with `-` before negative ones, as keytool prints it.
    package var serialNumberDescription: String { SerialNumberText.hexadecimal(serialNumber) }
}

extension CertificateData {
    /// The certificate's names and number.
    ///
    /// - Throws: `corrupt` when the bytes are not a certificate at all.
    package func names() throws(KeyStoreError) -> CertificateNames {
        let skeleton = try CertificateSkeleton(der: der)
        return CertificateNames(
            subject: try CertificateFields.Name(skeleton.subject),
            issuer: try CertificateFields.Name(skeleton.issuer),
            serialNumber: skeleton.serialNumber
        )
    }
}
