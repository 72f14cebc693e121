/// What a file is that is no key store of a known format, as far as its bytes tell.
package enum FileKind {
    /// A few words that follow "This is": `a PEM file with CERTIFICATE and PRIVATE KEY`; `nil` when nothing is known of the bytes.
    ///
    /// - Parameter bytes: The whole file.
    package static func describe(_ bytes: [UInt8]) -> String? {
        binary(bytes) ?? text(bytes) ?? der(bytes)
    }

    private static let beginnings: [(bytes: [UInt8], kind: String)] = [
        ([0x50, 0x4B, 3, 4], "a ZIP or JAR file"), ([0x1F, 0x8B], "a file compressed with gzip"),
        ([0xAC, 0xED, 0, 5], "a serialized Java object"), (Array("kych".utf8), "a keychain of macOS"),
        (Array("SQLite format 3".utf8), "an SQLite database, such as NSS's cert9.db and key4.db"),
        ([0x89, 0x50, 0x4E, 0x47], "a PNG image"), (Array("%PDF".utf8), "a PDF document"), ([0x7F, 0x45, 0x4C, 0x46], "a program"),
    ]

    private static func binary(_ bytes: [UInt8]) -> String? {
        if let known = beginnings.first(where: { bytes.starts(with: $0.bytes) }) { return known.kind }
        // Version 0 to 2 and a salt of 20 bytes, each in four octets.
        if bytes.count > 28, bytes.starts(with: [0, 0, 0]), bytes[3] <= 2, bytes[4..<8].elementsEqual([0, 0, 0, 20]) {
            return "a key store of Bouncy Castle (BKS or UBER)"
        }
        return nil
    }

    private static func text(_ bytes: [UInt8]) -> String? {
        let bytes = TextEncoding.utf8(bytes)
        guard !bytes.prefix(512).contains(where: { $0 < 0x09 || (0x0E..<0x20).contains($0) }) else { return nil }
        if let blocks = try? PEM.blocks(in: bytes), !blocks.isEmpty {
            var labels: [String] = []
            for label in blocks.map(\.label) where !labels.contains(label) { labels.append(label) }
            return "a PEM file with \(labels.prefix(4).joined(separator: ", "))"
        }
        if PEM.looksLikePEM(bytes) { return "a damaged PEM file" }
        let head = String(decoding: bytes.prefix(64), as: UTF8.self).lowercased()
        if head.hasPrefix("putty-user-key-file") { return "a private key in PuTTY's format" }
        if head.hasPrefix("ssh-") || head.hasPrefix("ecdsa-sha2-") { return "a public key for SSH" }
        if head.hasPrefix("<?xml") || head.hasPrefix("<!doctype") || head.hasPrefix("<html") { return "an XML or HTML document" }
        if let decoded = base64(bytes) { return decoded }
        return bytes.prefix(512).allSatisfy { $0 < 0x80 } ? "a text file" : nil
    }

    /// Base64 without the lines of PEM around it.
    private static func base64(_ text: [UInt8]) -> String? {
        var decoder = Base64.Decoder()
        guard text.count > 64, decoder.append(text.filter { $0 != 0x0A && $0 != 0x0D }), let bytes = decoder.finish() else { return nil }
        guard let kind = KeyStoreFormat.detect(bytes).map({ "a \($0.rawValue) key store" }) ?? der(bytes) else { return nil }
        return "base64 of \(kind); decode it first (base64 -d)"
    }

    private static func der(_ bytes: [UInt8]) -> String? {
        if CertificateSkeleton.recognizes(bytes) { return "a single certificate in DER" }
        guard let parts = try? ASN1Value(bytes, allowingTrailing: true).children(), let first = parts.first else { return nil }
        let tags = parts.map(\.tag)
        switch (tags.first, tags.dropFirst().first) {
        case (ASN1Value.objectIdentifier, 0xA0):
            return (try? first.objectIdentifier()) == .signedData ? "a PKCS#7 bundle in DER" : "a CMS (PKCS#7) message in DER"
        case (ASN1Value.integer, ASN1Value.sequence) where tags.count >= 3, (ASN1Value.integer, ASN1Value.integer) where tags.count >= 6,
            (ASN1Value.integer, ASN1Value.octetString):
            return "a private key in DER"
        case (ASN1Value.sequence, ASN1Value.octetString) where tags.count == 2: return "an encrypted private key in DER"
        case (ASN1Value.sequence, ASN1Value.bitString) where tags.count == 2: return "a public key in DER"
        case (ASN1Value.sequence, ASN1Value.sequence) where tags.count == 3 && tags[2] == ASN1Value.bitString:
            return signed(first)
        default: return "some ASN.1 structure in DER"
        }
    }

    /// A certification request or a revocation list, both of which are signed as certificates are.
    private static func signed(_ contents: ASN1Value) -> String {
        let tags = (try? contents.children())?.map(\.tag) ?? []
        if tags.count == 4, tags[0] == ASN1Value.integer, tags[3] == 0xA0 { return "a certification request in DER" }
        if tags.prefix(5).contains(where: { $0 == 0x17 || $0 == 0x18 }) { return "a certificate revocation list in DER" }
        return "a damaged certificate in DER"
    }
}
