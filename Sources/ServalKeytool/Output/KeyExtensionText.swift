import ServalKeyStore

/// Extensions about the key and what it may be used for, in the words of the JDK.
enum KeyExtensionText {
    static func subjectKeyIdentifier(_ value: ASN1Value) throws -> String {
        "SubjectKeyIdentifier [\n\(keyIdentifier(try value.octets()))]\n"
    }

    static func authorityKeyIdentifier(_ value: ASN1Value) throws -> String {
        var (identifier, names, serialNumber) = ("", "", "")
        for field in try value.children() {
            switch field.tag {
            case 0x80: identifier = keyIdentifier(field.content)
            case 0xA1: names = try GeneralNameText.list(field.children(0xA1)) + "\n"
            case 0x82: serialNumber = SerialNumberText.bytes(field.content) + "\n"
            default: throw KnownExtension.Malformed()
            }
        }
        return "AuthorityKeyIdentifier [\n\(identifier)\(names)\(serialNumber)]\n"
    }

    static func basicConstraints(_ value: ASN1Value) throws -> String {
        var reader = try value.reader()
        guard let flag = try reader.next(ifTag: 0x01) else { return "BasicConstraints:[\n  CA:false\n  PathLen: undefined\n]\n" }
        let isAuthority = flag.content.first.map { $0 != 0 } ?? false
        let length = try reader.isAtEnd ? " no limit" : String(reader.next().integer())
        return "BasicConstraints:[\n  CA:\(isAuthority)\n  PathLen:\(length)\n]\n"
    }

    static func keyUsage(_ value: ASN1Value) throws -> String {
        let names = [
            "DigitalSignature", "Non_repudiation", "Key_Encipherment", "Data_Encipherment", "Key_Agreement", "Key_CertSign", "Crl_Sign",
            "Encipher_Only", "Decipher_Only",
        ]
        let lines = try value.bits().filter(names.indices.contains).map { "  \(names[$0])\n" }
        return "KeyUsage [\n\(lines.joined())]\n"
    }

    static func extendedKeyUsage(_ value: ASN1Value) throws -> String {
        let lines = try value.children().map { child in
            let oid = try child.objectIdentifier().description
            return "  \(ObjectIdentifierName.of(oid) ?? oid)\n"
        }
        guard !lines.isEmpty else { return "ExtendedKeyUsages [\n  \n]\n" }
        return "ExtendedKeyUsages [\n\(lines.joined())]\n"
    }

    static func privateKeyUsage(_ value: ASN1Value) throws -> String {
        let dates = try value.children().map { field in
            let date = JavaText.dateAndTime(try ASN1Time.seconds(field.retagged(0x18)))
            return (field.tag == 0x80 ? "From: " : "To: ") + date
        }
        return "PrivateKeyUsage: [\n\(dates.joined(separator: ", "))]\n"
    }

    static func netscapeCertificateType(_ value: ASN1Value) throws -> String {
        // The JDK has no line feed behind the last of them.
        let names = ["SSL client\n", "SSL server\n", "S/MIME\n", "Object Signing\n", nil, "SSL CA\n", "S/MIME CA\n", "Object Signing CA"]
        let lines = try value.bits().compactMap { names.indices.contains($0) ? names[$0] : nil }
        return "NetscapeCertType [\n\(lines.map { "   \($0)" }.joined())]\n"
    }

    private static func keyIdentifier(_ bytes: some Collection<UInt8>) -> String {
        "KeyIdentifier [\n\(HexDump.text(bytes))]\n"
    }
}

extension SerialNumberText {
    /// `SerialNumber: 00:ff:02`, the bytes of the number in the JDK's shortest form.
    static func bytes(_ content: ArraySlice<UInt8>) -> String {
        var content = content
        while content.count > 1, let first = content.first, let second = content.dropFirst().first,
            first == 0 && second < 0x80 || first == 0xFF && second >= 0x80
        {
            content = content.dropFirst()
        }
        return "SerialNumber: \(HexDump.digits(content).lowercased())"
    }
}
