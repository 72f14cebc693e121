/// An array of `MYSQL_BIND`, which tells libmariadb where parameters are and where columns go.
///
/// Source: `struct st_mysql_bind` of `mariadb_stmt.h`, on systems with 64-bit pointers.
final class MySQLBindings {
    /// Types of `enum_field_types`.
    enum Kind: UInt32 {
        case number = 8
        case null = 6
        case blob = 252
        case string = 254
    }

    private static let size = 112
    let count: Int
    let pointer: UnsafeMutableRawPointer
    /// The lengths of values, in bytes.
    let lengths: UnsafeMutablePointer<UInt>
    private let nulls: UnsafeMutablePointer<CChar>

    init(count: Int) {
        self.count = count
        let room = max(1, count)
        self.pointer = .allocate(byteCount: room * Self.size, alignment: 16)
        self.pointer.initializeMemory(as: UInt8.self, repeating: 0, count: room * Self.size)
        self.lengths = .allocate(capacity: room)
        self.lengths.initialize(repeating: 0, count: room)
        self.nulls = .allocate(capacity: room)
        self.nulls.initialize(repeating: 0, count: room)
    }

    deinit {
        self.pointer.deallocate()
        self.lengths.deallocate()
        self.nulls.deallocate()
    }

    /// Says where a value is, or goes; the memory must stay until the call that uses it is over.
    func set(_ position: Int, _ kind: Kind, _ buffer: UnsafeMutableRawPointer?, capacity: Int) {
        let bind = self.pointer + position * Self.size
        bind.storeBytes(of: self.lengths + position, toByteOffset: 0, as: UnsafeMutablePointer<UInt>.self)
        bind.storeBytes(of: self.nulls + position, toByteOffset: 8, as: UnsafeMutablePointer<CChar>.self)
        bind.storeBytes(of: buffer, toByteOffset: 16, as: UnsafeMutableRawPointer?.self)
        bind.storeBytes(of: UInt(capacity), toByteOffset: 64, as: UInt.self)
        bind.storeBytes(of: kind.rawValue, toByteOffset: 96, as: UInt32.self)
        self.lengths[position] = UInt(capacity)
        self.nulls[position] = kind == .null ? 1 : 0
    }

    func isNull(_ position: Int) -> Bool { self.nulls[position] != 0 }

    /// The one binding at a position, for a call that takes one.
    func binding(_ position: Int) -> UnsafeMutableRawPointer { self.pointer + position * Self.size }
}

/// A column of a result.
///
/// Source: `struct st_mysql_field` of `mysql.h`.
struct MySQLField {
    let name: String
    private let type: UInt32
    private let isBinary: Bool

    init(_ fields: UnsafeRawPointer, _ position: Int) {
        let field = fields + position * 128
        self.name = field.load(as: UnsafePointer<CChar>?.self).map { String(cString: $0) } ?? ""
        // The character set "binary".
        self.isBinary = field.load(fromByteOffset: 108, as: UInt32.self) == 63
        self.type = field.load(fromByteOffset: 112, as: UInt32.self)
    }

    /// A value of the column, as text or bytes.
    func value(_ bytes: [UInt8]) -> SQLValue {
        switch self.type {
        // decimal, tiny, short, long, longlong, int24, newdecimal
        case 0, 1, 2, 3, 8, 9, 246:
            let digits = String(decoding: bytes.prefix { $0 != UInt8(ascii: ".") }, as: UTF8.self)
            return Int64(digits).map { .integer($0) } ?? .null
        default: return self.isBinary ? .bytes(bytes) : .text(String(decoding: bytes, as: UTF8.self))
        }
    }
}
