import Testing

@testable import ServalSessions

/// What a store keeps, and what it makes of bytes that are not that.
@Suite struct StoredSessionTests {
    let key = StoredSessionKey(SessionID(rawValue: "A"), namespace: "/shop")

    var session: StoredSession {
        StoredSession(
            key: self.key,
            version: 7,
            lastAccessed: Timestamp(millisecondsSince1970: 1_700_000_000_123),
            deadline: Timestamp(millisecondsSince1970: 1_700_001_800_123),
            principal: "p",
            head: [1, 2, 3],
            attributes: ["cart": .init(version: 3, bytes: [9]), "": .init(version: 7, bytes: []), "ä": .init(version: 1, bytes: [0, 0])]
        )
    }

    @Test func comesBackAsItWas() throws {
        #expect(try StoredSession(key: self.key, encoded: self.session.encoded()) == self.session)
        var plain = self.session
        (plain.deadline, plain.principal, plain.attributes, plain.head) = (nil, nil, [:], [])
        #expect(try StoredSession(key: self.key, encoded: plain.encoded()) == plain)
    }

    @Test func anyOtherBytesAreRefused() throws {
        let bytes = try self.session.encoded()
        for length in 0..<bytes.count {
            #expect(throws: SessionError.self) { try StoredSession(key: self.key, encoded: bytes.prefix(length)) }
        }
        #expect(throws: SessionError.self) { try StoredSession(key: self.key, encoded: bytes + [0]) }
        // Lengths and counts that promise more than there is.
        for position in bytes.indices {
            var changed = bytes
            changed[position] = 0xFF
            _ = try? StoredSession(key: self.key, encoded: changed)
        }
    }

    @Test func limitsAreKept() {
        var session = self.session
        session.attributes = [String(repeating: "n", count: StoredSession.maximumNameLength + 1): .init(version: 1, bytes: [])]
        #expect(throws: SessionError.self) { try session.encoded() }
        session.attributes = ["big": .init(version: 1, bytes: [UInt8](repeating: 0, count: StoredSession.maximumSize))]
        let error = #expect(throws: SessionError.self) { try session.encoded() }
        #expect(error?.code == .limitReached)
        session.attributes = Dictionary(
            uniqueKeysWithValues: (0...StoredSession.maximumAttributeCount).map { ("\($0)", .init(version: 1, bytes: [])) }
        )
        #expect(throws: SessionError.self) { try session.encoded() }
    }

    @Test func changesApplyWhollyOrNotAtAll() {
        let later = Timestamp(millisecondsSince1970: 1_700_000_100_000)
        var session = self.session
        let stale = StoredSessionChanges(
            writes: ["new": .init(bytes: [1], condition: .any), "cart": .init(bytes: [2], condition: .version(2))],
            head: nil,
            principal: nil,
            lastAccessed: later,
            deadline: nil
        )
        var isApplied = session.apply(stale)
        #expect(!isApplied)
        #expect(session == self.session)

        var changes = stale
        changes.writes = [
            "new": .init(bytes: [1], condition: .absent), "cart": .init(bytes: [2], condition: .version(3)), "ä": .init(bytes: nil, condition: .any),
        ]
        isApplied = session.apply(changes)
        #expect(isApplied)
        #expect(session.version == 8)
        #expect(
            session.attributes == ["new": .init(version: 8, bytes: [1]), "cart": .init(version: 8, bytes: [2]), "": .init(version: 7, bytes: [])]
        )
        #expect(session.lastAccessed == later && session.deadline == nil && session.principal == "p")
        isApplied = session.apply(changes)
        #expect(!isApplied, "'new' is there now")
    }

    @Test func earlierAccessesChangeNothing() {
        var session = self.session
        session.touch(lastAccessed: Timestamp(millisecondsSince1970: 5), deadline: nil)
        #expect(session == self.session)
    }

    @Test func keysTellNothingAndNeverMeet() {
        let id = SessionID(rawValue: "0123456789ABCDEF0123456789ABCDEF")
        let key = StoredSessionKey(id, namespace: "/a")
        #expect(key == StoredSessionKey(id, namespace: "/a"))
        #expect(key != StoredSessionKey(id, namespace: "/b"))
        #expect(StoredSessionKey(SessionID(rawValue: "bc"), namespace: "a") != StoredSessionKey(SessionID(rawValue: "c"), namespace: "ab"))
        #expect(key.hexadecimal.count == 64 && StoredSessionKey(hexadecimal: key.hexadecimal) == key)
        #expect(!"\(key)".contains(key.hexadecimal))
        for text in ["", "zz", String(key.hexadecimal.dropLast()), key.hexadecimal + "00", "../../../etc/passwd"] {
            #expect(StoredSessionKey(hexadecimal: text) == nil)
        }
    }
}

