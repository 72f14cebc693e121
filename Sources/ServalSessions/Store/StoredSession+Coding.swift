extension StoredSession {
    static let mark: [UInt8] = Array("SVS2".utf8)
    /// What began records before they had ``StoredSession/writings``; they are still read.
    private static let formerMark: [UInt8] = Array("SVS1".utf8)

    /// Whether these bytes begin a session.
    static func isMark(_ bytes: some Sequence<UInt8>) -> Bool { bytes.elementsEqual(Self.mark) || bytes.elementsEqual(Self.formerMark) }
    static let never = Int64.max

    /// The session but for its key as bytes, for stores that keep it in one piece: a file, a column, a value.
    ///
    /// - Throws: ``SessionError/Code/limitReached`` above ``maximumSize``, ``maximumAttributeCount`` or ``maximumNameLength``.
    public func encoded() throws(SessionError) -> [UInt8] {
        guard self.attributes.count <= Self.maximumAttributeCount else {
            let reason = "the session has \(self.attributes.count) attributes; a store takes \(Self.maximumAttributeCount)"
            throw SessionError(code: .limitReached, message: reason)
        }
        var writer = ByteWriter()
        writer.append(Self.mark)
        writer.write(self.version)
        writer.write(self.lastAccessed.millisecondsSince1970)
        writer.write(self.deadline?.millisecondsSince1970 ?? Self.never)
        writer.write(self.principal ?? "")
        writer.write(self.head)
        writer.write(UInt8(clamping: self.writings.count))
        for writing in self.writings.prefix(Int(UInt8.max)) {
            writer.write(writing.mark.writer)
            writer.write(writing.mark.number)
            writer.write(writing.version)
        }
        writer.write(UInt32(self.attributes.count))
        for (name, attribute) in self.attributes.sorted(by: { $0.key < $1.key }) {
            guard name.utf8.count <= Self.maximumNameLength else {
                let reason = "the name of an attribute has \(name.utf8.count) bytes; a store takes \(Self.maximumNameLength)"
                throw SessionError(code: .limitReached, message: reason)
            }
            writer.write(name)
            writer.write(attribute.version)
            writer.write(attribute.bytes)
        }
        guard writer.bytes.count <= Self.maximumSize else {
            let reason = "the session's attributes take \(writer.bytes.count) bytes; a store takes \(Self.maximumSize)"
            throw SessionError(code: .limitReached, message: reason)
        }
        return writer.bytes
    }

    /// The session that ``encoded()`` made bytes of.
    ///
    /// - Throws: ``SessionError/Code/undecodable`` for anything else. A cut-off file never passes.
    public init(key: StoredSessionKey, encoded: some Collection<UInt8>) throws(SessionError) {
        guard encoded.count <= Self.maximumSize, let session = Self.decode(key, encoded) else {
            throw SessionError(code: .undecodable, message: "\(encoded.count) bytes are not a stored session of Serval")
        }
        self = session
    }

    private static func decode(_ key: StoredSessionKey, _ encoded: some Collection<UInt8>) -> Self? {
        var reader = ByteReader(encoded)
        guard let mark = reader.take(Self.mark.count), Self.isMark(mark),
            let version = reader.read(UInt64.self),
            let lastAccessed = reader.read(Int64.self),
            let deadline = reader.read(Int64.self),
            let principal = reader.readString(limit: Self.maximumNameLength),
            let head = reader.readBytes(),
            let writings = mark.elementsEqual(Self.mark) ? Self.decodeWritings(&reader) : [],
            let count = reader.read(UInt32.self), count <= Self.maximumAttributeCount
        else { return nil }
        var attributes: [String: Attribute] = [:]
        for _ in 0..<count {
            guard let name = reader.readString(limit: Self.maximumNameLength),
                let version = reader.read(UInt64.self),
                let bytes = reader.readBytes(),
                attributes.updateValue(Attribute(version: version, bytes: Array(bytes)), forKey: name) == nil
            else { return nil }
        }
        guard reader.isAtEnd else { return nil }
        let session = Self(
            key: key,
            version: version,
            lastAccessed: Timestamp(millisecondsSince1970: lastAccessed),
            deadline: deadline == Self.never ? nil : Timestamp(millisecondsSince1970: deadline),
            principal: principal.isEmpty ? nil : principal,
            head: Array(head),
            attributes: attributes,
            writings: writings
        )
        return session.isPlausible ? session : nil
    }

    private static func decodeWritings(_ reader: inout ByteReader) -> [Writing]? {
        guard let count = reader.read(UInt8.self), count <= Self.maximumWritings else { return nil }
        var writings: [Writing] = []
        for _ in 0..<count {
            guard let writer = reader.read(UInt64.self), let number = reader.read(UInt64.self), let version = reader.read(UInt64.self) else {
                return nil
            }
            writings.append(Writing(mark: StoredSessionMark(writer: writer, number: number), version: version))
        }
        return writings
    }
}
