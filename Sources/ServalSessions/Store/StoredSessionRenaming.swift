/// How a session gets another key.
public struct StoredSessionRenaming: Sendable, Hashable {
    /// The new key.
    public var key: StoredSessionKey
    /// The new head.
    public var head: [UInt8]
    /// The head that ``head`` was made from: with another one stored nothing happens.
    public var expectedHead: [UInt8]
    /// The new entry of the principal index.
    public var principal: String?
    /// What the write is called, which the session keeps under its new key.
    public var mark: StoredSessionMark?
    /// The record to add, which tells where the session went; it replaces one with its key and expires within minutes.
    public var forwarding: StoredSession

    /// A new key.
    public init(
        to key: StoredSessionKey,
        head: [UInt8],
        expectedHead: [UInt8],
        principal: String?,
        mark: StoredSessionMark? = nil,
        forwarding: StoredSession
    ) {
        self.key = key
        self.head = head
        self.expectedHead = expectedHead
        self.principal = principal
        self.mark = mark
        self.forwarding = forwarding
    }
}
