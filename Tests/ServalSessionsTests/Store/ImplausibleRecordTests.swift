import Testing

@testable import ServalSessions

/// Numbers that are not sealed, changed by who can write to the store.
@Suite struct ImplausibleRecordTests {
    enum Spoiling: CaseIterable, Sendable {
        case version, attributeVersion, earlyAccess, lateAccess, earlyDeadline, writings

        func apply(to record: inout StoredSession) {
            switch self {
            case .version: record.version = .max
            case .attributeVersion: record.attributes["visits"]?.version = .max
            case .earlyAccess: record.lastAccessed = Timestamp(millisecondsSince1970: .min)
            case .lateAccess: record.lastAccessed = Timestamp(millisecondsSince1970: .max)
            case .earlyDeadline: record.deadline = Timestamp(millisecondsSince1970: .min)
            case .writings:
                record.writings = (0..<300).map { .init(mark: .init(writer: $0, number: .max), version: .max) }
            }
        }
    }

    @Test(arguments: Spoiling.allCases) func harmNobodyElse(spoiling: Spoiling) async throws {
        let nodes = try SessionNodes()
        let id = try await nodes.session()
        let key = StoredSessionKey(id, namespace: "/Catalina/localhost/shop")
        guard case .found(var record) = try await nodes.store.memory.load(key, unless: nil) else {
            Issue.record("not stored")
            return
        }
        try await nodes.store.memory.remove(key)
        spoiling.apply(to: &record)
        #expect(try await nodes.store.memory.insert(record))
        for _ in 0..<2 {
            for node in 0...1 {
                _ = try await nodes.request(node, id) { session in
                    session.update(Visits.self, default: 0) { $0 += 1 }
                    session.maxInactiveInterval = .seconds(100)
                }
                nodes.clock.advance(by: .seconds(20))
                _ = try await nodes.request(node, id) { $0[Visits.self] }
            }
        }
        for node in nodes.managers { await node.processExpires() }
        _ = try await nodes[1].create(id: id)
    }

    @Test(arguments: Spoiling.allCases) func areNoRecords(spoiling: Spoiling) throws {
        var record = StoredSession(
            key: StoredSessionKey(SessionID(rawValue: "A"), namespace: ""),
            version: 1,
            lastAccessed: Timestamp(millisecondsSince1970: 1),
            deadline: nil,
            principal: nil,
            head: [],
            attributes: ["visits": .init(version: 1, bytes: [])]
        )
        spoiling.apply(to: &record)
        guard spoiling != .earlyDeadline else {
            #expect(record.isExpired(at: Timestamp(millisecondsSince1970: 0)))
            return
        }
        #expect(throws: SessionError.self) { try StoredSession(key: record.key, encoded: record.encoded()) }
        // No store is obliged to look.
        _ = record.apply(StoredSessionChanges(writes: [:], head: nil, principal: nil, lastAccessed: .now, deadline: nil))
    }

    @Test func recordsOfTheFormerKindAreRead() throws {
        let key = StoredSessionKey(SessionID(rawValue: "A"), namespace: "")
        let times: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 5] + [0, 0, 0, 0, 0, 0, 0, 6] + [0x7F] + [UInt8](repeating: 0xFF, count: 7)
        let record = try StoredSession(key: key, encoded: Array("SVS1".utf8) + times + [0, 0, 0, 0] + [0, 0, 0, 1, 9] + [0, 0, 0, 0])
        #expect(record.version == 5 && record.lastAccessed.millisecondsSince1970 == 6 && record.deadline == nil && record.head == [9])
        #expect(record.writings.isEmpty && record.attributes.isEmpty)
    }
}
