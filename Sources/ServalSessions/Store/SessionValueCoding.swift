import FoundationEssentials

/// Values of attributes as bytes: the version of the key that wrote them (4 bytes, big-endian), then JSON.
///
/// The type that is decoded is always the one that the asking key names; nothing in the bytes chooses a type.
enum SessionValueCoding {
    /// The version of a key as its bytes carry it.
    static func version(of bytes: [UInt8]) -> Int? {
        var reader = ByteReader(bytes.prefix(4))
        return reader.read(UInt32.self).map { Int($0) }
    }

    static func encode(_ value: any Codable & Sendable, version: Int) throws -> [UInt8] {
        var writer = ByteWriter()
        writer.write(UInt32(clamping: version))
        writer.append(try JSONEncoder().encode(value))
        return writer.bytes
    }

    /// The value, migrated by its key if an older or newer release wrote it; `nil` if the key drops such values.
    static func decode<Key: SessionAttributeKey>(_ key: Key.Type, _ bytes: [UInt8]) throws -> Key.Value? {
        guard let version = self.version(of: bytes) else { throw Malformed() }
        let decoder = JSONDecoder()
        let json = Data(bytes.dropFirst(4))
        if version == key.version { return try decoder.decode(Key.Value.self, from: json) }
        return try decoder.decode(Migration<Key>.self, from: json, configuration: version).value
    }

    struct Malformed: Error, CustomStringConvertible {
        var description: String { "its bytes do not begin with a version" }
    }

    private struct Migration<Key: SessionAttributeKey>: DecodableWithConfiguration {
        let value: Key.Value?

        init(from decoder: any Decoder, configuration version: Int) throws {
            self.value = try Key.migrate(from: version, decoder)
        }
    }
}
