import Crypto

/// The name of a session in a store: a digest of its id, so that who reads the store cannot take sessions over.
///
/// It is the SHA-256 of the namespace, which names the application, and the id. Two applications of one server with the same id, which `sessionCookiePath="/"`
/// allows, have two keys. Ids have 128 random bits and more, so the digest needs neither salt nor stretching.
public struct StoredSessionKey: Sendable, Hashable, CustomStringConvertible {
    /// The length of a key in bytes.
    public static let length = 32

    /// The digest.
    public let bytes: [UInt8]

    /// The key of an id.
    ///
    /// - Parameter namespace: the application, for example `/Catalina/localhost/shop`.
    public init(_ id: SessionID, namespace: String) {
        self.init(of: "session", namespace, id.rawValue)
    }

    /// A key that a store has kept; `nil` if it is not 64 hexadecimal digits.
    public init?(hexadecimal: some StringProtocol) {
        guard let bytes = Hexadecimal.bytes(hexadecimal), bytes.count == Self.length else { return nil }
        self.bytes = bytes
    }

    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.length else { return nil }
        self.bytes = Array(bytes)
    }

    private init(of purpose: String, _ parts: String...) {
        var hash = SHA256()
        hash.update(data: Array("serval \(purpose)".utf8))
        for part in parts {
            // The length first: no two lists of parts are the same bytes.
            withUnsafeBytes(of: UInt64(part.utf8.count).bigEndian) { hash.update(bufferPointer: $0) }
            hash.update(data: Array(part.utf8))
        }
        self.bytes = Array(hash.finalize())
    }

    /// The key as 64 lower-case hexadecimal digits: a file name, a primary key.
    public var hexadecimal: String { Hexadecimal.text(self.bytes) }

    /// The first eight digits, for logs.
    public var description: String { "StoredSessionKey(\(self.hexadecimal.prefix(8))…)" }

    /// Under which a store keeps where a session has gone that was here.
    var forwarding: Self { Self(of: "forwarding", self.hexadecimal) }

    /// What a store's index says of a principal: a digest of the name.
    static func principal(_ name: String, namespace: String) -> String { Self(of: "principal", namespace, name).hexadecimal }
}

/// Bytes as hexadecimal digits.
enum Hexadecimal {
    static func text(_ bytes: some Collection<UInt8>) -> String {
        String(unsafeUninitializedCapacity: 2 * bytes.count) { buffer in
            for (position, byte) in bytes.enumerated() {
                buffer[2 * position] = Self.digit(byte >> 4)
                buffer[2 * position + 1] = Self.digit(byte & 0xF)
            }
            return 2 * bytes.count
        }
    }

    static func bytes(_ text: some StringProtocol) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        for position in stride(from: 0, to: digits.count, by: 2) {
            guard let high = Self.value(digits[position]), let low = Self.value(digits[position + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + (value - 10) }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
