import Glibc
import SwiftASN1

/// The extensions whose contents the JDK prints in words.
enum KnownExtension {
    /// How an extension is shown.
    struct Description {
        let sortKey: String
        let text: String
        var isBroken = false
    }

    static func describe(_ item: ExtensionDump.Item) -> Description {
        guard let (name, read) = readers[item.oid] else {
            let dump = item.value.isEmpty ? "(Empty value)\n" : HexDump.text(item.value) + "\n"
            return Description(sortKey: item.oid, text: dump)
        }
        do {
            return Description(sortKey: name, text: try read(item.value))
        } catch {
            let reason = "Unparseable \(name) extension due to\njava.io.IOException: its contents are not valid DER of this type\n\n"
            return Description(sortKey: name, text: reason + HexDump.text(item.value), isBroken: true)
        }
    }

    private typealias Reader = @Sendable ([UInt8]) throws -> String

    private static let readers: [String: (name: String, read: Reader)] = [
        "2.5.29.14": ("SubjectKeyIdentifier", subjectKeyIdentifier),
        "2.5.29.15": ("KeyUsage", keyUsage),
        "2.5.29.17": ("SubjectAlternativeName", { try alternativeName($0, "SubjectAlternativeName") }),
        "2.5.29.18": ("IssuerAlternativeName", { try alternativeName($0, "IssuerAlternativeName") }),
        "2.5.29.19": ("BasicConstraints", basicConstraints),
        "2.5.29.31": ("CRLDistributionPoints", distributionPoints),
        "2.5.29.32": ("CertificatePolicies", certificatePolicies),
        "2.5.29.35": ("AuthorityKeyIdentifier", authorityKeyIdentifier),
        "2.5.29.37": ("ExtendedKeyUsage", extendedKeyUsage),
        "2.5.29.16": ("PrivateKeyUsage", privateKeyUsage),
        "2.16.840.1.113730.1.1": ("NetscapeCertType", netscapeCertificateType),
        "1.3.6.1.5.5.7.1.1": ("AuthorityInfoAccess", { try informationAccess($0, "AuthorityInfoAccess") }),
        "1.3.6.1.5.5.7.1.11": ("SubjectInfoAccess", { try informationAccess($0, "SubjectInfoAccess") }),
        "1.3.6.1.5.5.7.48.1.5": ("OCSPNoCheck", { _ in "" }),
    ]

    @Sendable private static func subjectKeyIdentifier(_ value: [UInt8]) throws -> String {
        let identifier = try ASN1OctetString(derEncoded: value)
        return "SubjectKeyIdentifier [\n\(keyIdentifier(identifier.bytes))]\n"
    }

    private static func keyIdentifier(_ bytes: ArraySlice<UInt8>) -> String {
        "KeyIdentifier [\n\(HexDump.text(bytes))]\n"
    }

    @Sendable private static func authorityKeyIdentifier(_ value: [UInt8]) throws -> String {
        var text = "AuthorityKeyIdentifier [\n"
        for node in try DERNodes.sequence(value) {
            switch node.identifier.tagNumber {
            case 0: text += keyIdentifier(try DERNodes.primitive(node))
            case 1: text += try GeneralNameText.list(DERNodes.children(node)) + "\n"
            case 2:
                text += "SerialNumber: \(HexDump.digits(try DERNodes.primitive(node)).lowercased())\n"
            default: throw DERNodes.Malformed()
            }
        }
        return text + "]\n"
    }

    @Sendable private static func basicConstraints(_ value: [UInt8]) throws -> String {
        var isAuthority = false
        var length: Int?
        for node in try DERNodes.sequence(value) {
            if node.identifier == .boolean {
                isAuthority = try Bool(derEncoded: node)
            } else {
                length = try Int(derEncoded: node)
            }
        }
        let limit = length.map { "PathLen:\($0)" } ?? (isAuthority ? "PathLen: no limit" : "PathLen: undefined")
        return "BasicConstraints:[\n  CA:\(isAuthority)\n  \(limit)\n]\n"
    }

    @Sendable private static func keyUsage(_ value: [UInt8]) throws -> String {
        let names = [
            "DigitalSignature", "Non_repudiation", "Key_Encipherment", "Data_Encipherment", "Key_Agreement", "Key_CertSign", "Crl_Sign",
            "Encipher_Only", "Decipher_Only",
        ]
        let lines = try DERNodes.bits(value).filter(names.indices.contains).map { "  \(names[$0])\n" }
        return "KeyUsage [\n\(lines.joined())]\n"
    }

