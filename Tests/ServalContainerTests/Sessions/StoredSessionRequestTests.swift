import ServalContainer
import ServalServlet
import Synchronization
import Testing

/// What requests notice of a session store.
@Suite("Requests with sessions in a store")
struct StoredSessionRequestTests {
    private enum Count: SessionAttributeKey {
        typealias Value = Int
        static let name = "count"
    }

    /// A context whose sessions are kept in `store`, as if it were one of several servers.
    private static func context(_ store: FailingStore, memoryBudget: Int? = nil) -> ContextDefinition {
        var definition = ContextDefinition("/app") { context in
            context.addServlet(
                "count",
                ClosureServlet { request in
                    let session = try await request.session()
                    return .text("\(session.update(Count.self, default: 0) { $0 += 1; return $0 })")
                }
            ).map("/count")
            context.addServlet(
                "look",
                ClosureServlet { request in .text("\(try await request.existingSession()?[Count.self] ?? -1)") }
            ).map("/look")
            context.addServlet(
                "stream",
                ClosureServlet { request in
                    let session = try await request.session()
                    return Response(
                        body: .stream { writer in
                            try await writer.write("begun")
                            session[Count.self] = 77
                            return nil
                        }
                    )
                }
            ).map("/stream")
        }
        definition.makeSessionManager = { _ in
            var configuration = PersistentSessionManager.Configuration()
            configuration.sessions.memoryBudget = memoryBudget
            let sealer = try SessionSealer(secret: [UInt8](repeating: 7, count: 32))
            return PersistentSessionManager(store: store, sealer: sealer, configuration: configuration)
        }
        return definition
    }

    @Test("What a response tells is stored before it is sent, and another server goes on with it")
    func changesAreSavedBeforeTheResponse() async throws {
        let store = FailingStore()
        try await EngineHarness.run(Self.context(store)) { one async throws in
            try await EngineHarness.run(Self.context(store)) { two async throws in
                let first = try await one.get("/app/count")
                let id = try #require(first.sessionID)
                #expect(try await store.memory.count() == 1)
                let cookie: HeaderFields = [.cookie: "JSESSIONID=\(id)"]
                let second = try await two.get("/app/count", headers: cookie)
                #expect(second.text == "2" && second.sessionID == nil)
                #expect(try await one.get("/app/count", headers: cookie).text == "3")
                #expect(try await two.get("/app/look", headers: cookie).text == "3")
            }
        }
    }

    @Test("A store that is down: readers read memory, writers get 503")
    func storeIsDown() async throws {
        let store = FailingStore()
        try await EngineHarness.run(Self.context(store)) { harness async throws in
            let id = try #require(try await harness.get("/app/count").sessionID)
            let cookie: HeaderFields = [.cookie: "JSESSIONID=\(id)"]
            store.isDown.store(true, ordering: .sequentiallyConsistent)
            #expect(try await harness.get("/app/look", headers: cookie).text == "1")
            let refused = try await harness.get("/app/count", headers: cookie)
            #expect(refused.status == 503 && refused.headers[.retryAfter] == "1")
            #expect(try await harness.get("/app/look", headers: cookie).text == "2", "who only reads is answered after that, too")
            // The manager tells of its store; requests come by the thousand.
            #expect(harness.log.count(of: "failed to answer") == 0)
            let unknown: HeaderFields = [.cookie: "JSESSIONID=0123456789ABCDEF0123456789ABCDEF"]
            #expect(try await harness.get("/app/look", headers: unknown).status == 503)
            store.isDown.store(false, ordering: .sequentiallyConsistent)
            try await Task.sleep(for: .milliseconds(1100))
            #expect(try await harness.get("/app/count", headers: cookie).status == 200)
        }
    }

    @Test("With little memory every request finds its session")
    func littleMemory() async throws {
        try await EngineHarness.run(Self.context(FailingStore(), memoryBudget: 5000)) { harness async throws in
            var ids: [String] = []
            for _ in 0..<100 { ids.append(try #require(try await harness.get("/app/count").sessionID)) }
            for visits in 2...3 {
                for id in ids {
                    let cookie: HeaderFields = [.cookie: "JSESSIONID=\(id)"]
                    #expect(try await harness.get("/app/look", headers: cookie).text == "\(visits - 1)")
                    let answer = try await harness.get("/app/count", headers: cookie)
                    #expect(answer.text == "\(visits)" && answer.sessionID == nil)
                }
            }
            // Nobody holds any of them.
            let manager = try #require(harness.engine.hosts[0].contexts[0].sessionManager)
            for _ in 0..<500 where manager.statistics.activeSessions > 50 {
                await manager.processExpires()
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(manager.statistics.activeSessions <= 50)
        }
    }

    @Test("What a streamed body changes is stored when it is over")
    func streamedChangesAreSaved() async throws {
        let store = FailingStore()
        try await EngineHarness.run(Self.context(store)) { harness async throws in
            let id = try #require(try await harness.get("/app/stream").sessionID)
            let key = StoredSessionKey(SessionID(rawValue: id), namespace: "")
            var names: [String] = []
            for _ in 0..<200 where names.isEmpty {
                if case .found(let record) = try await store.memory.load(key, unless: nil) { names = Array(record.attributes.keys) }
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(names == ["count"])
        }
    }
}
