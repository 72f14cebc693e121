import ServalKeyStore

/// A certificate as `-list -v` and the trust questions show it.
enum CertificateBlock {
    /// The block; the last line has its line feed.
    ///
    /// - Parameter isTrusted: Leaves the signature's algorithm without judgement, as nobody relies on the signature of a trusted certificate.
    static func text(_ certificate: CertificateData, isTrusted: Bool = false) -> String {
        guard let fields = try? certificate.fields() else {
            return "(This certificate cannot be read.)\n" + fingerprints(of: certificate)
        }
        let weakness = WeakAlgorithms(fields)
        var text = """
            Owner: \(fields.subject.description.onOneLine)
            Issuer: \(fields.issuer.description.onOneLine)
            Serial number: \(fields.serialNumberDescription)
            Valid from: \(JavaText.dateAndTime(fields.notBefore)) until: \(JavaText.dateAndTime(fields.notAfter))

            """
        text += fingerprints(of: certificate)
        text += """
            Signature algorithm name: \(fields.signatureAlgorithmName)\(isTrusted ? "" : weakness.signature.note)
            Subject Public Key Algorithm: \(fields.keyText)\(weakness.key.note)
            Version: \(fields.version)

            """
        return text + ExtensionDump.text(fields.extensions)
    }

    private static func fingerprints(of certificate: CertificateData) -> String {
        """
        Certificate fingerprints:
        \t SHA1: \(HexDump.digits(certificate.sha1Fingerprint))
        \t SHA256: \(HexDump.digits(certificate.sha256Fingerprint))

        """
    }
}

extension CertificateFields {
    /// The key in the JDK's words, which give Ed25519 a length too.
    var keyText: String { publicKeyDescription == "Ed25519 key" ? "255-bit Ed25519 key" : publicKeyDescription }
}

extension CertificateData {
    /// The SHA-256 of the certificate as the tool prints it.
    var fingerprintText: String { HexDump.digits(sha256Fingerprint) }

    /// The certificate between its BEGIN and END lines.
    var pemText: String { PEM.encode(der, label: "CERTIFICATE") }
}
