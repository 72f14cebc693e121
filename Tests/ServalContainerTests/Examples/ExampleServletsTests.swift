import ServalContainer
import ServalExamples
import ServalServlet
import Testing

@Suite("The examples application")
struct ExampleServletsTests {
    private func run(_ body: (EngineHarness) async throws -> Void) async throws {
        var context = ContextDefinition(path: "/examples")
        context.application = ExampleServlets.application()
        try await EngineHarness.run(context, body: body)
    }

    private static func cookie(_ id: String) -> HeaderFields { [.cookie: "JSESSIONID=\(id)"] }

    @Test("Every class name makes a servlet, once")
    func classNames() {
        #expect(Set(ExampleServlets.all.map(\.className)).count == ExampleServlets.all.count)
        #expect(ExampleServlets.all.allSatisfy { $0.className.hasPrefix("serval.examples.") && $0.className.hasSuffix("Servlet") })
        #expect(ExampleServlets.all.first { $0.className == "serval.examples.BlockingServlet" }?.make() is any BlockingServlet)
    }

    @Test("plain, bytes and echo")
    func plain() async throws {
        try await self.run { harness async throws in
            let plain = try await harness.get("/examples/plain")
            #expect(plain.text == "Hello, world!")
            #expect(plain.body.count == 13)
            #expect(plain.headers[.contentType]?.hasPrefix("text/plain") == true)
            #expect(plain.headers[.setCookie] == nil)
            for count in [0, 1, 65_536, 65_537, 1_000_000] { #expect(try await harness.get("/examples/bytes?n=\(count)").body.count == count) }
            for number in ["-1", "x", "99999999999999999999"] { #expect(try await harness.get("/examples/bytes?n=\(number)").status == 400) }
            let body = [UInt8](0...255)
            let echo = try await harness.send(.post, "/examples/echo", headers: [.contentType: "image/png"], body: .bytes(body))
            #expect(echo.body == body)
            #expect(echo.headers[.contentType] == "image/png")
            let get = try await harness.get("/examples/echo")
            #expect(get.status == 405)
            #expect(get.headers[.allow] == "POST, OPTIONS")
        }
    }

    @Test("echo sends a piece before it reads the next one")
    func streamedEcho() async throws {
        try await self.run { harness async throws in
            let (pieces, feed) = AsyncThrowingStream<ArraySlice<UInt8>, any Error>.makeStream()
            for piece in ["one ", "two ", "three"] { feed.yield(Array(piece.utf8)[...]) }
            feed.finish()
            #expect(try await harness.send(.post, "/examples/echo", body: .stream(pieces)).text == "one two three")
        }
    }

    @Test("session counts, tells, sets the idle time and ends; lookup never makes one")
    func sessions() async throws {
        try await self.run { harness async throws in
            let lookup = try await harness.get("/examples/lookup")
            #expect(lookup.text == "none")
            #expect(lookup.headers[.setCookie] == nil)
            let first = try await harness.get("/examples/session")
            #expect(first.text == "1")
            let id = try #require(first.sessionID)
            #expect(try await harness.get("/examples/session", headers: Self.cookie(id)).text == "2")
            #expect(try await harness.get("/examples/lookup", headers: Self.cookie(id)).text == "2")
            let json = try await harness.get("/examples/session?json=true&timeout=77", headers: Self.cookie(id))
            #expect(json.headers[.contentType] == "application/json")
            let pattern = /\{"id":"[0-9A-F]{32}","isNew":false,"count":3,"creationTime":\d{13},"lastAccessedTime":\d{13},"maxInactiveInterval":77\}/
            #expect(json.text.wholeMatch(of: pattern) != nil)
            #expect(try await harness.get("/examples/session?timeout=x", headers: Self.cookie(id)).status == 400)
            #expect(
                try await harness.get("/examples/session?json=true&timeout=-1", headers: Self.cookie(id)).text.contains("\"maxInactiveInterval\":-1")
            )
            #expect(try await harness.get("/examples/session?invalidate=true", headers: Self.cookie(id)).status == 200)
            #expect(try await harness.get("/examples/lookup", headers: Self.cookie(id)).text == "none")
            #expect(try await harness.get("/examples/session?json=true").text.contains("\"isNew\":true,\"count\":1,"))
        }
    }

    @Test("encode gives the URL with the id where it is needed")
    func encode() async throws {
        try await self.run { harness async throws in
            let id = try #require(try await harness.get("/examples/session").sessionID)
            #expect(try await harness.get("/examples/encode?url=/examples/x").text == "/examples/x")
            #expect(try await harness.get("/examples/encode;jsessionid=\(id)?url=/examples/x%3Fa").text == "/examples/x;jsessionid=\(id)?a")
            #expect(try await harness.get("/examples/encode?url=/examples/x", headers: Self.cookie(id)).text == "/examples/x")
            #expect(try await harness.get("/examples/encode").status == 400)
        }
    }

    @Test("headers tells what the server understood, as JSON that no HTML hides in")
    func headers() async throws {
        try await self.run { harness async throws in
            var fields: HeaderFields = [.host: "localhost:81"]
            fields.append(.accept, "a")
            fields.append(.accept, "\"b\" <i>\u{1}\u{2028}")
            fields.append(.cookie, "c=1; JSESSIONID=nonsense")
            let answer = try await harness.get("/examples/headers/x%20y;p=1/z?a=1&a=2&b", headers: fields)
            let parts = [
                #"{"method":"GET","uri":"/examples/headers/x%20y;p=1/z","query":"a=1&a=2&b","protocol":"HTTP/1.1","scheme":"http","secure":false,"#,
                #""serverName":"localhost","serverPort":81,"remoteAddress":"127.0.0.1","contextPath":"/examples","servletPath":"/headers","pathInfo":"/x y/z","#,
                #""headers":{"Host":["localhost:81"],"Accept":["a","\"b\" \u003ci>\u0001\u2028"],"Cookie":["c=1; JSESSIONID=nonsense"]},"#,
                #""parameters":{"a":["1","2"],"b":[""]},"cookies":{"c":["1"],"JSESSIONID":["nonsense"]},"#,
                #""requestedSessionId":"nonsense","requestedSessionIdFrom":"cookie","requestedSessionIdValid":false}"#,
            ]
            #expect(answer.text == parts.joined())
            let bare = try await harness.get("/examples/headers")
            #expect(bare.text.contains(#""query":null"#))
            #expect(bare.text.contains(#""pathInfo":null"#))
            #expect(bare.text.contains(#""requestedSessionId":null,"requestedSessionIdFrom":null,"requestedSessionIdValid":false"#))
            let id = try #require(try await harness.get("/examples/session").sessionID)
            #expect(
                try await harness.get("/examples/headers;jsessionid=\(id)").text.contains(
                    #""requestedSessionIdFrom":"url","requestedSessionIdValid":true"#
                )
            )
            let form = try await harness.send(
                .post,
                "/examples/headers?q=1",
                headers: [.contentType: "application/x-www-form-urlencoded"],
                body: .bytes(Array("f=2".utf8))
            )
            #expect(form.text.contains(#""parameters":{"q":["1"],"f":["2"]}"#))
        }
    }

