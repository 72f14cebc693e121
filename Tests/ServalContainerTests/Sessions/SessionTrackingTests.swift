import ServalContainer
import ServalServlet
import Testing

@Suite("Sessions of requests")
struct SessionTrackingTests {
    private enum Count: SessionAttributeKey {
        typealias Value = Int
        static let name = "count"
    }

    /// What `/app` answers: a count, and what the request knows of its session.
    private static func configure(_ context: ServletContext) {
        context.addServlet(
            "count",
            ClosureServlet { request in
                let session = try await request.session()
                let count = session.update(Count.self, default: 0) { count in
                    count += 1
                    return count
                }
                return .text("\(count) \(session.isNew) \(session.id.rawValue)")
            }
        ).map("/count")
        context.addServlet(
            "look",
            ClosureServlet { request in
                let isValid = await request.isRequestedSessionIDValid()
                return .text("\(request.requestedSessionID ?? "-") \(request.requestedSessionIDSource?.rawValue ?? "-") \(isValid)")
            }
        ).map("/look")
        context.addServlet("plain", ClosureServlet { _ in .text("plain") }).map("/plain")
        context.addServlet(
            "end",
            ClosureServlet { request in
                try await request.existingSession()?.invalidate()
                return .text(try await request.existingSession() == nil ? "ended" : "alive")
            }
        ).map("/end")
        context.addServlet(
            "renew",
            ClosureServlet { request in
                let old = try await request.session()
                try await old.invalidate()
                return .text(try await request.session().id.rawValue)
            }
        ).map("/renew")
        context.addServlet("rotate", ClosureServlet { request in .text(try await request.session().rotateID().rawValue) }).map("/rotate")
        context.addServlet("encode", ClosureServlet { request in .text(request.encodedURL(request.parameter("url") ?? "")) }).map("/encode")
        context.addServlet(
            "late",
            ClosureServlet { request in
                Response(
                    body: .stream { writer in
                        do {
                            _ = try await request.session()
                            try await writer.write("created")
                        } catch let error as SessionError {
                            try await writer.write("\(error.code) \(error.message)")
                        }
                        return nil
                    }
                )
            }
        ).map("/late")
    }

    private static func context(_ path: String = "/app") -> ContextDefinition { ContextDefinition(path) { Self.configure($0) } }

    private static func cookie(_ ids: String...) -> HeaderFields { [.cookie: ids.map { "JSESSIONID=\($0)" }.joined(separator: "; ")] }

    @Test("A session is made when asked for, announced once, found again, and not new any more")
    func cookieFlow() async throws {
        try await EngineHarness.run(Self.context()) { harness async throws in
            #expect(try await harness.get("/app/plain").headers[.setCookie] == nil)
            let first = try await harness.get("/app/count")
            let id = try #require(first.sessionID)
            #expect(id.count == 32)
            #expect(first.headers[.setCookie] == "JSESSIONID=\(id); Path=/app; HttpOnly")
            #expect(first.text == "1 true \(id)")
            let second = try await harness.get("/app/count", headers: Self.cookie(id))
            #expect(second.text == "2 false \(id)")
            #expect(second.headers[.setCookie] == nil)
            #expect(try await harness.get("/app/look", headers: Self.cookie(id)).text == "\(id) COOKIE true")
        }
    }

    @Test("The cookie is secure on secure connections; the root context's path is a slash")
    func cookieAttributes() async throws {
        try await EngineHarness.run(Self.context("")) { harness async throws in
            let answer = try await harness.get("/count", connection: ConnectionInfo(scheme: "https", isSecure: true))
            #expect(answer.headers[.setCookie]?.hasSuffix("; Path=/; Secure; HttpOnly") == true)
        }
    }

    @Test("Several cookies: the first that names a live session wins, otherwise the last counts as requested")
    func severalCookies() async throws {
        try await EngineHarness.run(Self.context()) { harness async throws in
            let id = try #require(try await harness.get("/app/count").sessionID)
            let other = try #require(try await harness.get("/app/count").sessionID)
            #expect(try await harness.get("/app/count", headers: Self.cookie("BOGUS", id)).text == "2 false \(id)")
            #expect(try await harness.get("/app/count", headers: Self.cookie(id, "BOGUS")).text == "3 false \(id)")
            #expect(try await harness.get("/app/count", headers: Self.cookie("A", other, id)).text == "2 false \(other)")
            #expect(try await harness.get("/app/look", headers: Self.cookie("A", "B")).text == "B COOKIE false")
            let fresh = try await harness.get("/app/count", headers: Self.cookie("A", "B"))
            #expect(fresh.text.hasPrefix("1 true"))
            #expect(fresh.sessionID != "A" && fresh.sessionID != "B")
            var twoFields: HeaderFields = [:]
            twoFields.append(.cookie, "JSESSIONID=BOGUS")
            twoFields.append(.cookie, "x=y; JSESSIONID=\(id)")
            #expect(try await harness.get("/app/count", headers: twoFields).text == "4 false \(id)")
        }
    }

