import ServalServlet
import Testing

@testable import ServalContainer

/// Session ids do not get into the access log, whatever cookies and parameters are called.
@Suite("Session ids in the access log")
struct AccessLogRedactionTests {
    private func line(
        _ pattern: String,
        writesIDs: Bool = false,
        _ request: (EngineHarness, _ id: String) async throws -> Void
    ) async throws -> (String, String) {
        let folder = try TemporaryFolder()
        var configuration = AccessLogValve.Configuration()
        configuration.directory = folder.path
        configuration.rotatable = false
        configuration.pattern = pattern
        configuration.conditionUnless = "quiet"
        configuration.writesSessionIDs = writesIDs
        var context = ContextDefinition("/app") { context in
            context.addServlet(
                "make",
                ClosureServlet { request in
                    request[RequestAttributeKey<String>("quiet")] = "yes"
                    return .text(try await request.session().id.rawValue)
                }
            ).map("/make")
            context.addServlet(
                "rotate",
                ClosureServlet { request in
                    var response = Response.redirect(to: "/app/next;TESTSID=\(try await request.session().id.rawValue)?unrelated=1")
                    response.addCookie(Cookie(name: "other", value: "seen"))
                    return response
                }
            ).map("/rotate")
        }
        context.sessionCookieName = "TESTSID"
        let valve = try AccessLogValve(configuration, logger: LogRecorder().logger)
        var id = ""
        try await EngineHarness.run(context, host: { $0.valves = [valve] }) { harness async throws in
            id = try await harness.get("/app/make").text
            try await request(harness, id)
        }
        let text = try #require(folder.read("access_log"))
        return (String(text.dropLast()), id)
    }

    private static let pattern = "%r|%U|%q|%{Referer}i|%{Cookie}i|%{TESTSID}c|%{Location}o|%{User-Agent}i"

    @Test("Targets, queries, Referer, Cookie and Location have digests in place of ids")
    func ownName() async throws {
        let (line, id) = try await self.line(Self.pattern) { harness, id async throws in
            let headers: HeaderFields = [
                .referer: "http://localhost/app/a;TESTSID=\(id)?b=c", .cookie: "a=b; TESTSID=\(id); JSESSIONID=\"\(id)\"; JSESSIONIDSSO=\(id); c=d",
                .userAgent: "x/1 (a; b=c)",
            ]
            _ = try await harness.get("/app/rotate;TESTSID=\(id)/;q=1?back=/a;testsid=\(id)", headers: headers)
        }
        #expect(!line.contains(id), "\(line)")
        let digest = AccessLogRedaction.digest(of: SessionID(rawValue: id))
        let parts = line.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
        #expect(
            parts == [
                "GET /app/rotate;TESTSID=\(digest)/;q=1?back=/a;testsid=\(digest) HTTP/1.1", "/app/rotate;TESTSID=\(digest)/;q=1",
                "?back=/a;testsid=\(digest)", "http://localhost/app/a;TESTSID=\(digest)?b=c",
                "a=b; TESTSID=\(digest); JSESSIONID=\\\"\(digest)\\\"; JSESSIONIDSSO=\(digest); c=d", digest, "-", "x/1 (a; b=c)",
            ]
        )
    }

    @Test("Fields of the response have digests, too")
    func responses() async throws {
        let (line, id) = try await self.line("%s %{Location}o %{Set-Cookie}o") { harness, id async throws in
            _ = try await harness.get("/app/rotate", headers: [.cookie: "TESTSID=\(id)"])
        }
        let digest = AccessLogRedaction.digest(of: SessionID(rawValue: id))
        #expect(line == "302 /app/next;TESTSID=\(digest)?unrelated=1 other=seen", "\(line)")
    }

    @Test("Who asks for ids gets them")
    func open() async throws {
        let (line, id) = try await self.line(Self.pattern, writesIDs: true) { harness, id async throws in
            _ = try await harness.get("/app/make2;TESTSID=\(id)", headers: [.cookie: "TESTSID=\(id)"])
        }
        #expect(line.hasPrefix("GET /app/make2;TESTSID=\(id) HTTP/1.1|") && line.contains("|TESTSID=\(id)|\(id)|"))
    }

    @Test("Names of single sign-on cookies count as well")
    func signOn() throws {
        var configuration = SingleSignOnValve.Configuration()
        configuration.cookieName = "TESTSSO"
        _ = try SingleSignOnValve(configuration)
        #expect(AccessLogRedaction.isSecret("TESTSSO") && !AccessLogRedaction.isSecret("TESTS"))
    }
}
