/// The first bytes of ``StoredSession/encoded()``: what a store tells of a session whose version the caller has.
package struct StoredSessionSummary: Sendable, Hashable {
    /// How many bytes it takes.
    package static let length = 28
    /// How many bytes ``principal(of:)`` looks at.
    package static let lengthWithPrincipal = Self.length + 4 + StoredSession.maximumNameLength

    package let version: UInt64
    package let lastAccessed: Timestamp
    package let deadline: Timestamp?

    /// `nil` for bytes that do not begin as a session does.
    package init?(encoded: some Collection<UInt8>) {
        var reader = ByteReader(encoded.prefix(Self.length))
        guard let mark = reader.take(StoredSession.mark.count), StoredSession.isMark(mark), let version = reader.read(UInt64.self),
            let lastAccessed = reader.read(Int64.self), let deadline = reader.read(Int64.self)
        else { return nil }
        self.version = version
        self.lastAccessed = Timestamp(millisecondsSince1970: lastAccessed)
        self.deadline = deadline == StoredSession.never ? nil : Timestamp(millisecondsSince1970: deadline)
    }

    /// The principal in the first ``lengthWithPrincipal`` bytes of a session; `nil` for none, and for bytes that do not begin as a session does.
    package static func principal(of encoded: some Collection<UInt8>) -> String? {
        guard Self(encoded: encoded) != nil else { return nil }
        var reader = ByteReader(encoded.dropFirst(Self.length))
        guard let principal = reader.readString(limit: StoredSession.maximumNameLength), !principal.isEmpty else { return nil }
        return principal
    }
}