    @Sendable private static func privateKeyUsage(_ value: [UInt8]) throws -> String {
        let dates = try DERNodes.sequence(value).map { node in
            let time = try GeneralizedTime(derEncoded: node, withIdentifier: node.identifier)
            var fields = tm()
            (fields.tm_year, fields.tm_mon, fields.tm_mday) = (Int32(time.year - 1900), Int32(time.month - 1), Int32(time.day))
            (fields.tm_hour, fields.tm_min, fields.tm_sec) = (Int32(time.hours), Int32(time.minutes), Int32(time.seconds))
            let date = JavaText.dateAndTime(Int64(timegm(&fields)))
            return (node.identifier.tagNumber == 0 ? "From: " : "To: ") + date
        }
        return "PrivateKeyUsage: [\n\(dates.joined(separator: ", "))]\n"
    }

    @Sendable private static func netscapeCertificateType(_ value: [UInt8]) throws -> String {
        // The JDK has no line feed behind the last of them.
        let names = ["SSL client\n", "SSL server\n", "S/MIME\n", "Object Signing\n", nil, "SSL CA\n", "S/MIME CA\n", "Object Signing CA"]
        let lines = try DERNodes.bits(value).compactMap { names.indices.contains($0) ? names[$0] : nil }
        return "NetscapeCertType [\n\(lines.map { "   \($0)" }.joined())]\n"
    }

    @Sendable private static func extendedKeyUsage(_ value: [UInt8]) throws -> String {
        let lines = try DERNodes.sequence(value).map { node in
            let oid = try ASN1ObjectIdentifier(derEncoded: node).description
            return "  \(KeyPurpose.name(of: oid) ?? oid)\n"
        }
        return "ExtendedKeyUsages [\n\(lines.joined())]\n"
    }

    private static func alternativeName(_ value: [UInt8], _ name: String) throws -> String {
        let lines = try DERNodes.sequence(value).map { "  \(try GeneralNameText.text($0))\n" }
        return "\(name) [\n\(lines.joined())]\n"
    }

    private static func informationAccess(_ value: [UInt8], _ name: String) throws -> String {
        let methods = [
            "1.3.6.1.5.5.7.48.1": "ocsp", "1.3.6.1.5.5.7.48.2": "caIssuers", "1.3.6.1.5.5.7.48.3": "timeStamping",
            "1.3.6.1.5.5.7.48.5": "caRepository",
        ]
        let entries = try DERNodes.sequence(value).map { node in
            let parts = try DERNodes.children(node)
            guard parts.count == 2 else { throw DERNodes.Malformed() }
            let method = try ASN1ObjectIdentifier(derEncoded: parts[0]).description
            return "\n   accessMethod: \(methods[method] ?? method)\n   accessLocation: \(try GeneralNameText.text(parts[1]))\n"
        }
        return "\(name) [\n  [\(entries.joined(separator: ", "))]\n]\n"
    }

    @Sendable private static func distributionPoints(_ value: [UInt8]) throws -> String {
        let reasons = [
            nil, "key compromise", "CA compromise", "affiliation changed", "superseded", "cessation of operation", "certificate hold",
            "privilege withdrawn", "AA compromise",
        ]
        let points = try DERNodes.sequence(value).map { node in
            var text = "DistributionPoint:\n     "
            for field in try DERNodes.children(node) {
                switch field.identifier.tagNumber {
                case 0:
                    guard let name = try DERNodes.children(field).first else { throw DERNodes.Malformed() }
                    // A name relative to the issuer's is so rare that it is shown as bytes.
                    text += name.identifier.tagNumber == 0 ? try GeneralNameText.list(DERNodes.children(name)) : HexDump.digits(name.encodedBytes)
                    text += "\n"
                case 1:
                    let names = try DERNodes.bits(of: DERNodes.primitive(field)).compactMap { reasons.indices.contains($0) ? reasons[$0] : nil }
                    text += "   ReasonFlags:\n" + names.map { "    \($0)\n" }.joined()
                case 2: text += "   CRLIssuer:\(try GeneralNameText.list(DERNodes.children(field)))\n"
                default: throw DERNodes.Malformed()
                }
            }
            return text
        }
        return "CRLDistributionPoints [\n  [\(points.joined(separator: ", "))]]\n"
    }

    @Sendable private static func certificatePolicies(_ value: [UInt8]) throws -> String {
        let policies = try DERNodes.sequence(value).map { node in
            let parts = try DERNodes.children(node)
            guard let first = parts.first else { throw DERNodes.Malformed() }
            let qualifiers = try (parts.count > 1 ? DERNodes.children(parts[1]) : []).map { qualifier in
                let fields = try DERNodes.children(qualifier)
                guard fields.count == 2 else { throw DERNodes.Malformed() }
                let dump = HexDump.text(fields[1].encodedBytes)
                return "PolicyQualifierInfo: [\n  qualifierID: \(try ASN1ObjectIdentifier(derEncoded: fields[0]))\n  qualifier: \(dump)\n]"
            }
            let identifier = try ASN1ObjectIdentifier(derEncoded: first)
            return "  [CertificatePolicyId: [\(identifier)]\n[\(qualifiers.joined(separator: ", "))]  ]\n"
        }
        return "CertificatePolicies [\n\(policies.joined())]\n"
    }
}
