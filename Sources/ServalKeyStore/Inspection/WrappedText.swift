/// Keys and certificates that were written as text in a way that programs do not expect.
struct WrappedText {
    let bytes: [UInt8]
    let problem: String
    let advice: String

    /// What is inside text in UTF-16, or inside base64 without BEGIN and END lines.
    static func unwrap(_ bytes: [UInt8]) -> WrappedText? {
        if let text = utf16(bytes), PEM.looksLikePEM(text) {
            return WrappedText(
                bytes: text,
                problem: "The text is written in UTF-16, which most programs do not read.",
                advice: "Convert it: iconv -f UTF-16 -t ASCII FILE > OTHER; or save it as ANSI or UTF-8."
            )
        }
        guard ForeignFormat.isText(bytes) else { return nil }
        if let lines = onOneLine(bytes) { return lines }
        guard let decoded = base64(bytes), decoded.count > 32 else { return nil }
        let isBinary = decoded[0] == ASN1Value.sequence || JavaStoreContents.recognizes(decoded)
        guard isBinary || PEM.looksLikePEM(decoded) else { return nil }
        return WrappedText(
            bytes: decoded,
            problem: "The file is base64 without BEGIN and END lines.",
            advice: isBinary ? "Decode it: base64 -d FILE > OTHER; or put the BEGIN and END lines around it." : "Decode it: base64 -d FILE > OTHER."
        )
    }

    /// Whether a BEGIN and an END line stand on one line, so that the whole block is taken for a BEGIN line.
    ///
    /// Text in UTF-16 has to be unwrapped as well before its lines can be told.
    static func lacksLineEnds(_ bytes: [UInt8]) -> Bool {
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) { return true }
        return bytes.split(maxSplits: 64, whereSeparator: { $0 == 0x0A || $0 == 0x0D }).prefix(64).contains { line in
            line.count < 1 << 20 && line.first == UInt8(ascii: "-") && String(decoding: line, as: UTF8.self).contains("-----END ")
                && line.starts(with: "-----BEGIN ".utf8)
        }
    }

    /// What is wrong with text that means to be PEM.
    static func brokenPEM(_ bytes: [UInt8]) -> (problem: String, advice: String)? {
        let text = String(decoding: bytes.prefix(1 << 16), as: UTF8.self).uppercased()
        guard text.contains("BEGIN ") || text.contains("END "), text.contains("CERTIFICATE") || text.contains(" KEY") || text.contains("PKCS7") else {
            return nil
        }
        return (
            "The text looks like PEM, but has no BEGIN line as it has to be: -----BEGIN CERTIFICATE----- with five hyphens on either side, alone on its line.",
            "Compare the BEGIN and END lines with those of a file that works; copy the text again without formatting."
        )
    }

    private static func utf16(_ bytes: [UInt8]) -> [UInt8]? {
        let isLittle = bytes.starts(with: [0xFF, 0xFE])
        guard isLittle || bytes.starts(with: [0xFE, 0xFF]), bytes.count.isMultiple(of: 2), bytes.count < 8 << 20 else { return nil }
        let units = stride(from: 2, to: bytes.count, by: 2).map { (index: Int) -> UInt16 in
            let (high, low) = isLittle ? (bytes[index + 1], bytes[index]) : (bytes[index], bytes[index + 1])
            return UInt16(high) << 8 | UInt16(low)
        }
        return Array(String(decoding: units, as: UTF16.self).utf8)
    }

    /// PEM whose line ends were lost on the way through a variable or JSON: `\n` as two characters, or blanks.
    private static func onOneLine(_ bytes: [UInt8]) -> WrappedText? {
        guard bytes.count < 1 << 20 else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.contains("-----BEGIN ") else { return nil }
        let unescaped = replacing(replacing(text, "\\r", ""), "\\n", "\n")
        // The label's own blanks have to stay: lines are cut at the hyphens, and inside a line base64 does not mind blanks.
        let cut = replacing(replacing(replacing(unescaped, "-----BEGIN ", "\n-----BEGIN "), "-----END ", "\n-----END "), "\"", "")
        var result = ""
        for line in cut.split(separator: "\n") {
            if line.hasPrefix("-----BEGIN ") || line.hasPrefix("-----END "), let end = line.dropFirst(9).firstRange(of: "-----")?.upperBound {
                result += line[..<end] + "\n" + line[end...] + "\n"
            } else {
                result += line + "\n"
            }
        }
        let fixed = Array(result.utf8)
        guard PEM.looksLikePEM(fixed) else { return nil }
        return WrappedText(
            bytes: fixed,
            problem: unescaped == text
                ? "The BEGIN and END lines do not stand on lines of their own." : "The line ends are written as \\n, two characters each.",
            advice: "Put the line ends back: printf '%b' \"$(cat FILE)\" > OTHER turns \\n into line ends."
        )
    }

    private static func replacing(_ text: String, _ old: String, _ new: String) -> String {
        text.split(separator: old, omittingEmptySubsequences: false).joined(separator: new)
    }

    private static func base64(_ bytes: [UInt8]) -> [UInt8]? {
        var decoder = Base64.Decoder()
        for line in bytes.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }) where !decoder.append(line) { return nil }
        return decoder.finish()
    }
}
