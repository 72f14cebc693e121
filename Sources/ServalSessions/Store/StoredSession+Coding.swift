extension StoredSession {
    static let mark: [UInt8] = Array("SVS1".utf8)
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
        guard let mark = reader.take(Self.mark.count), mark.elementsEqual(Self.mark),
            let version = reader.read(UInt64.self),
            let lastAccessed = reader.read(Int64.self),
            let deadline = reader.read(Int64.self),
            let principal = reader.readString(limit: Self.maximumNameLength),
            let head = reader.readBytes(),
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
        return Self(
            key: key,
            version: version,
            lastAccessed: Timestamp(millisecondsSince1970: lastAccessed),
            deadline: deadline == Self.never ? nil : Timestamp(millisecondsSince1970: deadline),
            principal: principal.isEmpty ? nil : principal,
            head: Array(head),
            attributes: attributes
        )
    }
}
