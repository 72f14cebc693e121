public import FoundationEssentials
public import X509

/// Makes certificates that sign themselves, as `keytool -genkeypair` does.
public enum SelfSignedCertificate {
    /// Makes a certificate for `key`, signed by `key`.
    ///
    /// - Parameters:
    ///   - notBefore: The start of the validity; by default now.
    ///   - validity: How long it is valid; by default 90 days, keytool's default.
    ///   - serial: The serial number's octets, big-endian; by default 16 random bytes, positive.
    ///   - extensions: More extensions; a SubjectKeyIdentifier (SHA-1 of the public key, as the JDK makes it) is added when there is none.
    ///   - signatureAlgorithm: By default the JDK 17's choice for the key: SHA256withRSA, SHA256withECDSA (SHA384 for P-384, SHA512 for P-521), Ed25519.
    /// - Throws: `unsupportedAlgorithm` for a key that cannot sign here, `invalidInput`.
    public static func make(
        key: PrivateKey,
        subject: DistinguishedName,
        notBefore: Date = Date(),
        validity: Duration = .seconds(90 * 86_400),
        serial: [UInt8]? = nil,
        extensions: Certificate.Extensions = Certificate.Extensions(),
        signatureAlgorithm: Certificate.SignatureAlgorithm? = nil
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
        signatureAlgorithm: Certificate.SignatureAlgorithm? = nil
    ) throws(KeyStoreError) -> CertificateData {
        let signingKey = try key.signingKey()
        return try issue(
            publicKey: signingKey.publicKey,
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
    public static func issue(
        publicKey: Certificate.PublicKey,
        subject: DistinguishedName,
        issuer: DistinguishedName,
        issuerKey: PrivateKey,
        notBefore: Date,
        notAfter: Date,
        serial: [UInt8]? = nil,
        extensions: Certificate.Extensions = Certificate.Extensions(),
        signatureAlgorithm: Certificate.SignatureAlgorithm? = nil
    ) throws(KeyStoreError) -> CertificateData {
        guard notBefore <= notAfter else { throw KeyStoreError(.invalidInput, "The certificate would end before it begins") }
        let signingKey = try issuerKey.signingKey()
        let algorithm = if let signatureAlgorithm { signatureAlgorithm } else { try issuerKey.defaultSignatureAlgorithm() }
        do {
            return try CertificateData(
                Certificate(
                    version: .v3,
                    serialNumber: Certificate.SerialNumber(bytes: serial ?? Self.randomSerial()),
                    publicKey: publicKey,
                    notValidBefore: notBefore,
                    notValidAfter: notAfter,
                    issuer: issuer,
                    subject: subject,
                    signatureAlgorithm: algorithm,
                    extensions: extensions.addingSubjectKeyIdentifier(of: publicKey),
                    issuerPrivateKey: signingKey
                )
            )
        } catch let error as KeyStoreError {
            throw error
        } catch {
            throw KeyStoreError(.invalidInput, "The certificate cannot be made: \(error)")
        }
    }

    private static func randomSerial() -> [UInt8] {
        var random = SystemRandomNumberGenerator()
        var bytes = (0..<16).map { _ in UInt8.random(in: 0...255, using: &random) }
        bytes[0] = bytes[0] & 0x7F | 0x40
        return bytes
    }
}

extension Certificate.Extensions {
    func addingSubjectKeyIdentifier(of publicKey: Certificate.PublicKey) throws -> Certificate.Extensions {
        guard !contains(where: { $0.oid == .X509ExtensionID.subjectKeyIdentifier }) else { return self }
        var extensions = self
        try extensions.append(Certificate.Extension(SubjectKeyIdentifier(hash: publicKey), critical: false))
        return extensions
    }
}
