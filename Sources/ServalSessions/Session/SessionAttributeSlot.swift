/// One attribute of a session: a value in memory, or the bytes that a store kept of it until a key asks for them.
struct SessionAttributeSlot: Sendable {
    enum Content: Sendable {
        /// A value, and the version of the key that wrote it.
        case decoded(any Codable & Sendable, version: Int)
        /// Bytes from a store that no key has asked for yet, and the version of the key that wrote them.
        case encoded([UInt8], version: Int)
    }

    var content: Content
    /// The session's count of changes when this slot was written; tells ``HTTPSession/update(_:default:_:)`` whether somebody else wrote in between.
    var stamp: UInt32
    /// The thread that wrote the slot.
    var writer: UInt

    /// The value in memory, whatever its type.
    var value: (any Codable & Sendable)? {
        if case .decoded(let value, _) = self.content { value } else { nil }
    }

    /// The value if it is in memory and of this type.
    func value<Value>(as type: Value.Type) -> Value? {
        if case .decoded(let value, _) = self.content { value as? Value } else { nil }
    }
}
