public import X509

/// Makes requests for certificates (PKCS#10), as `keytool -certreq` does.
public enum CertificateRequest {
    /// Makes a request for `key` with an extensionRequest that holds a SubjectKeyIdentifier.
    ///
    /// - Parameters:
    ///   - extensions: More extensions to ask for.
    ///   - signatureAlgorithm: By default ``PrivateKey/defaultSignatureAlgorithm()``.
    /// - Returns: The request as DER; ``PEM/encode(_:label:)`` with the label `CERTIFICATE REQUEST` makes the text that authorities take.
    /// - Throws: `unsupportedAlgorithm` for a key that cannot sign here, `invalidInput`.
    public static func make(
        key: PrivateKey,
        subject: DistinguishedName,
        extensions: Certificate.Extensions = Certificate.Extensions(),
        signatureAlgorithm: SignatureAlgorithm? = nil
    ) throws(KeyStoreError) -> [UInt8] {
        let algorithm = if let signatureAlgorithm { signatureAlgorithm } else { try key.defaultSignatureAlgorithm() }
        return try CertificateRequestIssuance(
            subject: subject.derBytes(),
            publicKeyInfo: key.publicKeyInfo,
            extensions: CertificateFields.Extension.list(extensions, addingKeyIdentifierOf: key.publicKeyInfo)
        ).issue(by: key, with: algorithm)
    }
}