    @Test("Cookies override an id in the URL, even invalid ones")
    func urlIDs() async throws {
        try await EngineHarness.run(Self.context()) { harness async throws in
            let id = try #require(try await harness.get("/app/count").sessionID)
            #expect(try await harness.get("/app/count;jsessionid=\(id)").text == "2 false \(id)")
            #expect(try await harness.get("/app;jsessionid=\(id)/count").text == "3 false \(id)")
            #expect(try await harness.get("/app/look;jsessionid=\(id)").text == "\(id) URL true")
            #expect(try await harness.get("/app/look;jsessionid=\(id)", headers: Self.cookie("BOGUS")).text == "BOGUS COOKIE false")
            #expect(try await harness.get("/app/look;jsessionid=\(id)", headers: [.cookie: "a=b"]).text == "\(id) URL true")
        }
    }

    @Test(
        "An id that a client invented is never adopted",
        arguments: ["0123456789ABCDEF0123456789ABCDEF", "x", "<script>", String(repeating: "A", count: 5000)]
    )
    func inventedIDs(id: String) async throws {
        try await EngineHarness.run(Self.context()) { harness async throws in
            let answer = try await harness.get("/app/count", headers: Self.cookie(id))
            #expect(answer.text.hasPrefix("1 true"))
            #expect(answer.sessionID != nil && answer.sessionID != id)
            let byURL = try await harness.get("/app/count;jsessionid=ABCDEF0123456789ABCDEF0123456789")
            #expect(byURL.sessionID != nil && byURL.sessionID != "ABCDEF0123456789ABCDEF0123456789")
        }
    }

    @Test("After invalidation the next call makes another session")
    func invalidation() async throws {
        try await EngineHarness.run(Self.context()) { harness async throws in
            let id = try #require(try await harness.get("/app/count").sessionID)
            let renewed = try await harness.get("/app/renew", headers: Self.cookie(id))
            #expect(renewed.text != id)
            #expect(renewed.sessionID == renewed.text)
            #expect(try await harness.get("/app/end", headers: Self.cookie(renewed.text)).text == "ended")
            let answer = try await harness.get("/app/count", headers: Self.cookie(renewed.text))
            #expect(answer.text.hasPrefix("1 true"))
            #expect(answer.sessionID != renewed.text)
        }
    }

    @Test("Rotation announces the new id; the old one is unusable")
    func rotation() async throws {
        try await EngineHarness.run(Self.context()) { harness async throws in
            let id = try #require(try await harness.get("/app/count").sessionID)
            let rotated = try await harness.get("/app/rotate", headers: Self.cookie(id))
            #expect(rotated.sessionID == rotated.text)
            #expect(rotated.text != id)
            #expect(try await harness.get("/app/look", headers: Self.cookie(id)).text == "\(id) COOKIE false")
            #expect(try await harness.get("/app/count", headers: Self.cookie(rotated.text)).text == "2 false \(rotated.text)")
            let new = try await harness.get("/app/rotate")
            #expect(new.headers[values: .setCookie].count == 1)
            #expect(new.sessionID == new.text)
        }
    }

    @Test("A request in progress with the old id does not learn the new one")
    func rotationElsewhere() async throws {
        let (started, start) = AsyncStream<Void>.makeStream()
        let (proceeding, proceed) = AsyncStream<Void>.makeStream()
        let context = ContextDefinition("/app") { context in
            Self.configure(context)
            context.addServlet(
                "wait",
                ClosureServlet { request in
                    let session = try await request.session()
                    start.yield()
                    for await _ in proceeding { break }
                    return .text(session.id.rawValue.isEmpty ? "" : "done")
                }
            ).map("/wait")
        }
        try await EngineHarness.run(context) { harness async throws in
            let id = try #require(try await harness.get("/app/count").sessionID)
            async let waiting = harness.get("/app/wait", headers: Self.cookie(id))
            for await _ in started { break }
            let rotated = try await harness.get("/app/rotate", headers: Self.cookie(id))
            #expect(rotated.sessionID != nil)
            proceed.yield()
            let answer = try await waiting
            #expect(answer.text == "done")
            #expect(answer.headers[.setCookie] == nil)
        }
    }

