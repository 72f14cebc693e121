import ServalKeyStore

/// A certificate revocation list in the words of the JDK.
enum RevocationListText {
    /// Prints the list entry by entry, as it may have a million of them.
    static func print(_ list: RevocationList, to console: Console) throws {
        let algorithm = AlgorithmNames.signature(list.signatureAlgorithm)
        console.print("X.509 CRL v\(list.version)")
        console.print("Signature Algorithm: \(algorithm)\(WeakAlgorithms.judgement(ofSignature: algorithm).note), OID=\(list.signatureAlgorithm)")
        console.print("Issuer: \(list.issuer.description.onOneLine)\n")
        console.print("This Update: \(JavaText.dateAndTime(list.thisUpdate))")
        if let nextUpdate = list.nextUpdate { console.print("Next Update: \(JavaText.dateAndTime(nextUpdate))") }
        try printEntries(of: list, to: console)
        if let extensions = list.extensions {
            let text = ExtensionDump.revocationText(extensions, indentation: "")
            console.print(text: "\nCRL Extensions: \(extensions.count)\(text)")
        }
        console.print("\nSignature:\n\(HexDump.text(list.signature))\n")
    }

    private static func printEntries(of list: RevocationList, to console: Console) throws {
        let count = try list.countEntries()
        guard count > 0 else { return console.print("\nNO certificates have been revoked") }
        console.print(text: "\nRevoked Certificates: \(count)")
        var number = 1
        // In an indirect list, an entry without an issuer of its own has that of the entry before it.
        var issuer = list.issuer
        try list.forEachEntry { entry in
            issuer = certificateIssuer(of: entry) ?? issuer
            var text = "\n[\(number)] \(SerialNumberText.bytes(entry.serialNumber))  On: \(JavaText.dateAndTime(entry.date))"
            if issuer.der != list.issuer.der { text += "\n    Certificate issuer: \(issuer.description.onOneLine)" }
            if !entry.extensions.isEmpty {
                text += "\n    CRL Entry Extensions: \(entry.extensions.count)"
                text += ExtensionDump.revocationText(entry.extensions, indentation: "    ")
            }
            console.print(text: text + "\n")
            number += 1
        }
    }

    private static func certificateIssuer(of entry: RevocationList.Entry) -> CertificateFields.Name? {
        guard let value = entry.extensions.first(where: { $0.oid == "2.5.29.29" })?.value,
            let names = try? ASN1Value(value).children(), let directoryName = names.first(where: { $0.tag == 0xA4 })
        else { return nil }
        return try? CertificateFields.Name(directoryName.explicit(4))
    }
}
