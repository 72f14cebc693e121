import ServalKeyStore

/// The extensions whose contents the JDK prints in words.
enum KnownExtension {
    /// How an extension is shown.
    enum Description {
        /// In words; the name decides the extension's place in a list.
        case words(name: String, text: String)
        /// An extension that the JDK knows, with contents that are not what they should be.
        case broken(name: String, reason: String)
        /// An extension that the JDK does not know.
        case unknown
    }

    static func describe(_ item: CertificateFields.Extension) -> Description {
        guard let (name, read) = readers[item.oid] else { return .unknown }
        do {
            if name == "InhibitAnyPolicy", !item.isCritical { throw Malformed("Criticality cannot be false for InhibitAnyPolicy") }
            return .words(name: name, text: try read(ASN1Value(item.value)))
        } catch let error as Malformed {
            return .broken(name: name, reason: error.reason)
        } catch {
            return .broken(name: name, reason: "its contents are not valid DER of this type")
        }
    }

    /// Contents that are DER, and yet not those of the extension.
    struct Malformed: Error {
        let reason: String

        init(_ reason: String = "its contents are not valid DER of this type") {
            self.reason = reason
        }
    }

    private typealias Reader = @Sendable (ASN1Value) throws -> String

    private static let readers: [String: (name: String, read: Reader)] = [
        "2.5.29.14": ("SubjectKeyIdentifier", KeyExtensionText.subjectKeyIdentifier),
        "2.5.29.15": ("KeyUsage", KeyExtensionText.keyUsage),
        "2.5.29.16": ("PrivateKeyUsage", KeyExtensionText.privateKeyUsage),
        "2.5.29.17": ("SubjectAlternativeName", { try NameExtensionText.alternativeName($0, "SubjectAlternativeName") }),
        "2.5.29.18": ("IssuerAlternativeName", { try NameExtensionText.alternativeName($0, "IssuerAlternativeName") }),
        "2.5.29.19": ("BasicConstraints", KeyExtensionText.basicConstraints),
        "2.5.29.20": ("CRLNumber", { try RevocationExtensionText.number($0, "CRL Number") }),
        "2.5.29.21": ("CRLReasonCode", RevocationExtensionText.reason),
        "2.5.29.27": ("DeltaCRLIndicator", { try RevocationExtensionText.number($0, "Base CRL Number") }),
        "2.5.29.28": ("IssuingDistributionPoint", RevocationExtensionText.issuingDistributionPoint),
        "2.5.29.29": ("CertificateIssuer", RevocationExtensionText.certificateIssuer),
        "2.5.29.30": ("NameConstraints", NameExtensionText.nameConstraints),
        "2.5.29.31": ("CRLDistributionPoints", { try DistributionPointText.extensionText($0, "CRLDistributionPoints") }),
        "2.5.29.32": ("CertificatePolicies", PolicyExtensionText.certificatePolicies),
        "2.5.29.33": ("PolicyMappings", PolicyExtensionText.policyMappings),
        "2.5.29.35": ("AuthorityKeyIdentifier", KeyExtensionText.authorityKeyIdentifier),
        "2.5.29.36": ("PolicyConstraints", PolicyExtensionText.policyConstraints),
        "2.5.29.37": ("ExtendedKeyUsage", KeyExtensionText.extendedKeyUsage),
        "2.5.29.46": ("FreshestCRL", { try DistributionPointText.extensionText($0, "FreshestCRL") }),
        "2.5.29.54": ("InhibitAnyPolicy", PolicyExtensionText.inhibitAnyPolicy),
        "2.16.840.1.113730.1.1": ("NetscapeCertType", KeyExtensionText.netscapeCertificateType),
        "1.3.6.1.5.5.7.1.1": ("AuthorityInfoAccess", { try NameExtensionText.informationAccess($0, "AuthorityInfoAccess") }),
        "1.3.6.1.5.5.7.1.11": ("SubjectInfoAccess", { try NameExtensionText.informationAccess($0, "SubjectInfoAccess") }),
        "1.3.6.1.5.5.7.48.1.5": ("OCSPNoCheck", { _ in "" }),
    ]
}

extension ASN1Value {
    /// The numbers of the bits that are set in a BIT STRING, or in an implicitly tagged one.
    ///
    /// - Parameter tag: The tag to expect.
    func bits(_ tag: UInt8 = ASN1Value.bitString) throws -> [Int] {
        guard self.tag == tag, let unused = content.first, unused < 8, content.count <= 64 else { throw KnownExtension.Malformed() }
        let count = (content.count - 1) * 8 - Int(unused)
        guard count >= 0 else { throw KnownExtension.Malformed() }
        return (0..<count).filter { content[content.startIndex + 1 + $0 / 8] & (0x80 >> UInt8($0 % 8)) != 0 }
    }

    /// The same value with the tag that it would have without an implicit one.
    func retagged(_ tag: UInt8) -> ASN1Value {
        ASN1Value(tag: tag, encoded: encoded, content: content)
    }
}
