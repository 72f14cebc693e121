import Glibc

/// A zip file, as far as jar files need it: one disk, entries stored or deflated, no encryption, no ZIP64.
struct ZipArchive {
    struct Entry {
        let name: String
        fileprivate let method: Int
        fileprivate let compressedSize: Int
        fileprivate let offset: Int
    }

    /// In the order of the central directory.
    let entries: [Entry]
    private let bytes: [UInt8]

    private static let sizeLimit = 1 << 30

    init(path: String) throws {
        do {
            bytes = try InputFile(path: path).read(limit: Self.sizeLimit)
        } catch Failure.exception where access(path, F_OK) != 0 {
            throw Failure.exception(javaClass: "java.nio.file.NoSuchFileException", message: path)
        }
        guard !bytes.isEmpty else { throw Self.damaged("zip file is empty") }
        guard let end = Self.endRecord(in: bytes) else { throw Self.damaged("zip END header not found") }
        entries = try Self.directory(in: bytes, end: end)
    }

    /// The uncompressed bytes of an entry.
    ///
    /// - Parameter limit: More bytes than this are an error.
    func contents(of entry: Entry, limit: Int) throws -> [UInt8] {
        let start = entry.offset
        guard let signature = Self.number(bytes, start, 4), signature == 0x0403_4B50,
            let nameLength = Self.number(bytes, start + 26, 2), let extraLength = Self.number(bytes, start + 28, 2)
        else { throw Self.damaged("invalid LOC header (bad signature)") }
        let first = start + 30 + nameLength + extraLength
        guard first <= bytes.count, entry.compressedSize <= bytes.count - first else { throw Self.damaged("\(entry.name.onOneLine) is cut off") }
        let compressed = bytes[first..<first + entry.compressedSize]
        switch entry.method {
        case 0:
            guard compressed.count <= limit else { throw Self.damaged("\(entry.name.onOneLine) has more than \(limit) bytes") }
            return Array(compressed)
        case 8:
            guard let contents = Inflate.decompress(compressed, limit: limit) else {
                throw Self.damaged("\(entry.name.onOneLine) is damaged or has more than \(limit) bytes")
            }
            return contents
        default: throw Self.damaged("\(entry.name.onOneLine) is compressed by method \(entry.method)")
        }
    }

    /// Where the end record begins: it is the last thing in the file but for a comment of at most 65,535 bytes.
    private static func endRecord(in bytes: [UInt8]) -> Int? {
        guard bytes.count >= 22 else { return nil }
        let lowest = max(0, bytes.count - 22 - 65_535)
        return stride(from: bytes.count - 22, through: lowest, by: -1).first { number(bytes, $0, 4) == 0x0605_4B50 }
    }

    private static func directory(in bytes: [UInt8], end: Int) throws -> [Entry] {
        guard let count = number(bytes, end + 10, 2), let size = number(bytes, end + 12, 4), let offset = number(bytes, end + 16, 4),
            size <= end, offset <= end - size
        else { throw damaged("invalid END header (bad central directory size)") }
        var entries: [Entry] = []
        // Something may stand before the archive, such as a script that starts it.
        let shift = end - size - offset
        var position = end - size
        for _ in 0..<count {
            guard number(bytes, position, 4) == 0x0201_4B50, let method = number(bytes, position + 10, 2),
                let compressedSize = number(bytes, position + 20, 4), let nameLength = number(bytes, position + 28, 2),
                let extraLength = number(bytes, position + 30, 2), let commentLength = number(bytes, position + 32, 2),
                let local = number(bytes, position + 42, 4), position + 46 + nameLength <= end
            else { throw damaged("invalid CEN header (bad signature)") }
            let name = String(decoding: bytes[position + 46..<position + 46 + nameLength], as: UTF8.self)
            entries.append(Entry(name: name, method: method, compressedSize: compressedSize, offset: local + shift))
            position += 46 + nameLength + extraLength + commentLength
        }
        return entries
    }

    /// A little-endian number, nil beyond the end.
    private static func number(_ bytes: [UInt8], _ position: Int, _ length: Int) -> Int? {
        guard position >= 0, position <= bytes.count - length else { return nil }
        return bytes[position..<position + length].reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    private static func damaged(_ message: String) -> Failure {
        .exception(javaClass: "java.util.zip.ZipException", message: message)
    }
}