/// What nobody without the secret can make.
@Suite struct SessionSealerTests {
    let lineage = SessionLineage.random()
    let key = StoredSessionKey(SessionID(rawValue: "A"), namespace: "")
    let value: [UInt8] = Array("secret value".utf8)

    private func sealer(_ byte: UInt8 = 1, encrypts: Bool = false) throws -> SessionSealer {
        try SessionSealer(secret: [UInt8](repeating: byte, count: 32), encryptsAttributes: encrypts)
    }

    @Test(arguments: [false, true]) func whatWasSealedOpens(encrypts: Bool) throws {
        let sealer = try self.sealer(encrypts: encrypts)
        let sealed = try #require(sealer.seal(attribute: self.value, named: "a", of: self.lineage))
        #expect(sealer.open(attribute: sealed, named: "a", of: self.lineage) == self.value)
        #expect(sealed.containsBytes(self.value) == !encrypts)
        let head = try #require(sealer.seal(head: self.value, for: self.key))
        #expect(sealer.open(head: head, of: self.key) == self.value)
        #expect(!head.containsBytes(self.value), "ids and names are never in the open")
    }

    @Test(arguments: [false, true]) func nothingElseOpens(encrypts: Bool) throws {
        let sealer = try self.sealer(encrypts: encrypts)
        let sealed = try #require(sealer.seal(attribute: self.value, named: "a", of: self.lineage))
        let other = try self.sealer(2, encrypts: encrypts)
        #expect(other.open(attribute: sealed, named: "a", of: self.lineage) == nil)
        #expect(sealer.open(attribute: sealed, named: "b", of: self.lineage) == nil, "copied under another name")
        #expect(sealer.open(attribute: sealed, named: "a", of: .random()) == nil, "copied from another session")
        for position in sealed.indices {
            var changed = sealed
            changed[position] ^= 1
            #expect(sealer.open(attribute: changed, named: "a", of: self.lineage) == nil)
        }
        for length in sealed.indices { #expect(sealer.open(attribute: Array(sealed.prefix(length)), named: "a", of: self.lineage) == nil) }
        let head = try #require(sealer.seal(head: self.value, for: self.key))
        #expect(sealer.open(head: head, of: StoredSessionKey(SessionID(rawValue: "B"), namespace: "")) == nil)
        #expect(other.open(head: head, of: self.key) == nil)
        for position in head.indices {
            var changed = head
            changed[position] ^= 1
            #expect(sealer.open(head: changed, of: self.key) == nil)
        }
    }

    @Test(arguments: [false, true]) func whatWasSealedBeforeEncryptionWasSwitchedOpens(encrypts: Bool) throws {
        let sealed = try #require(try self.sealer(encrypts: encrypts).seal(attribute: self.value, named: "a", of: self.lineage))
        let switched = try self.sealer(encrypts: !encrypts)
        #expect(switched.open(attribute: sealed, named: "a", of: self.lineage) == self.value)
        #expect(try self.sealer(2, encrypts: !encrypts).open(attribute: sealed, named: "a", of: self.lineage) == nil)
        let again = try #require(switched.seal(attribute: self.value, named: "a", of: self.lineage))
        #expect(again.containsBytes(self.value) == encrypts)
    }

    @Test(arguments: [0, 16, 31, 33]) func secretsOfOtherLengthsAreRefused(length: Int) {
        let error = #expect(throws: SessionError.self) { try SessionSealer(secret: [UInt8](repeating: 1, count: length)) }
        #expect(error?.code == .illegalSetting)
    }
}

extension [UInt8] {
    fileprivate func containsBytes(_ other: [UInt8]) -> Bool {
        self.count >= other.count && (0...(self.count - other.count)).contains { self[$0..<($0 + other.count)].elementsEqual(other) }
    }
}
