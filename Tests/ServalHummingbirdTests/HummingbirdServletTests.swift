#if Hummingbird
    import HTTPTypes
    import Hummingbird
    import NIOCore
    import ServalHummingbird
    import ServalServlet
    import ServalSessions
    import ServalTesting
    import Testing

    /// A context with Serval's sessions.
    struct SessionContext: ServalSessionRequestContext {
        var coreContext: CoreRequestContextStorage
        var sessionScope: SessionScope?

        init(source: ApplicationRequestContextSource) { self.coreContext = .init(source: source) }
    }

    enum Visits: SessionAttributeKey {
        typealias Value = Int
        static let name = "visits"
    }

    @Suite("Hummingbird applications as contexts")
    struct HummingbirdServletTests {
        private static func application(_ path: String, stripsContextPath: Bool = true) -> WebApplication {
            WebApplication(path: path) { context in
                let router = Router(context: SessionContext.self)
                router.get("/ping/:name") { request, context in
                    "pong \(try context.parameters.require("name")) \(request.uri.queryParameters.get("q") ?? "-") \(request.head.authority?.prefix(9) ?? "-")"
                }
                router.post("/echo") { request, _ in Hummingbird.Response(status: .accepted, body: .init(asyncSequence: request.body)) }
                router.get("/visits") { _, context in
                    let session = try await context.session()
                    return "\(session.update(Visits.self, default: 0) { $0 += 1; return $0 })"
                }
                router.get("/teapot") { _, _ -> String in throw Hummingbird.HTTPError(.init(code: 418), message: "short and stout") }
                router.get("/broken") { _, _ -> String in throw CancellationError() }
                router.get("/pieces") { _, _ in
                    Hummingbird.Response(
                        status: .ok,
                        headers: [.contentType: "text/plain"],
                        body: .init { writer in
                            for piece in ["one ", "", "two ", "three"] { try await writer.write(ByteBuffer(string: piece)) }
                            try await writer.finish(nil)
                        }
                    )
                }
                let servlet = HummingbirdServlet(responder: router.buildResponder(), stripsContextPath: stripsContextPath)
                context.addServlet("hummingbird", servlet).map("/*")
            }
        }

        @Test func routesAreWithinTheContext() async throws {
            try await TestServer.run(Self.application("/hb")) { client async throws in
                #expect(try await client.get("/hb/ping/ann?q=1%202").text == "pong ann 1 2 localhost")
                #expect(try await client.get("/hb/none").status == .notFound)
                #expect(try await client.get("/hb/pieces").text == "one two three")
                let head = try await client.send(.head, "/hb/pieces")
                #expect(head.body.isEmpty)
            }
        }

        @Test func routesMayHaveTheWholePath() async throws {
            try await TestServer.run(Self.application("/ping", stripsContextPath: false)) { client async throws in
                #expect(try await client.get("/ping/ann").text.hasPrefix("pong ann"))
            }
        }

        @Test func errorsHaveTheirStatus() async throws {
            try await TestServer.run(Self.application("/hb")) { client async throws in
                let teapot = try await client.get("/hb/teapot")
                #expect(teapot.status.code == 418)
                #expect(teapot.text.contains("short and stout"))
                #expect(try await client.get("/hb/broken").status == .internalServerError)
            }
        }

        @Test func handlersHaveTheSessionOfTheServer() async throws {
            try await TestServer.run(Self.application("/hb")) { client async throws in
                for expected in 1...3 { #expect(try await client.get("/hb/visits").text == "\(expected)") }
                #expect(client.cookies["JSESSIONID"]?.count == 32)
                client.cookies = [:]
                #expect(try await client.get("/hb/visits").text == "1")
            }
        }

        @Test func bodiesStreamInBothDirections() async throws {
            try await TestServer.run(Self.application("/hb")) { client async throws in
                let body = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 * 31) }
                let answer = try await client.send(.post, "/hb/echo", body: body)
                #expect(answer.status == .accepted)
                #expect(answer.body == body)
            }
        }
    }
#endif
