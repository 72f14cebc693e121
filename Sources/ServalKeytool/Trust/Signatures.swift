import ServalKeyStore
import X509

extension CertificateData {
    /// Whether `issuer` signed this certificate: the names agree and the signature is right.
    ///
    /// False for algorithms that swift-certificates cannot check.
    func isSigned(by issuer: CertificateData) -> Bool {
        guard let fields = try? fields(), let issuerFields = try? issuer.fields(), fields.issuer.der == issuerFields.subject.der,
            let certificate = try? parsed(), let issuerCertificate = try? issuer.parsed()
        else { return false }
        return issuerCertificate.publicKey.isValidSignature(certificate.signature, for: certificate)
    }

    /// Whether the certificate signed itself.
    var isSelfSigned: Bool { isSigned(by: self) }

    /// Whether both certificates hold the same public key.
    func hasPublicKey(of other: CertificateData) -> Bool {
        guard let mine = try? publicKeyInfo(), let others = try? other.publicKeyInfo() else { return false }
        if mine == others { return true }
        // The same key may be encoded in two ways.
        guard let parsed = try? parsed(), let otherParsed = try? other.parsed() else { return false }
        return parsed.publicKey == otherParsed.publicKey
    }
}
