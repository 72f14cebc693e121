/// The JDK's names of object identifiers that stand in certificates and requests.
enum ObjectIdentifierName {
    /// The purposes that `-ext eku=…` takes by name, in the JDK's order.
    static let purposes = [
        "anyExtendedKeyUsage", "serverAuth", "clientAuth", "codeSigning", "emailProtection", "timeStamping", "OCSPSigning",
    ]

    /// The name of an object identifier, nil if the JDK has none.
    static func of(_ oid: String) -> String? { names[oid] }

    /// The object identifier of one of ``purposes``.
    static func oid(ofPurpose name: String) -> String? {
        names.first { $0.value == name && ($0.key.hasPrefix(purposeArc) || $0.key == "2.5.29.37.0") }?.key
    }

    private static let purposeArc = "1.3.6.1.5.5.7.3."

    private static let names = [
        "2.5.29.37.0": "anyExtendedKeyUsage", "1.3.6.1.5.5.7.3.1": "serverAuth", "1.3.6.1.5.5.7.3.2": "clientAuth",
        "1.3.6.1.5.5.7.3.3": "codeSigning", "1.3.6.1.5.5.7.3.4": "emailProtection", "1.3.6.1.5.5.7.3.5": "ipsecEndSystem",
        "1.3.6.1.5.5.7.3.6": "ipsecTunnel", "1.3.6.1.5.5.7.3.7": "ipsecUser", "1.3.6.1.5.5.7.3.8": "timeStamping",
        "1.3.6.1.5.5.7.3.9": "OCSPSigning", "1.3.6.1.4.1.311.10.3.3": "MICROSOFT_ExportApproved",
        "2.16.840.1.113730.4.1": "NETSCAPE_ExportApproved", "2.16.840.1.113730.1.1": "NETSCAPE_CertType",
        // Attributes of requests (PKCS #9).
        "1.2.840.113549.1.9.1": "EmailAddress", "1.2.840.113549.1.9.2": "UnstructuredName", "1.2.840.113549.1.9.3": "ContentType",
        "1.2.840.113549.1.9.4": "MessageDigest", "1.2.840.113549.1.9.5": "SigningTime", "1.2.840.113549.1.9.6": "CounterSignature",
        "1.2.840.113549.1.9.7": "ChallengePassword", "1.2.840.113549.1.9.8": "UnstructuredAddress",
        "1.2.840.113549.1.9.9": "ExtendedCertificateAttributes", "1.2.840.113549.1.9.10": "IssuerAndSerialNumber",
        "1.2.840.113549.1.9.14": "ExtensionRequest", "1.2.840.113549.1.9.15": "SMIMECapability",
        "1.2.840.113549.1.9.16.2.12": "SigningCertificate", "1.2.840.113549.1.9.16.2.14": "SignatureTimestampToken",
        "1.2.840.113549.1.9.20": "FriendlyName", "1.2.840.113549.1.9.21": "LocalKeyID", "1.2.840.113549.1.9.52": "CMSAlgorithmProtection",
    ]
}
