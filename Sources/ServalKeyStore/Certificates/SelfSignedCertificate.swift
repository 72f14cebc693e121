public import FoundationEssentials
import SwiftASN1
public import X509

/// Makes certificates that sign themselves, as `keytool -genkeypair` does.
public enum SelfSignedCertificate {
    /// Makes a certificate for `key`, signed by `key`.
    ///
    /// - Parameters:
    ///   - notBefore: The start of the validity; by default now.
    ///   - validity: How long it is valid; by default 90 days, keytool's default.
    ///   - serial: The serial number, big-endian and without sign; by default 16 random bytes.
    ///   - extensions: More extensions; a SubjectKeyIdentifier (SHA-1 of the public key, as the JDK makes it) is added when there is none.
    ///   - signatureAlgorithm: By default ``PrivateKey/defaultSignatureAlgorithm()``.
    /// - Throws: `unsupportedAlgorithm` for a key that cannot sign here, `invalidInput`.
    public static func make(
        key: PrivateKey,
        subject: DistinguishedName,
        notBefore: Date = Date(),
        validity: Duration = .seconds(90 * 86_400),
        serial: [UInt8]? = nil,
        extensions: Certificate.Extensions = Certificate.Extensions(),
        signatureAlgorithm: SignatureAlgorithm? = nil
    ) throws(KeyStoreError) -> CertificateData {
        try make(
            key: key,
            subject: subject,
            notBefore: notBefore,
            notAfter: notBefore.addingTimeInterval(Double(validity.components.seconds)),
            serial: serial,
            extensions: extensions,
            signatureAlgorithm: signatureAlgorithm
        )
    }

    /// Makes a certificate for `key`, signed by `key`, with the end of its validity given.
    public static func make(
        key: PrivateKey,
        subject: DistinguishedName,
        notBefore: Date,
        notAfter: Date,
        serial: [UInt8]? = nil,
        extensions: Certificate.Extensions = Certificate.Extensions(),
        signatureAlgorithm: SignatureAlgorithm? = nil
    ) throws(KeyStoreError) -> CertificateData {
        try issue(
            publicKeyInfo: key.publicKeyInfo,
            subject: subject,
            issuer: subject,
            issuerKey: key,
            notBefore: notBefore,
            notAfter: notAfter,
            serial: serial,
            extensions: extensions,
            signatureAlgorithm: signatureAlgorithm
        )
    }

    /// Makes a certificate for any public key, signed by `issuerKey`, as `keytool -gencert` and `-genkeypair -signer` do.
    ///
    /// Adds a SubjectKeyIdentifier when there is none; adds no AuthorityKeyIdentifier.
    /// - Parameter publicKeyInfo: The SubjectPublicKeyInfo as DER.
    public static func issue(
        publicKeyInfo: [UInt8],
        subject: DistinguishedName,
        issuer: DistinguishedName,
        issuerKey: PrivateKey,
        notBefore: Date,
        notAfter: Date,
        serial: [UInt8]? = nil,
        extensions: Certificate.Extensions = Certificate.Extensions(),
        signatureAlgorithm: SignatureAlgorithm? = nil
    ) throws(KeyStoreError) -> CertificateData {
        let algorithm = if let signatureAlgorithm { signatureAlgorithm } else { try issuerKey.defaultSignatureAlgorithm() }
        return try CertificateIssuance(
            subject: subject.derBytes(),
            publicKeyInfo: publicKeyInfo,
            issuer: issuer.derBytes(),
            serialNumber: serial.map(DEREncoding.unsigned) ?? CertificateIssuance.randomSerialNumber(),
            notBefore: notBefore.secondsSince1970(),
            notAfter: notAfter.secondsSince1970(),
            extensions: CertificateFields.Extension.list(extensions, addingKeyIdentifierOf: publicKeyInfo)
        ).issue(by: issuerKey, with: algorithm)
    }
}

extension CertificateFields.Extension {
    /// Those of swift-certificates, and a SubjectKeyIdentifier when there is none among them.
    static func list(_ extensions: Certificate.Extensions, addingKeyIdentifierOf publicKeyInfo: [UInt8]) throws(KeyStoreError) -> [Self] {
        let list = extensions.map { Self(oid: $0.oid.description, isCritical: $0.critical, value: Array($0.value)) }
        return list.contains { $0.oid == "2.5.29.14" } ? list : list + [try subjectKeyIdentifier(of: publicKeyInfo)]
    }
}

extension DistinguishedName {
    /// The name as DER.
    package func derBytes() throws(KeyStoreError) -> [UInt8] {
        do {
            var serializer = DER.Serializer()
            try serializer.serialize(self)
            return serializer.serializedBytes
        } catch {
            throw KeyStoreError(.invalidInput, "The name cannot be encoded: \(error)")
        }
    }
}

extension Date {
    fileprivate func secondsSince1970() throws(KeyStoreError) -> Int64 {
        guard let seconds = Int64(exactly: timeIntervalSince1970.rounded(.down)) else {
            throw KeyStoreError(.invalidInput, "The date is out of range")
        }
        return seconds
    }
}