    @Test("A session cannot be created once the response is made")
    func lateCreation() async throws {
        try await EngineHarness.run(Self.context()) { harness async throws in
            let answer = try await harness.get("/app/late")
            #expect(answer.text.hasPrefix("creationForbidden a session cannot be created after the response was made"))
            let id = try #require(try await harness.get("/app/count").sessionID)
            #expect(try await harness.get("/app/late", headers: Self.cookie(id)).text == "created")
        }
    }

    @Test("Without cookies the id travels in URLs only")
    func withoutCookies() async throws {
        var definition = Self.context()
        definition.usesCookies = false
        try await EngineHarness.run(definition) { harness async throws in
            let answer = try await harness.get("/app/count")
            #expect(answer.headers[.setCookie] == nil)
            let id = try #require(answer.text.split(separator: " ").last.map { String($0) })
            #expect(try await harness.get("/app/look", headers: Self.cookie(id)).text == "- - false")
            #expect(try await harness.get("/app/count;jsessionid=\(id)").text == "2 false \(id)")
        }
    }

    @Test("By cookie only, URLs stay as they are")
    func cookiesOnly() async throws {
        var definition = Self.context()
        definition.descriptor.trackingModes = [.cookie]
        try await EngineHarness.run(definition) { harness async throws in
            let id = try #require(try await harness.get("/app/count").sessionID)
            #expect(try await harness.get("/app/look;jsessionid=\(id)").text == "- - false")
            #expect(try await harness.get("/app/encode;jsessionid=\(id)?url=/app/x").text == "/app/x")
        }
    }

