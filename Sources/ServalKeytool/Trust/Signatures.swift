import Crypto
import CryptoExtras
import ServalKeyStore
import SwiftASN1
import X509

extension CertificateData {
    /// Whether `issuer` signed this certificate: the names agree and the signature is right.
    ///
    /// False for algorithms that cannot be checked here, such as DSA.
    func isSigned(by issuer: CertificateData) -> Bool {
        guard let fields = try? fields(), let issuerFields = try? issuer.fields(), fields.issuer.der == issuerFields.subject.der else { return false }
        if let certificate = try? parsed(), let issuerCertificate = try? issuer.parsed() {
            return issuerCertificate.publicKey.isValidSignature(certificate.signature, for: certificate)
        }
        return hasValidRSASignature(fields.signatureAlgorithmName, key: issuerFields.publicKeyInfo)
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

    /// Checks what swift-certificates refuses to parse: RSA keys shorter than 2048 bits, which old authorities have.
    ///
    /// The person is warned about them.
    private func hasValidRSASignature(_ algorithm: String, key: [UInt8]) -> Bool {
        guard let key = try? _RSA.Signing.PublicKey(unsafeDERRepresentation: key), let node = try? DER.parse(der),
            let parts = try? DERNodes.children(node), parts.count == 3, let bits = try? ASN1BitString(derEncoded: parts[2])
        else { return false }
        let signature = _RSA.Signing.RSASignature(rawRepresentation: bits.bytes)
        let message = parts[0].encodedBytes
        switch algorithm {
        case "SHA1withRSA": return key.isValidSignature(signature, for: Insecure.SHA1.hash(data: message), padding: .insecurePKCS1v1_5)
        case "SHA256withRSA": return key.isValidSignature(signature, for: SHA256.hash(data: message), padding: .insecurePKCS1v1_5)
        case "SHA384withRSA": return key.isValidSignature(signature, for: SHA384.hash(data: message), padding: .insecurePKCS1v1_5)
        case "SHA512withRSA": return key.isValidSignature(signature, for: SHA512.hash(data: message), padding: .insecurePKCS1v1_5)
        default: return false
        }
    }
}
