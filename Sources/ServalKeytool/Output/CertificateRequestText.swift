import ServalKeyStore

/// A certificate request in the words of the JDK.
enum CertificateRequestText {
    /// The lines, each with its line feed.
    static func text(_ request: CertificateRequestFields) throws -> String {
        let key = request.keyDescription
        let signature = request.signatureAlgorithmName
        var text = """
            PKCS #10 Certificate Request (Version 1.0)
            Subject: \(request.subject.description.onOneLine)
            Format: X.509
            Public Key: \(key)\(WeakAlgorithms.judgement(ofKey: key).note)
            Signature algorithm: \(signature)\(WeakAlgorithms.judgement(ofSignature: signature).note)

            """
        for attribute in inJavaOrder(request.attributes) {
            if attribute.oid == CertificateRequestFields.extensionRequest {
                text += ExtensionDump.text(try request.requestedExtensions, title: "Extension Request:")
            } else {
                let oid = attribute.oid.description
                text += "Attribute: \(oid)\n\(ObjectIdentifierName.of(oid) ?? oid): \(value(of: attribute))\n"
            }
        }
        return text
    }

    /// The JDK keeps attributes in a small hash table under their numbers; a later one replaces an earlier one.
    private static func inJavaOrder(_ attributes: [CertificateRequestFields.Attribute]) -> [CertificateRequestFields.Attribute] {
        var byNumber: [String: CertificateRequestFields.Attribute] = [:]
        var numbers: [String] = []
        for attribute in attributes where byNumber.updateValue(attribute, forKey: attribute.oid.description) == nil {
            numbers.append(attribute.oid.description)
        }
        return HashtableOrder.order(of: numbers, capacity: 3).compactMap { byNumber[$0] }
    }

    private static func value(of attribute: CertificateRequestFields.Attribute) -> String {
        switch attribute.oid.description {
        case "1.2.840.113549.1.9.1", "1.2.840.113549.1.9.2", "1.2.840.113549.1.9.8":
            return "[\(attribute.values.map(text).joined(separator: ", "))]"
        default: return attribute.values.map(text).joined(separator: ", ")
        }
    }

    private static func text(_ value: ASN1Value) -> String {
        if let string = JavaNameText.string(value) { return string.onOneLine }
        switch value.tag {
        case 0x17, 0x18: return (try? JavaText.dateAndTime(ASN1Time.seconds(value))) ?? digits(value)
        case ASN1Value.objectIdentifier: return (try? value.objectIdentifier().description) ?? digits(value)
        default: return digits(value)
        }
    }

    /// Of what it does not know, the JDK prints the address in memory.
    private static func digits(_ value: ASN1Value) -> String { HexDump.digits(value.encoded) }
}
