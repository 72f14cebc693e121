import SwiftASN1
public import X509

extension CertificateSigningRequest {
    /// Makes a PKCS#10 request for `key`, as `keytool -certreq` does: with an extensionRequest that holds a SubjectKeyIdentifier.
    ///
    /// - Parameters:
    ///   - extensions: More extensions to ask for.
    ///   - signatureAlgorithm: By default as for ``SelfSignedCertificate``.
    /// - Throws: `unsupportedAlgorithm` for a key that cannot sign here, `invalidInput`.
    public static func make(
        key: PrivateKey,
        subject: DistinguishedName,
        extensions: Certificate.Extensions = Certificate.Extensions(),
        signatureAlgorithm: Certificate.SignatureAlgorithm? = nil
    ) throws(KeyStoreError) -> CertificateSigningRequest {
        let signingKey = try key.signingKey()
        let algorithm = if let signatureAlgorithm { signatureAlgorithm } else { try key.defaultSignatureAlgorithm() }
        do {
            let request = try ExtensionRequest(extensions: extensions.addingSubjectKeyIdentifier(of: signingKey.publicKey))
            return try CertificateSigningRequest(
                version: .v1,
                subject: subject,
                privateKey: signingKey,
                attributes: CertificateSigningRequest.Attributes([.init(request)]),
                signatureAlgorithm: algorithm
            )
        } catch {
            throw KeyStoreError(.invalidInput, "The certificate request cannot be made: \(error)")
        }
    }

    /// The request as DER.
    ///
    /// - Throws: `invalidInput` when it cannot be serialized.
    public func derBytes() throws(KeyStoreError) -> [UInt8] {
        do {
            var serializer = DER.Serializer()
            try serializer.serialize(self)
            return serializer.serializedBytes
        } catch {
            throw KeyStoreError(.invalidInput, "The certificate request cannot be encoded: \(error)")
        }
    }
}
