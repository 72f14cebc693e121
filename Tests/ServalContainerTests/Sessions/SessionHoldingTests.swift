import ServalContainer
import ServalServlet
import Testing

/// Requests in progress while their session gets another id: they may come from whoever planted the old one.
@Suite("Sessions that get another id while requests are in progress")
struct SessionHoldingTests {
    /// Lets a servlet wait at a point that the test chooses.
    private struct Gate: Sendable {
        private let arrivals = AsyncStream<Void>.makeStream()
        private let departures = AsyncStream<Void>.makeStream()

        func pass() async {
            self.arrivals.continuation.yield()
            for await _ in self.departures.stream { break }
        }
        func arrival() async { for await _ in self.arrivals.stream { break } }
        func open() { self.departures.continuation.yield() }
    }

    private static func context(_ gate: Gate) -> ContextDefinition {
        ContextDefinition("/app") { context in
            context.addServlet("make", ClosureServlet { request in .text(try await request.session().id.rawValue) }).map("/make")
            context.addServlet("look", ClosureServlet { request in .text(try await request.existingSession()?.principalName ?? "none") }).map("/look")
            context.addServlet(
                "sign",
                ClosureServlet { request in .text(try await request.session().signOn(as: "alice").rawValue) }
            ).map("/sign")
            context.addServlet(
                "late",
                ClosureServlet { request in
                    await gate.pass()
                    let existing = try await request.existingSession()?.id.rawValue ?? "none"
                    let isValid = await request.isRequestedSessionIDValid()
                    let url = request.encodedURL("/app/x")
                    return .text("\(existing) \(isValid) \(url) \(try await request.session().id.rawValue)")
                }
            ).map("/late")
            context.addServlet(
                "rotate",
                ClosureServlet { request in
                    let session = try await request.session()
                    await gate.pass()
                    do {
                        guard let name = request.parameter("as") else { return .text(try await session.rotateID().rawValue) }
                        return .text(try await session.signOn(as: name).rawValue)
                    } catch let error as SessionError {
                        return .text("\(error.code) \(request.encodedURL("/app/x"))")
                    }
                }
            ).map("/rotate")
            context.addServlet(
                "stream",
                ClosureServlet { request in
                    _ = try await request.session()
                    return Response(
                        body: .stream { writer in
                            await gate.pass()
                            try await writer.write(request.encodedURL("/app/x"))
                            return nil
                        }
                    )
                }
            ).map("/stream")
            context.addServlet(
                "twice",
                ClosureServlet { request in
                    let session = try await request.session()
                    try await session.rotateID()
                    try await session.rotateID()
                    return .text("\(session.id.rawValue) \(request.encodedURL("/app/x")) \(await request.isRequestedSessionIDValid())")
                }
            ).map("/twice")
        }
    }

    private static func cookie(_ id: String) -> HeaderFields { [.cookie: "JSESSIONID=\(id)"] }

    /// Signs a victim on with a planted id while a request of the attacker waits.
    private func attack(
        _ target: (String) -> String,
        cookie: Bool = false,
        _ check: (Answer, _ old: String, _ new: String) throws -> Void
    ) async throws {
        let gate = Gate()
        try await EngineHarness.run(Self.context(gate)) { harness async throws in
            let old = try await harness.get("/app/make").text
            let path = target(old)
            let headers = cookie ? Self.cookie(old) : [:]
            async let waiting = harness.get(path, headers: headers)
            await gate.arrival()
            let victim = try await harness.get("/app/sign", headers: Self.cookie(old))
            let new = victim.text
            #expect(victim.sessionID == new && new != old)
            gate.open()
            let answer = try await waiting
            #expect(!answer.text.contains(new) && !answer.headers.contains { $0.value.contains(new) }, "\(answer.text)")
            try check(answer, old, new)
            #expect(try await harness.get("/app/look", headers: Self.cookie(new)).text == "alice", "the victim still is who it was")
        }
    }

    @Test("The request has no session any more, in no form, and may make another one", arguments: [false, true])
    func found(byCookie: Bool) async throws {
        try await self.attack({ byCookie ? "/app/late" : "/app/late;jsessionid=\($0)" }, cookie: byCookie) { answer, old, _ in
            let words = answer.text.split(separator: " ").map(String.init)
            #expect(words.prefix(3) == ["none", "false", "/app/x"])
            #expect(words.last == answer.sessionID && words.last != old)
        }
    }

    @Test("The request cannot take the session over by giving it a third id", arguments: ["", "?as=mallory"])
    func taken(query: String) async throws {
        try await self.attack({ "/app/rotate;jsessionid=\($0)\(query)" }) { answer, _, _ in
            #expect(answer.text == "invalidated /app/x")
            #expect(answer.headers[.setCookie] == nil)
        }
    }

    @Test("An id that was told to the client is told to others from then on: the rest of the response does not learn the next one")
    func streamed() async throws {
        let gate = Gate()
        try await EngineHarness.run(Self.context(gate)) { harness async throws in
            let request = Request(method: .get, target: "/app/stream", headers: [.host: "localhost"], connection: ConnectionInfo())
            let response = await harness.engine.respond(to: request)
            let old = try #require(response.headers[.setCookie]?.dropFirst(11).prefix { $0 != ";" })
            async let body = Answer(response).text
            await gate.arrival()
            let new = try await harness.get("/app/sign", headers: Self.cookie(String(old))).text
            gate.open()
            #expect(try await body == "/app/x")
            #expect(try await harness.get("/app/look", headers: Self.cookie(new)).text == "alice")
        }
    }

    @Test("A request that gives its session other ids itself goes on with it, and its client learns the last")
    func own() async throws {
        try await EngineHarness.run(Self.context(Gate())) { harness async throws in
            let old = try await harness.get("/app/make").text
            let rotated = try await harness.get("/app/twice;jsessionid=\(old)")
            let id = try #require(rotated.sessionID)
            #expect(id != old && rotated.text == "\(id) /app/x;jsessionid=\(id) true")
            let made = try await harness.get("/app/twice")
            #expect(made.sessionID.map { made.text.hasPrefix("\($0) ") } == true)
        }
    }
}