    @Test("tls tells what TLS says, null where there is none")
    func tls() async throws {
        try await self.run { harness async throws in
            let plain = try await harness.get("/examples/tls")
            let nothing = #"{"scheme":"http","secure":false,"protocol":null,"cipher":null,"keySize":null,"sslSessionId":null,"trackingId":null,"#
            #expect(plain.text == nothing + #""resumed":null,"sni":null,"clientSubject":null,"clientIssuer":null}"#)
            let info = TLSConnectionInfo(
                protocolVersion: "TLSv1.3",
                cipherSuite: "TLS_AES_128_GCM_SHA256",
                keySize: 128,
                serverName: "a.example",
                isResumed: true,
                sessionID: .init(hexString: "00ff")
            )
            let answer = try await harness.get("/examples/tls", connection: ConnectionInfo(scheme: "https", isSecure: true, tls: info))
            let facts =
                #"{"scheme":"https","secure":true,"protocol":"TLSv1.3","cipher":"TLS_AES_128_GCM_SHA256","keySize":128,"sslSessionId":"00ff","#
            #expect(answer.text == facts + #""trackingId":"00ff","resumed":true,"sni":"a.example","clientSubject":null,"clientIssuer":null}"#)
        }
    }

    @Test("The pages: attributes, tracking, signing in and out, no session")
    func pages() async throws {
        try await self.run { harness async throws in
            func post(_ page: String, _ form: String, _ id: String?) async throws -> Answer {
                var fields: HeaderFields = [.contentType: "application/x-www-form-urlencoded"]
                fields[.cookie] = id.map { "JSESSIONID=\($0)" }
                return try await harness.send(.post, "/examples/sessions/\(page)", headers: fields, body: .bytes(Array(form.utf8)))
            }
            #expect(try await harness.get("/examples/sessions").headers[.location] == "/examples/sessions/")
            let index = try await harness.get("/examples/sessions/")
            #expect(index.status == 200)
            #expect(index.headers[.setCookie] == nil)
            #expect(index.headers[.cacheControl] == "no-store")
            #expect(try await harness.get("/examples/sessions/nowhere").status == 404)

            let added = try await post("attributes", "name=%3Cb%3E&value=%22x%22&action=add", nil)
            #expect(added.status == 303)
            let id = try #require(added.sessionID)
            // Whether the client takes cookies is not known yet.
            #expect(added.headers[.location] == "/examples/sessions/attributes;jsessionid=\(id)")
            let listed = try await harness.get("/examples/sessions/attributes", headers: Self.cookie(id)).text
            #expect(listed.contains("<td>&lt;b&gt;</td><td>&quot;x&quot;</td>"))
            #expect(try await post("attributes", "name=%3Cb%3E&action=remove", id).headers[.location] == "/examples/sessions/attributes")
            #expect(try await !harness.get("/examples/sessions/attributes", headers: Self.cookie(id)).text.contains("&lt;b&gt;"))
            #expect(try await post("attributes", "name=", id).status == 400)
            #expect(try await post("attributes", "name=\(String(repeating: "n", count: 65))", id).status == 400)
            for index in 0..<20 { #expect(try await post("attributes", "name=n\(index)", id).status == 303) }
            #expect(try await post("attributes", "name=n20", id).status == 400)

            #expect(try await harness.get("/examples/sessions/tracking").text.contains("/examples/sessions/tracking;jsessionid="))
            #expect(try await !harness.get("/examples/sessions/tracking", headers: Self.cookie(id)).text.contains("jsessionid"))
            #expect(try await harness.get("/examples/sessions/tracking;jsessionid=\(id)").text.contains("named it by URL"))

            let signedIn = try await post("sign-in", "user=Jo%3Ci%3E", id)
            let newID = try #require(signedIn.sessionID)
            #expect(newID != id)
            #expect(try await harness.get("/examples/sessions/sign-in", headers: Self.cookie(newID)).text.contains("Jo&lt;i&gt;"))
            #expect(try await harness.get("/examples/sessions/sign-in", headers: Self.cookie(id)).text.contains("Nobody"))
            #expect(try await post("sign-out", "", newID).status == 303)
            #expect(try await harness.get("/examples/sessions/sign-in", headers: Self.cookie(newID)).text.contains("Nobody"))

            let none = try await harness.get("/examples/sessions/none", headers: Self.cookie(id))
            #expect(none.text.contains("it sees none"))
            #expect(none.headers[.setCookie] == nil)
        }
    }

    @Test("slow and blocking wait")
    func waiting() async throws {
        try await self.run { harness async throws in
            for (name, text) in [("slow", "waited 30 ms\n"), ("blocking", "blocked 30 ms\n")] {
                let start = ContinuousClock.now
                #expect(try await harness.get("/examples/\(name)?ms=30").text == text)
                #expect(start.duration(to: .now) >= .milliseconds(30))
            }
            #expect(try await harness.get("/examples/slow?ms=-1").status == 400)
            #expect(try await harness.get("/examples/blocking?ms=600001").status == 400)
        }
    }
}
