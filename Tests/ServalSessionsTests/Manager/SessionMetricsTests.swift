import Metrics
import MetricsTestKit
import Testing

@testable import ServalSessions

@Suite("Metrics of sessions")
struct SessionMetricsTests {
    private let clock = ManualClock()

    @Test("Counts go up by what has happened since, whoever made the manager anew")
    func counts() async throws {
        let system = TestMetrics()
        var metrics = SessionMetrics(context: "/shop", factory: system)
        let labels = [("context", "/shop")]
        func values() throws -> [Int64] {
            [Int64(try system.expectMeter("serval_session_active", labels).lastValue ?? -1)]
                + (try ["created", "expired", "rejected", "evicted"].map { try system.expectCounter("serval_session_\($0)", labels).totalValue })
        }
        var configuration = StandardSessionManager.Configuration()
        let clock = self.clock
        configuration.clock = { clock.now }
        configuration.maxActiveSessions = 3
        let manager = StandardSessionManager(configuration: configuration)
        metrics.show(manager.statistics)
        #expect(try values() == [0, 0, 0, 0, 0])
        for _ in 0..<5 { (try? await manager.create(id: nil))?.endAccess() }
        metrics.show(manager.statistics)
        #expect(try values() == [3, 3, 0, 2, 0])
        self.clock.advance(by: .seconds(1800))
        await manager.processExpires()
        metrics.show(manager.statistics)
        metrics.show(manager.statistics)
        #expect(try values() == [0, 3, 3, 2, 0])

        configuration.evictsAtMaxActiveSessions = true
        let next = StandardSessionManager(configuration: configuration)
        for _ in 0..<5 { (try await next.create(id: nil)).endAccess() }
        let evicted = Int64(next.statistics.evictedSessions)
        #expect(evicted >= 2)
        var fresh = SessionStatistics()
        fresh.activeSessions = 1
        metrics.show(fresh)
        metrics.show(next.statistics)
        #expect(try values().suffix(4) == [8, 3, 2, evicted])
    }

    @Test("What is asked of a store is counted and timed, and what it does not answer is counted apart")
    func store() async throws {
        await #expect(processExitsWith: .success) {
            let system = TestMetrics()
            MetricsSystem.bootstrap(system)
            let nodes = try SessionNodes { $0.namespace = "/shop" }
            let session = try await nodes[0].create(id: nil)
            session[Visits.self] = 1
            try await nodes[0].save(session)
            func count(_ result: String) throws -> Int64 {
                try system.expectCounter("serval_session_store_operations", [("context", "/shop"), ("result", result)]).totalValue
            }
            #expect(try count("success") >= 1 && count("failure") == 0)
            let timer = try system.expectTimer("serval_session_store_duration", [("context", "/shop")])
            #expect(Int64(timer.values.count) == (try count("success")))
            nodes.store.isDown = true
            session[Visits.self] = 2
            for _ in 0..<3 { await #expect(throws: SessionError.self) { try await nodes[0].save(session) } }
            #expect(try count("failure") == 3, "what fails for one session alone keeps nobody from asking")
            for _ in 0..<8 {
                let other = try await nodes[0].create(id: nil)
                other[Visits.self] = 1
                await #expect(throws: SessionError.self) { try await nodes[0].save(other) }
            }
            #expect(try count("failure") == 5, "after failures of three sessions the store is left alone for a moment")
        }
    }
}
