import ServalSessions

/// Checks of names and values that nobody expects.
extension StoreNodes {
    func checkHostileNames() async throws {
        let (one, other) = (try await self.node(), try await self.node())
        let names = [
            "", " ", "\u{0}", "a\u{0}b", "\n\r\t", "'; drop table sessions; --", "\"`\\%_?*$1", "../../etc/passwd", "a/b", ".", "ä", "a\u{308}", "☃",
            "🐈‍⬛", "\u{10FFFF}", "\u{FEFF}", "A", "a", String(repeating: "n", count: StoredSession.maximumNameLength),
            String(repeating: "☃", count: StoredSession.maximumNameLength / 3),
        ]
        var session = self.session("session")
        // Names that are equal to Swift, as "ä" and "a" with dots are, are one attribute.
        for (position, name) in names.enumerated() { session.attributes[name] = .init(version: 1, bytes: [UInt8(position)]) }
        try await self.insert(session, into: one)
        try await self.requireStored(session, in: other)
        let changes = self.changes(session.attributes.mapValues { .init(bytes: $0.bytes + [1], condition: .version(1)) })
        try self.require(session.apply(changes), "the suite's own changes do not apply")
        try await self.save(changes, to: session.key, in: other)
        try await self.requireStored(session, in: one)
        let removal = self.changes(session.attributes.mapValues { _ in .init(bytes: nil, condition: .version(2)) })
        try await self.save(removal, to: session.key, in: one)
        try self.require(try await self.load(session.key, from: other).attributes.isEmpty, "attributes with hostile names cannot be removed")
        // Keys are digests; their ids can be anything.
        for id in names {
            let session = self.session(id + "!")
            try await self.insert(session, into: one)
            try await self.requireStored(session, in: other)
        }
    }

    func checkHostileValues() async throws {
        let (one, other) = (try await self.node(), try await self.node())
        let everyByte = (UInt8.min...UInt8.max).map(\.self)
        let large = [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, count in
            for position in buffer.indices { buffer[position] = UInt8(truncatingIfNeeded: position &* 31 &+ position >> 8) }
            count = buffer.count
        }
        var session = self.session("session", ["empty": [], "every": everyByte, "zero": [UInt8](repeating: 0, count: 300), "large": large])
        session.head = everyByte + everyByte
        try await self.insert(session, into: one)
        try await self.requireStored(session, in: other)
        let changes = self.changes(["empty": .init(bytes: large, condition: .any), "large": .init(bytes: [], condition: .version(1))], head: [0])
        try self.require(session.apply(changes), "the suite's own changes do not apply")
        try await self.save(changes, to: session.key, in: other)
        try await self.requireStored(session, in: one)
        // An attribute with an empty value is an attribute.
        let answer = try await one.save(self.changes(["large": .init(bytes: [1], condition: .absent)]), to: session.key)
        try self.require(answer == .conflict(session), "save answers \(answer.words) where an attribute with an empty value should be absent")
    }

    func checkManyAttributes() async throws {
        let store = try await self.node()
        let names = (0..<StoredSession.maximumAttributeCount).map { "attribute \($0)" }
        var session = self.session("session")
        for name in names { session.attributes[name] = .init(version: 1, bytes: Array(name.utf8)) }
        try await self.insert(session, into: store)
        try await self.requireStored(session, in: store)
        let changes = self.changes(Dictionary(uniqueKeysWithValues: names.map { ($0, .init(bytes: [1], condition: .version(1))) }))
        try self.require(session.apply(changes), "the suite's own changes do not apply")
        try await self.save(changes, to: session.key, in: store)
        try await self.requireStored(session, in: store)
    }

    func checkLimits() async throws {
        let store = try await self.node()
        let session = self.session("session", ["a": [1]])
        try await self.insert(session, into: store)
        let tooMany = Dictionary(uniqueKeysWithValues: (0..<StoredSession.maximumAttributeCount).map { ("\($0)", [UInt8]()) })
        let tooLarge: [[String: [UInt8]]] = [
            [String(repeating: "n", count: StoredSession.maximumNameLength + 1): []], ["b": [UInt8](repeating: 1, count: StoredSession.maximumSize)],
            tooMany,
        ]
        for attributes in tooLarge {
            let changes = self.changes(attributes.mapValues { .init(bytes: $0, condition: .any) })
            try await self.requireLimit("save") { _ = try await store.save(changes, to: session.key) }
        }
        for attributes in tooLarge.dropLast() {
            let large = self.session("large", attributes)
            try await self.requireLimit("insert") { _ = try await store.insert(large) }
            try await self.requireAbsent(large.key, in: store, "was too large to be inserted")
        }
        try await self.requireStored(session, in: store)
    }

    private func requireLimit(_ operation: String, _ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let error as SessionError {
            return try self.require(error.code == .limitReached, "\(operation) fails with '\(error.code)', not 'limitReached', above the limits")
        }
        try self.require(false, "\(operation) takes more than the limits allow")
    }
}
