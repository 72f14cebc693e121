/// What a store keeps of a session besides its attributes; sealed, because it is worth as much as the session.
struct SessionHead: Sendable, Hashable {
    enum Content: Sendable, Hashable {
        case session(SessionHead)
        /// Where a session has gone that got another id.
        case forwarding(StoredSessionKey)
    }

    private enum Kind: UInt8 { case session = 1, forwarding = 2 }

    var lineage: SessionLineage
    var id: String
    var creationTime: Timestamp
    /// Zero: never.
    var maxInactiveMilliseconds: Int64
    var principal: String?

    var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.write(Kind.session.rawValue)
        writer.append(self.lineage.bytes)
        writer.write(self.id)
        writer.write(self.creationTime.millisecondsSince1970)
        writer.write(self.maxInactiveMilliseconds)
        writer.write(UInt8(self.principal == nil ? 0 : 1))
        writer.write(self.principal ?? "")
        return writer.bytes
    }

    static func encoded(forwardingTo key: StoredSessionKey) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(Kind.forwarding.rawValue)
        writer.append(key.bytes)
        return writer.bytes
    }

    static func decode(_ bytes: [UInt8]) -> Content? {
        var reader = ByteReader(bytes)
        switch reader.read(UInt8.self).flatMap(Kind.init) {
        case .forwarding: return StoredSessionKey(bytes: reader.takeAll()).map { .forwarding($0) }
        case .session:
            guard let lineage = reader.take(SessionLineage.length).flatMap({ SessionLineage(bytes: $0) }),
                let id = reader.readString(),
                let creationTime = reader.read(Int64.self),
                let maxInactive = reader.read(Int64.self),
                let hasPrincipal = reader.read(UInt8.self),
                let principal = reader.readString(),
                reader.isAtEnd
            else { return nil }
            return .session(
                SessionHead(
                    lineage: lineage,
                    id: id,
                    creationTime: Timestamp(millisecondsSince1970: creationTime),
                    maxInactiveMilliseconds: maxInactive,
                    principal: hasPrincipal == 0 ? nil : principal
                )
            )
        case nil: return nil
        }
    }
}
