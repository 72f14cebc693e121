/// Finds the blocks of a PEM text, line by line.
struct PEMParser {
    private static let begin = Array("-----BEGIN ".utf8)
    private static let end = Array("-----END ".utf8)
    private static let dashes = Array("-----".utf8)

    private let lines: [ArraySlice<UInt8>]
    /// The index of the next line.
    private var position = 0

    init(_ text: some Collection<UInt8>) {
        lines = PEMParser.split(TextEncoding.utf8(Array(text))[...])
    }

    mutating func blocks() throws(KeyStoreError) -> [PEM.Block] {
        var blocks: [PEM.Block] = []
        while position < lines.count {
            defer { position += 1 }
            guard let label = PEMParser.label(lines[position], after: PEMParser.begin) else { continue }
            blocks.append(try block(label))
        }
        return blocks
    }

    static func containsBlock(_ bytes: [UInt8]) -> Bool {
        let bytes = TextEncoding.utf8(bytes)
        // Binary formats begin with an octet that no text has.
        guard let first = bytes.first, first >= 0x20 || first == 0x0A || first == 0x0D || first == 0x09, first != 0xFE else { return false }
        return split(bytes.prefix(1 << 20)).contains { label($0, after: begin) != nil }
    }

    static func encode(_ bytes: [UInt8], label: String) -> String {
        let base64 = Base64.encode(bytes)
        var text = "-----BEGIN \(label)-----\n"
        for start in stride(from: 0, to: base64.count, by: 64) {
            text += String(decoding: base64[start..<min(start + 64, base64.count)], as: UTF8.self) + "\n"
        }
        return text + "-----END \(label)-----\n"
    }

    /// Reads on from a BEGIN line to its END line, where it stops.
    private mutating func block(_ label: String) throws(KeyStoreError) -> PEM.Block {
        let beginning = position
        var block = PEM.Block(label: label, bytes: [], line: beginning + 1)
        position += 1
        block.headers = headers()
        var decoder = Base64.Decoder()
        while position < lines.count {
            let line = lines[position]
            if let ending = PEMParser.label(line, after: PEMParser.end) {
                guard ending == label else { throw invalid("END \(ending) does not match BEGIN \(label) of line \(beginning + 1)") }
                guard let bytes = decoder.finish() else { throw invalid("The base64 of the \(label) block is cut off") }
                block.bytes = bytes
                return block
            }
            guard PEMParser.label(line, after: PEMParser.begin) == nil else {
                throw invalid("A block begins before the \(label) block of line \(beginning + 1) has ended")
            }
            guard decoder.append(line) else { throw invalid("Not base64 inside the \(label) block") }
            position += 1
        }
        position = beginning
        throw invalid("The \(label) block has no END line")
    }

    private mutating func headers() -> [PEM.Header] {
        var headers: [PEM.Header] = []
        while position < lines.count {
            let line = lines[position]
            if let colon = line.firstIndex(of: UInt8(ascii: ":")) {
                headers.append(PEM.Header(name: PEMParser.text(line[..<colon]), value: PEMParser.text(line[line.index(after: colon)...])))
            } else if let last = headers.indices.last, line.first == 0x20 || line.first == 0x09, !PEMParser.trimmed(line).isEmpty {
                headers[last].value += PEMParser.text(line)
            } else {
                break
            }
            position += 1
        }
        return headers
    }

    private func invalid(_ reason: String) -> KeyStoreError {
        KeyStoreError(.invalidInput, "PEM line \(position + 1): \(reason)")
    }

    /// The label of a BEGIN or END line, or `nil`.
    private static func label(_ line: ArraySlice<UInt8>, after prefix: [UInt8]) -> String? {
        let line = trimmed(line)
        guard line.starts(with: prefix), line.count > prefix.count + dashes.count, line.suffix(dashes.count).elementsEqual(dashes) else { return nil }
        return text(line.dropFirst(prefix.count).dropLast(dashes.count))
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: trimmed(bytes), as: UTF8.self)
    }

    private static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var line = line
        while let first = line.first, first == 0x20 || first == 0x09 { line = line.dropFirst() }
        while let last = line.last, last == 0x20 || last == 0x09 { line = line.dropLast() }
        return line
    }

    /// Lines that end with LF, CR LF or CR.
    private static func split(_ bytes: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        var start = bytes.startIndex
        var index = start
        while index < bytes.endIndex {
            let byte = bytes[index]
            if byte == 0x0A || byte == 0x0D {
                lines.append(bytes[start..<index])
                if byte == 0x0D, index + 1 < bytes.endIndex, bytes[index + 1] == 0x0A { index += 1 }
                start = index + 1
            }
            index += 1
        }
        lines.append(bytes[start..<bytes.endIndex])
        return lines
    }
}
