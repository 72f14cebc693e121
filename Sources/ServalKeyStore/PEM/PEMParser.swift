/// Finds the blocks of a PEM text, line by line.
struct PEMParser {
    private static let begin = Array("-----BEGIN ".utf8)
    private static let end = Array("-----END ".utf8)
    private static let dashes = Array("-----".utf8)

    private var lines: TextLines
    /// The line that is looked at; `nil` at the end.
    private var line: ArraySlice<UInt8>?
    /// Its number, from 1.
    private var number = 1

    init(_ text: some Collection<UInt8>) {
        lines = TextLines(TextEncoding.utf8(Array(text))[...])
        line = lines.next()
    }

    mutating func blocks() throws(KeyStoreError) -> [PEM.Block] {
        var blocks: [PEM.Block] = []
        while let line {
            if let label = PEMParser.label(line, after: PEMParser.begin) { blocks.append(try block(label)) }
            advance()
        }
        return blocks
    }

    static func containsBlock(_ bytes: [UInt8]) -> Bool {
        let bytes = TextEncoding.utf8(bytes)
        // Binary formats begin with an octet that no text has.
        guard let first = bytes.first, first >= 0x20 || first == 0x0A || first == 0x0D || first == 0x09, first != 0xFE else { return false }
        return TextLines(bytes.prefix(1 << 20)).contains { label($0, after: begin) != nil }
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
        let beginning = number
        var block = PEM.Block(label: label, bytes: [], line: beginning)
        advance()
        block.headers = headers()
        var decoder = Base64.Decoder()
        while let line {
            if let ending = PEMParser.label(line, after: PEMParser.end) {
                guard ending == label else { throw invalid("END \(ending) does not match BEGIN \(label) of line \(beginning)") }
                guard let bytes = decoder.finish() else { throw invalid("The base64 of the \(label) block is cut off") }
                block.bytes = bytes
                return block
            }
            guard PEMParser.label(line, after: PEMParser.begin) == nil else {
                throw invalid("A block begins before the \(label) block of line \(beginning) has ended")
            }
            guard decoder.append(line) else { throw invalid("Not base64 inside the \(label) block") }
            advance()
        }
        number = beginning
        throw invalid("The \(label) block has no END line")
    }

    private mutating func headers() -> [PEM.Header] {
        var headers: [PEM.Header] = []
        while let line {
            if let colon = line.firstIndex(of: UInt8(ascii: ":")) {
                headers.append(PEM.Header(name: PEMParser.text(line[..<colon]), value: PEMParser.text(line[line.index(after: colon)...])))
            } else if let last = headers.indices.last, line.first == 0x20 || line.first == 0x09, !PEMParser.trimmed(line).isEmpty {
                headers[last].value += PEMParser.text(line)
            } else {
                break
            }
            advance()
        }
        return headers
    }

    private mutating func advance() {
        line = lines.next()
        number += 1
    }

    private func invalid(_ reason: String) -> KeyStoreError {
        KeyStoreError(.invalidInput, "PEM line \(number): \(reason)")
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
}
