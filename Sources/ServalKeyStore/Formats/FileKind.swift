/// What a file is that is no key store of a known format, as far as its bytes tell.
package enum FileKind {
    /// A few words that follow "This is": `a PEM file with CERTIFICATE and PRIVATE KEY`; `nil` when nothing is known of the bytes.
    ///
    /// - Parameter bytes: The whole file.
    package static func describe(_ bytes: [UInt8]) -> String? {
        ForeignFormat.detect(bytes)?.phrase ?? text(bytes) ?? der(bytes)
    }

    private static func text(_ bytes: [UInt8]) -> String? {
        let bytes = TextEncoding.utf8(bytes)
        guard !bytes.prefix(512).contains(where: { $0 < 0x09 || (0x0E..<0x20).contains($0) }) else { return nil }
        if let blocks = try? PEM.blocks(in: bytes), !blocks.isEmpty {
            var labels: [String] = []
            for label in blocks.map(\.label) where labels.count < 4 && !labels.contains(label) { labels.append(label) }
            return "a PEM file with \(labels.joined(separator: ", "))"
        }
        if PEM.looksLikePEM(bytes) { return "a damaged PEM file" }
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
        guard bytes.first == ASN1Value.sequence, let value = try? ASN1Value(bytes, allowingTrailing: true) else { return nil }
        switch DERKind(value) {
        case .certificate: return "a single certificate in DER"
        case .certificateRequest: return "a certification request in DER"
        case .revocationList: return "a certificate revocation list in DER"
        case .pkcs7: return "a PKCS#7 bundle in DER"
        case .pkcs8, .pkcs1, .sec1, .dsaKey: return "a private key in DER"
        case .encryptedPKCS8: return "an encrypted private key in DER"
        case .publicKey, .rsaPublicKey: return "a public key in DER"
        case .parameters, .unknown: return (try? value.children()) == nil ? nil : "some ASN.1 structure in DER"
        }
    }
}
