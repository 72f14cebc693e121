/// One attribute of a session: a value in memory, or the bytes that a store kept of it until a key asks for them.
struct SessionAttributeSlot: Sendable {
    enum Content: Sendable {
        /// A value, and the version of the key that wrote it.
        case decoded(any Codable & Sendable, version: Int)
        /// Sealed bytes from a store that no key has asked for yet.
        case stored([UInt8])
        /// Bytes from the file of a manager without a store, opened already, that no key has asked for yet.
        case saved([UInt8])
        /// A value that no store sees.
        case transient(any Sendable)
    }

    var content: Content
    /// The session's count of changes when this slot was written; tells ``HTTPSession/update(_:default:_:)`` whether somebody else wrote in between.
    var stamp: UInt32
    /// What the value takes, as far as somebody wants to know (``StandardSessionManager/Configuration/memoryBudget``): name and value in their stored form.
    var size: UInt32 = 0
    /// The thread that wrote the slot.
    var writer: UInt

    /// The value in memory, whatever its type.
    var value: (any Sendable)? {
        switch self.content {
        case .decoded(let value, _): value
        case .transient(let value): value
        case .stored, .saved: nil
        }
    }

    /// The value if it is in memory and of this type.
    func value<Value>(as type: Value.Type) -> Value? {
        switch self.content {
        case .decoded(let value, _): value as? Value
        case .transient(let value): value as? Value
        case .stored, .saved: nil
        }
    }

    /// Whether the value is there, and not only its bytes.
    var isInMemory: Bool {
        switch self.content {
        case .decoded, .transient: true
        case .stored, .saved: false
        }
    }

    var isTransient: Bool {
        if case .transient = self.content { true } else { false }
    }
}

extension SessionAttributeSlot.Content {
    var isTransient: Bool {
        if case .transient = self { true } else { false }
    }
}