    @Test(
        "URLs are encoded if they lead back into the context",
        arguments: [
            ("/app/x", "/app/x;jsessionid=ID"), ("/app", "/app;jsessionid=ID"), ("x", "x;jsessionid=ID"), ("x?a=b", "x;jsessionid=ID?a=b"),
            ("x#f", "x;jsessionid=ID#f"), ("/app/x?a=b#f", "/app/x;jsessionid=ID?a=b#f"), ("#f", "#f"), ("/other", "/other"), ("/apple", "/apple"),
            ("", "/app/encode;jsessionid=ID"), ("?a=b", "/app/encode;jsessionid=ID?a=b"),
            ("http://localhost/app/x", "http://localhost/app/x;jsessionid=ID"),
            ("http://localhost:80/app/x", "http://localhost:80/app/x;jsessionid=ID"),
            ("HTTP://LOCALHOST/app/x", "HTTP://LOCALHOST/app/x;jsessionid=ID"),
            ("https://localhost/app/x", "https://localhost/app/x"), ("http://localhost:81/app/x", "http://localhost:81/app/x"),
            ("http://evil/app/x", "http://evil/app/x"), ("http://localhost@evil/app/x", "http://localhost@evil/app/x"),
            ("http://localhost", "http://localhost"),
            ("//localhost/app/x", "//localhost/app/x;jsessionid=ID"), ("//evil/app/x", "//evil/app/x"), ("mailto:a@b", "mailto:a@b"),
            ("javascript:x", "javascript:x"), ("/app/x;jsessionid=OLD", "/app/x;jsessionid=OLD"),
            ("http://localhost:x/app/", "http://localhost:x/app/"), ("/app/a b", "/app/a b;jsessionid=ID"),
            // Browsers drop white space before URLs and tabs and line ends inside, and take \\ for /: these lead to evil.
            (" //evil/", " //evil/"), ("\n//evil/", "\n//evil/"), ("/\t/evil/", "/\t/evil/"), ("\u{1}//evil/", "\u{1}//evil/"),
            ("\\\\evil/", "\\\\evil/"), ("\\/evil/", "\\/evil/"), ("x\r\ny", "x\r\ny"),
        ]
    )
    func encoding(url: String, expected: String) async throws {
        try await EngineHarness.run(Self.context()) { harness async throws in
            let id = try #require(try await harness.get("/app/count").sessionID)
            let query = url.utf8.map { "%" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            let answer = try await harness.get("/app/encode;jsessionid=\(id)?url=\(query)")
            #expect(answer.text == expected.split(separator: "ID", omittingEmptySubsequences: false).joined(separator: id))
            #expect(try await harness.get("/app/encode?url=\(query)", headers: Self.cookie(id)).text == url)
            #expect(try await harness.get("/app/encode?url=\(query)").text == url)
            #expect(try await harness.get("/app/encode;jsessionid=BOGUS?url=\(query)").text == url)
        }
    }

    @Test(
        "Where the context path has to be encoded, cookie and URLs fit what browsers send",
        arguments: [
            ("/a b", "/a%20b", "/a"), ("/x%20y", "/x%2520y", "/x%20y"), ("/ä", "/%C3%A4", "/a"), ("/a;b", "/a%3Bb", "/a;b"),
            ("/it's/[1]", "/it's/%5B1%5D", "/it's"),
        ]
    )
    func encodedContextPath(path: String, encoded: String, other: String) async throws {
        try await EngineHarness.run(Self.context(path)) { harness async throws in
            let made = try await harness.get("\(encoded)/count")
            let id = try #require(made.sessionID)
            #expect(made.headers[.setCookie] == "JSESSIONID=\(id); Path=\(encoded); HttpOnly")
            func encode(_ url: String) async throws -> String {
                let query = url.utf8.map { "%" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
                return try await harness.get("\(encoded)/encode;jsessionid=\(id)?url=\(query)").text
            }
            #expect(try await encode("\(encoded)/x") == "\(encoded)/x;jsessionid=\(id)")
            #expect(try await encode("x") == "x;jsessionid=\(id)")
            #expect(try await encode("./x/../y?z") == "./x/../y;jsessionid=\(id)?z")
            #expect(try await encode("http://localhost\(encoded)") == "http://localhost\(encoded);jsessionid=\(id)")
            #expect(try await encode("") == "\(encoded)/encode;jsessionid=\(id)")
            for elsewhere in ["\(other)/x", "\(encoded)x/", "../../../x", "\(encoded)/%2e%2e/%2E./x"] {
                #expect(try await encode(elsewhere) == elsewhere)
            }
            #expect(try await harness.get("\(encoded)/count;jsessionid=\(id)").text == "2 false \(id)")
        }
    }

    @Test("In the root context too, what browsers read as another host gets no id", arguments: ["/\\evil/", "/\t/evil/", " //evil/"])
    func encodingInRoot(url: String) async throws {
        try await EngineHarness.run(Self.context("")) { harness async throws in
            let id = try #require(try await harness.get("/count").sessionID)
            let query = url.utf8.map { "%" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            #expect(try await harness.get("/encode;jsessionid=\(id)?url=\(query)").text == url)
            #expect(try await harness.get("/encode;jsessionid=\(id)?url=/x").text == "/x;jsessionid=\(id)")
        }
    }

    @Test("Attributes of the context come before web.xml, before the defaults")
    func precedence() async throws {
        var definition = Self.context()
        var cookie = SessionCookieConfiguration()
        cookie.name = "WEBXML"
        cookie.domain = "webxml.example"
        cookie.path = "/webxml"
        cookie.isHTTPOnly = false
        definition.descriptor.sessionCookie = cookie
        definition.usesHTTPOnly = false
        try await EngineHarness.run(definition) { harness async throws in
            let field = try #require(try await harness.get("/app/count").headers[.setCookie])
            #expect(field.hasPrefix("WEBXML="))
            #expect(field.hasSuffix("; Domain=webxml.example; Path=/webxml"))
            let id = String(field.dropFirst(7).prefix { $0 != ";" })
            #expect(try await harness.get("/app/count;WEBXML=\(id)").text == "2 false \(id)")
        }
        definition.sessionCookieName = "CONTEXT"
        definition.sessionCookieDomain = "context.example"
        definition.sessionCookiePath = "/context"
        definition.sessionCookiePathUsesTrailingSlash = true
        definition.usesHTTPOnly = true
        definition.usesPartitioned = true
        definition.sameSiteCookies = .lax
        try await EngineHarness.run(definition) { harness async throws in
            let field = try #require(try await harness.get("/app/count").headers[.setCookie])
            #expect(field.hasPrefix("CONTEXT="))
            #expect(field.hasSuffix("; Domain=context.example; Path=/context/; HttpOnly; SameSite=Lax; Partitioned"))
        }
        var bare = Self.context()
        bare.usesHTTPOnly = false
        try await EngineHarness.run(bare) { harness async throws in
            #expect(try await harness.get("/app/count").headers[.setCookie]?.hasSuffix("; Path=/app") == true)
        }
    }

    @Test("Contexts with the cookie path / share ids that one of them made")
    func sharedIDs() async throws {
        var one = Self.context("/one")
        one.sessionCookiePath = "/"
        var two = Self.context("/two")
        two.sessionCookiePath = "/"
        let apart = Self.context("/apart")
        try await EngineHarness.run(one, two, apart) { harness async throws in
            let id = try #require(try await harness.get("/one/count").sessionID)
            let second = try await harness.get("/two/count", headers: Self.cookie(id))
            #expect(second.text == "1 true \(id)")
            #expect(second.sessionID == id)
            #expect(try await harness.get("/one/count", headers: Self.cookie(id)).text == "2 false \(id)")
            // The new session of a context takes the id that another context still has.
            #expect(try await harness.get("/one/end", headers: Self.cookie(id)).text == "ended")
            #expect(try await harness.get("/one/count", headers: Self.cookie(id)).text == "1 true \(id)")
            let invented = "0123456789ABCDEF0123456789ABCDEF"
            #expect(try await harness.get("/one/count", headers: Self.cookie(invented)).sessionID != invented)
            #expect(try await harness.get("/two/count;jsessionid=\(id)").text.hasSuffix(id))
            #expect(try await harness.get("/apart/count", headers: Self.cookie(id)).sessionID != id)
        }
        one.validatesClientProvidedNewSessionID = false
        try await EngineHarness.run(one) { harness async throws in
            let invented = "0123456789ABCDEF0123456789ABCDEF"
            #expect(try await harness.get("/one/count", headers: Self.cookie(invented)).text == "1 true \(invented)")
            #expect(try await harness.get("/one/count;jsessionid=ABCDEF0123456789ABCDEF0123456789").sessionID != "ABCDEF0123456789ABCDEF0123456789")
            #expect(try await harness.get("/one/count", headers: Self.cookie("<b>")).sessionID != "<b>")
        }
    }

    @Test("The route is appended to ids")
    func route() async throws {
        try await EngineHarness.run(Self.context(), engine: { $0.jvmRoute = "node1" }) { harness async throws in
            let id = try #require(try await harness.get("/app/count").sessionID)
            #expect(id.hasSuffix(".node1"))
            #expect(try await harness.get("/app/count", headers: Self.cookie(id)).text == "2 false \(id)")
        }
    }

    @Test("The TLS session's id is the session's id where it tracks sessions")
    func tlsTracking() async throws {
        var definition = Self.context()
        definition.descriptor.trackingModes = [.ssl]
        let tls = TLSConnectionInfo(
            protocolVersion: "TLSv1.3",
            cipherSuite: "TLS_AES_128_GCM_SHA256",
            keySize: 128,
            sessionID: .init(hexString: "00ff00ff")
        )
        let connection = ConnectionInfo(scheme: "https", isSecure: true, tls: tls)
        try await EngineHarness.run(definition) { harness async throws in
            let first = try await harness.get("/app/count", connection: connection)
            #expect(first.text == "1 true 00ff00ff")
            #expect(first.headers[.setCookie] == nil)
            #expect(try await harness.get("/app/count", connection: connection).text == "2 false 00ff00ff")
            #expect(try await harness.get("/app/look", connection: connection).text == "00ff00ff SSL true")
        }
    }

    @Test("Two tasks of one request that ask at once get one session")
    func concurrentCreation() async throws {
        let context = ContextDefinition("/app") { context in
            context.addServlet(
                "s",
                ClosureServlet { request in
                    let ids = try await withThrowingTaskGroup(of: String.self) { group in
                        for _ in 0..<8 { group.addTask { try await request.session().id.rawValue } }
                        return try await group.reduce(into: Set<String>()) { $0.insert($1) }
                    }
                    return .text("\(ids.count) \(ids.first ?? "")")
                }
            ).map("/s")
        }
        try await EngineHarness.run(context) { harness async throws in
            let answer = try await harness.get("/app/s")
            #expect(answer.text == "1 \(answer.sessionID ?? "")")
            let manager = try #require(harness.engine.hosts[0].contexts[0].sessionManager)
            #expect(manager.statistics.activeSessions == 1)
        }
    }

    @Test("Policies: read-only creates none, forbidden sees none")
    func policies() async throws {
        let context = ContextDefinition("/app") { context in
            Self.configure(context)
            context.addFilter(
                "p",
                ClosureFilter { request, next in
                    guard let policy = request.parameter("policy") else { return try await next(request) }
                    return try await next(request.with(sessionPolicy: policy == "readOnly" ? .readOnly : .forbidden))
                }
            ).map("/*")
        }
        try await EngineHarness.run(context) { harness async throws in
            let id = try #require(try await harness.get("/app/count").sessionID)
            #expect(try await harness.get("/app/count?policy=readOnly").status == 500)
            #expect(try await harness.get("/app/count?policy=forbidden", headers: Self.cookie(id)).status == 500)
            #expect(try await harness.get("/app/end?policy=forbidden", headers: Self.cookie(id)).text == "ended")
            #expect(try await harness.get("/app/count", headers: Self.cookie(id)).text == "2 false \(id)")
        }
    }
}
