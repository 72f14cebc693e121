#if Hummingbird
    import HTTPTypes
    import Hummingbird
    import Logging
    import NIOCore
    import NIOEmbedded
    import ServalHummingbird
    import ServalSessions
    import Testing

    @Suite("Serval's sessions in Hummingbird applications")
    struct ServalSessionMiddlewareTests {
        private struct Application {
            let responder: RouterResponder<SessionContext>

            init(_ manager: any SessionManager, secureCookies: Bool = true) {
                let router = Router(context: SessionContext.self)
                router.add(middleware: ServalSessionMiddleware(manager: manager, secureCookies: secureCookies))
                router.get("/visits") { _, context in
                    let session = try await context.session()
                    return "\(session.update(Visits.self, default: 0) { $0 += 1; return $0 })"
                }
                router.get("/look") { _, context in try await context.existingSession()?.id.rawValue ?? "none" }
                router.get("/sign-on") { _, context in
                    _ = try await context.session().signOn(as: "ann")
                    return "signed on"
                }
                router.get("/sign-off") { _, context in
                    try await context.existingSession()?.invalidate()
                    return "signed off"
                }
                router.get("/denied") { _, context -> String in
                    _ = try await context.session()
                    throw HTTPError(.forbidden)
                }
                self.responder = router.buildResponder()
            }

            /// The status, the text and the session cookie.
            func get(_ path: String, cookie: String? = nil) async throws -> (status: Int, text: String, setCookie: String?) {
                var fields = HTTPFields()
                if let cookie { fields.append(HTTPField(name: .cookie, value: cookie)) }
                let request = Request(
                    head: HTTPRequest(method: .get, scheme: "http", authority: "localhost", path: path, headerFields: fields),
                    body: .init(buffer: ByteBuffer())
                )
                let source = ApplicationRequestContextSource(channel: EmbeddedChannel(), logger: Logger(label: "serval.tests"))
                let response = try await self.responder.respond(to: request, context: SessionContext(source: source))
                let collector = Collector()
                try await response.body.write(collector)
                return (response.status.code, collector.text.value, response.headers[.setCookie])
            }
        }

        private struct Collector: ResponseBodyWriter {
            final class Text { var value = "" }
            let text = Text()
            mutating func write(_ buffer: ByteBuffer) async throws { self.text.value += String(buffer: buffer) }
            consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
        }

        private func id(_ setCookie: String?) throws -> String { String(try #require(setCookie).dropFirst("JSESSIONID=".count).prefix { $0 != ";" }) }

        private func manager() async throws -> StandardSessionManager {
            let manager = StandardSessionManager()
            try await manager.start()
            return manager
        }

        @Test func aSessionIsMadeWhenAHandlerAsksForIt() async throws {
            let manager = try await self.manager()
            let application = Application(manager)
            let nothing = try await application.get("/look")
            #expect(nothing.text == "none" && nothing.setCookie == nil)
            let first = try await application.get("/visits")
            let id = try self.id(first.setCookie)
            #expect(first.text == "1")
            #expect(first.setCookie == "JSESSIONID=\(id); Path=/; Secure; HttpOnly")
            let second = try await application.get("/visits", cookie: "a=b; JSESSIONID=unknown; JSESSIONID=\(id)")
            #expect(second.text == "2" && second.setCookie == nil)
            #expect(manager.statistics.activeSessions == 1)
            await manager.stop()
        }

        @Test func idsOfClientsAreNotTakenOn() async throws {
            let manager = try await self.manager()
            let application = Application(manager, secureCookies: false)
            let chosen = String(repeating: "A", count: 32)
            let answer = try await application.get("/visits", cookie: "JSESSIONID=\(chosen)")
            #expect(try self.id(answer.setCookie) != chosen)
            #expect(answer.setCookie?.contains("Secure") == false)
            #expect(try await application.get("/look", cookie: "JSESSIONID=\(chosen)").text == "none")
            await manager.stop()
        }

        @Test func signingOnChangesTheId() async throws {
            let manager = try await self.manager()
            let application = Application(manager)
            let before = try self.id(try await application.get("/visits").setCookie)
            let after = try self.id(try await application.get("/sign-on", cookie: "JSESSIONID=\(before)").setCookie)
            #expect(after != before)
            #expect(try await application.get("/look", cookie: "JSESSIONID=\(before)").text == "none")
            #expect(try await application.get("/visits", cookie: "JSESSIONID=\(after)").text == "2")
            _ = try await application.get("/sign-off", cookie: "JSESSIONID=\(after)")
            #expect(try await application.get("/look", cookie: "JSESSIONID=\(after)").text == "none")
            await manager.stop()
        }

        @Test func anErrorResponseCarriesTheCookie() async throws {
            let manager = try await self.manager()
            let answer = try await Application(manager).get("/denied")
            #expect(answer.status == 403)
            #expect(answer.setCookie?.hasPrefix("JSESSIONID=") == true)
            await manager.stop()
        }

        @Test func sessionsMoveBetweenServersOfAStore() async throws {
            let store = MemorySessionStore()
            let secret = [UInt8](repeating: 7, count: SessionSealer.secretLength)
            var managers: [PersistentSessionManager] = []
            for _ in 0..<2 { managers.append(PersistentSessionManager(store: store, sealer: try SessionSealer(secret: secret))) }
            for manager in managers { try await manager.start() }
            let applications = managers.map { Application($0) }
            let cookie = "JSESSIONID=\(try self.id(try await applications[0].get("/visits").setCookie))"
            for visit in 2...9 { #expect(try await applications[visit % 2].get("/visits", cookie: cookie).text == "\(visit)") }
            for manager in managers { await manager.stop() }
        }

        @Test func tooManySessionsAre503() async throws {
            var configuration = StandardSessionManager.Configuration()
            configuration.maxActiveSessions = 1
            let manager = StandardSessionManager(configuration: configuration)
            try await manager.start()
            let application = Application(manager)
            #expect(try await application.get("/visits").status == 200)
            #expect(try await application.get("/visits").status == 503)
            await manager.stop()
        }

        @Test func withoutMiddlewareAHandlerIsToldWhatToDo() async throws {
            let context = SessionContext(source: ApplicationRequestContextSource(channel: EmbeddedChannel(), logger: Logger(label: "serval.tests")))
            await #expect { _ = try await context.session() } throws: { "\($0)".contains("add ServalSessionMiddleware") }
        }
    }
#endif
