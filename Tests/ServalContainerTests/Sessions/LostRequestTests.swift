import ServalContainer
import ServalServlet
import Synchronization
import Testing

/// Requests whose clients go away while they are worked on.
@Suite("Sessions of requests whose clients have gone away")
struct LostRequestTests {
    private final class Clock: Sendable {
        private let ahead = Atomic(Int64(0))
        func advance(minutes: Int64) { self.ahead.add(minutes * 60_000, ordering: .relaxed) }
        var now: Timestamp { Timestamp(millisecondsSince1970: Timestamp.now.millisecondsSince1970 + self.ahead.load(ordering: .relaxed)) }
    }

    /// `/app/lost` asks for its session after its client has gone away, `/app/make` as usual.
    private static func context(_ clock: Clock) -> ContextDefinition {
        var definition = ContextDefinition("/app") { context in
            context.addServlet(
                "lost",
                ClosureServlet { request in
                    request.state.complete(RequestCompletion(status: 0, bodyBytes: 0, nanoseconds: 1, isComplete: false))
                    return .text(try await request.session().id.rawValue)
                }
            ).map("/lost")
            context.addServlet("make", ClosureServlet { request in .text(try await request.session().id.rawValue) }).map("/make")
        }
        definition.makeSessionManager = { _ in
            var configuration = StandardSessionManager.Configuration()
            // So that a request that uses a session for ever keeps it for ever.
            configuration.sessionActivityCheck = true
            configuration.clock = { clock.now }
            return StandardSessionManager(configuration: configuration)
        }
        return definition
    }

    @Test("A session that is found or made after the client has gone is not in use for ever", arguments: [true, false])
    func lost(isMade: Bool) async throws {
        let clock = Clock()
        try await EngineHarness.run(Self.context(clock)) { harness async throws in
            var headers: HeaderFields = [.host: "localhost"]
            if !isMade { headers[.cookie] = "JSESSIONID=\(try await harness.get("/app/make").text)" }
            let request = Request(method: .get, target: "/app/lost", headers: headers, connection: ConnectionInfo())
            let id = try await Answer(await harness.engine.respond(to: request)).text
            let manager = try #require(harness.engine.hosts[0].contexts[0].sessionManager)
            let session = try #require(try await manager.find(SessionID(rawValue: id)))
            #expect(!session.isNew)
            clock.advance(minutes: 31)
            #expect(try await manager.find(session.id) == nil)
        }
    }
}
