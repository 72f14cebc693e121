import Logging
import ServalServlet
import Synchronization
import Testing

@testable import ServalContainer

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

@Suite("Access log")
struct AccessLogTests {
    private enum Name: SessionAttributeKey {
        typealias Value = String
        static let name = "name"
    }

    private static let connection = ConnectionInfo(remoteAddress: "192.0.2.7", remotePort: 5555, localAddress: "192.0.2.1", localPort: 8080)

    private static func context() -> ContextDefinition {
        ContextDefinition("/app") { context in
            context.addServlet(
                "s",
                ClosureServlet { request in
                    let session = try await request.session()
                    session[Name.self] = "Jo \"x\"\ny"
                    request[RequestAttributeKey<String>("colour")] = "red"
                    request.authentication = Authentication(principal: Principal(name: "jo"), type: "CLIENT_CERT")
                    var response = Response.text("12345")
                    response.headers[.server] = "me"
                    return response
                }
            ).map("/s")
            context.addServlet("empty", ClosureServlet { _ in Response(.noContent) }).map("/empty")
        }
    }

    /// The lines that requests leave behind.
    private func lines(
        _ pattern: String,
        _ configure: (inout AccessLogValve.Configuration) -> Void = { _ in },
        _ requests: (EngineHarness) async throws -> Void
    ) async throws -> [String] {
        let folder = try TemporaryFolder()
        var configuration = AccessLogValve.Configuration()
        configuration.directory = folder.path + "/made/logs"
        configuration.rotatable = false
        configuration.suffix = ".txt"
        configuration.pattern = pattern
        configure(&configuration)
        let valve = try AccessLogValve(configuration, logger: LogRecorder().logger)
        try await EngineHarness.run(Self.context(), host: { $0.valves = [valve] }, body: requests)
        let text = try #require(folder.read("made/logs/access_log.txt"))
        #expect(text.isEmpty || text.hasSuffix("\n"))
        return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map { String($0) }
    }

    @Test(
        "Every code writes its part",
        arguments: [
            ("%a", "192.0.2.7"), ("%{remote}a", "192.0.2.7"), ("%{peer}a", "192.0.2.7"), ("%A", "192.0.2.1"), ("%b", "5"), ("%B", "5"),
            ("%D", "1500"),
            ("%h", "192.0.2.7"), ("%H", "HTTP/1.1"), ("%I", "-"), ("%l", "-"), ("%m", "GET"), ("%p", "8080"), ("%{local}p", "8080"),
            ("%{remote}p", "5555"),
            ("%{canonical}p", "81"), ("%q", "?a=b&c"), ("%r", "GET /app/s?a=b&c HTTP/1.1"), ("%s", "200"), ("%T", "0"), ("%{ms}T", "1"),
            ("%{us}T", "1500"),
            ("%{ns}T", "1500000"), ("%{s}T", "0"), ("%{fracsec}T", "0.001"), ("%u", "jo"), ("%U", "/app/s"), ("%v", "localhost"), ("%X", "+"),
            ("%{User-Agent}i", "curl \\\"8\\\""), ("%{X-None}i", "-"), ("%{Server}o", "me"), ("%{X-None}o", "-"), ("%{a}c", "1"), ("%{b}c", "-"),
            ("%{colour}r", "red"), ("%{none}r", "-"), ("%{name}s", "Jo \\\"x\\\"\\ny"), ("%{none}s", "-"), ("a%%b", "a%b"), ("x %s y", "x 200 y"),
            ("common", "192.0.2.7 - jo DATE \"GET /app/s?a=b&c HTTP/1.1\" 200 5"),
            ("combined", "192.0.2.7 - jo DATE \"GET /app/s?a=b&c HTTP/1.1\" 200 5 \"-\" \"curl \\\"8\\\"\""),
        ]
    )
    func codes(pattern: String, expected: String) async throws {
        let lines = try await self.lines(pattern) { harness async throws in
            _ = try await harness.get(
                "/app/s?a=b&c",
                headers: [.host: "localhost:81", .userAgent: "curl \"8\"", .cookie: "a=1"],
                connection: Self.connection
            )
        }
        #expect(lines.count == 1)
        var line = try #require(lines.first)
        if let start = line.firstIndex(of: "["), let end = line.firstIndex(of: "]") {
            let date = line[start...end]
            #expect(date.wholeMatch(of: /\[\d\d\/[A-Z][a-z][a-z]\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]/) != nil)
            line.replaceSubrange(start...end, with: "DATE")
        }
        #expect(line == expected)
    }

    @Test("No body is a dash for %b and 0 for %B; no query is nothing; status of the response")
    func emptyValues() async throws {
        let lines = try await self.lines("%b|%B|%q|%s|%u|%S") { harness async throws in
            _ = try await harness.get("/app/empty")
            _ = try await harness.get("/app/none")
        }
        #expect(lines.count == 2)
        #expect(lines[0] == "-|0||204|-|-")
        #expect(lines[1].hasSuffix("||404|-|-"))
    }

    @Test("Broken and closing connections show")
    func connectionStatus() async throws {
        let lines = try await self.lines("%X %s") { harness async throws in
            _ = try await harness.get("/app/empty", headers: [.connection: "close"])
            let request = Request(method: .get, target: "/app/empty", headers: [.host: "localhost"], connection: Self.connection)
            _ = await harness.engine.respond(to: request)
            request.state.complete(RequestCompletion(status: 0, bodyBytes: 0, nanoseconds: 1, isComplete: false))
        }
        #expect(lines == ["- 204", "X 204"])
    }

    @Test("Times: milliseconds, seconds, begin and end, formats of Java and of strftime")
    func times() async throws {
        let before = Int64(WallClock.nanoseconds / 1_000_000_000)
        let pattern =
            "%{sec}t %{begin:sec}t %{msec}t %{msec_frac}t %{usec_frac}t %{begin:msec}t %{end:yyyy-MM-dd'T'HH:mm:ss.SSSXXX}t %{%s %Y}t %{begin}t"
        let lines = try await self.lines(pattern) { harness async throws in
            let request = Request(method: .get, target: "/app/empty", headers: [.host: "localhost"], connection: Self.connection)
            _ = try await harness.send(request, nanoseconds: 10_000_000_000)
        }
        let after = Int64(WallClock.nanoseconds / 1_000_000_000)
        let parts = try #require(lines.first).split(separator: " ")
        let second = try #require(Int64(parts[0]))
        #expect((before...after).contains(second))
        #expect(Int64(parts[1]) == second - 10)
        #expect(Int64(parts[2]).map { $0 / 1000 } == second)
        #expect(parts[3].count == 3)
        #expect(parts[4].count == 6)
        #expect(Int64(parts[5]).map { $0 / 1000 } == second - 10)
        #expect(parts[6].wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:\d\d)/) != nil)
        #expect(Int64(parts[7]) == second)
        #expect(parts[8].count == 4)
        #expect(parts[9].hasPrefix("["))
    }

    @Test("Session ids are written as digests, unless asked for")
    func sessionIDs() async throws {
        let id = Mutex("")
        func requests(_ harness: EngineHarness) async throws {
            let first = try #require(try await harness.get("/app/s").sessionID)
            id.withLock { $0 = first }
            _ = try await harness.get("/app/s;jsessionid=\(first)/;unrelated=1", headers: [:])
            _ = try await harness.get("/app/s", headers: [.cookie: "JSESSIONID=\(first)"])
        }
        let lines = try await self.lines("%S %r %U %{JSESSIONID}c", { _ in }, requests)
        let secret = id.withLock { $0 }
        #expect(lines.count == 3)
        #expect(!lines.joined().contains(secret))
        #expect(lines.allSatisfy { $0.hasPrefix("#") })
        #expect(lines[1].contains("/app/s;jsessionid=#"))
        #expect(lines[1].contains("/;unrelated=1"))
        let digest = lines[0].prefix { $0 != " " }
        #expect(lines[2].hasPrefix(digest))
        #expect(lines[2].hasSuffix(" \(digest)"))
        let open = try await self.lines("%S %r %{JSESSIONID}c", { $0.writesSessionIDs = true }, requests)
        #expect(open[0].hasPrefix(id.withLock { $0 }))
        #expect(open[1].contains(";jsessionid=\(id.withLock { $0 })"))
        #expect(open[2].hasSuffix(" \(id.withLock { $0 })"))
    }

    @Test("Nothing that a client sends begins a line or ends a field")
    func injection() async throws {
        let lines = try await self.lines("\"%r\" \"%{User-Agent}i\" \"%{a}c\"") { harness async throws in
            _ = try await harness.get(
                "/app/empty?x=\"\r\n1.2.3.4 - - fake\u{7F}\u{0}\u{E4}",
                headers: [.userAgent: "a\r\nb\u{85}\u{2028}\u{1B}[31m\"\\ä", .cookie: "a=b"]
            )
        }
        #expect(
            lines == [
                #""GET /app/empty?x=\"\r\n1.2.3.4 - - fake\x7f\x00\xc3\xa4 HTTP/1.1" "a\r\nb\xc2\x85\xe2\x80\xa8\x1b[31m\"\\ä" "b""#
            ]
        )
    }

    @Test("Conditions leave lines out")
    func conditions() async throws {
        func requests(_ harness: EngineHarness) async throws {
            _ = try await harness.get("/app/s")
            _ = try await harness.get("/app/empty")
        }
        #expect(try await self.lines("%U", { $0.conditionUnless = "colour" }, requests) == ["/app/empty"])
        #expect(try await self.lines("%U", { $0.conditionIf = "colour" }, requests) == ["/app/s"])
    }

    @Test("Attributes of a RemoteIpValve count where asked for")
    func requestAttributes() async throws {
        let context = ContextDefinition("/app") { context in
            context.addServlet(
                "s",
                ClosureServlet { request in
                    request[RequestAttributeKey<String>("org.apache.catalina.AccessLog.RemoteAddr")] = "203.0.113.5"
                    return .text("")
                }
            ).map("/s")
        }
        for isEnabled in [true, false] {
            let folder = try TemporaryFolder()
            var configuration = AccessLogValve.Configuration()
            configuration.directory = folder.path
            configuration.rotatable = false
            configuration.pattern = "%a %h"
            configuration.requestAttributesEnabled = isEnabled
            let valve = try AccessLogValve(configuration, logger: LogRecorder().logger)
            try await EngineHarness.run(context, host: { $0.valves = [valve] }) { harness async throws in
                _ = try await harness.get("/app/s", connection: Self.connection)
            }
            #expect(folder.read("access_log") == (isEnabled ? "203.0.113.5 203.0.113.5\n" : "192.0.2.7 192.0.2.7\n"))
        }
    }

    @Test(
        "Patterns and date formats that cannot be read are refused",
        arguments: ["%", "%z", "%{a}z", "%{a", "%{a b}i", "%{x}p", "%{x}T", "%{QQQ}t", "%{%Q}t"]
    )
    func badPatterns(pattern: String) {
        var configuration = AccessLogValve.Configuration()
        configuration.pattern = pattern
        #expect(throws: ConfigurationError(code: .invalidValue, message: "")) { try AccessLogValve(configuration, logger: LogRecorder().logger) }
    }

    // MARK: Files

    private func file(_ folder: TemporaryFolder, clock: @escaping @Sendable () -> Int64, _ configure: (inout AccessLogValve.Configuration) -> Void)
        throws -> AccessLogFile
    {
        var configuration = AccessLogValve.Configuration()
        configuration.directory = folder.path
        configuration.prefix = "log"
        configuration.suffix = ".txt"
        configure(&configuration)
        return try AccessLogFile(configuration, clock: clock)
    }

    @Test("A new file begins when the date changes")
    func rotation() throws {
        let folder = try TemporaryFolder()
        let time = Mutex<Int64>(1_700_000_000_000)
        let format = try DateFormat(".yyyy-MM-dd")
        var file = try self.file(folder, clock: { time.withLock { $0 } }) { _ in }
        #expect(file.write(Array("one\n".utf8)) == nil)
        let first = "log" + format.text(time.withLock { $0 }) + ".txt"
        time.withLock { $0 += 86_400_000 }
        let second = "log" + format.text(time.withLock { $0 }) + ".txt"
        #expect(file.write(Array("two\n".utf8)) == nil)
        #expect(file.write(Array("three\n".utf8)) == nil)
        #expect(folder.names == [first, second])
        #expect(folder.read(first) == "one\n")
        #expect(folder.read(second) == "two\nthree\n")
        var again = try self.file(folder, clock: { time.withLock { $0 } }) { _ in }
        #expect(again.write(Array("four\n".utf8)) == nil)
        #expect(folder.read(second) == "two\nthree\nfour\n")
    }

    @Test("With renameOnRotate the current file has no date")
    func renameOnRotate() throws {
        let folder = try TemporaryFolder()
        let time = Mutex<Int64>(1_700_000_000_000)
        let format = try DateFormat(".yyyy-MM-dd")
        var file = try self.file(folder, clock: { time.withLock { $0 } }) { $0.renameOnRotate = true }
        #expect(file.write(Array("one\n".utf8)) == nil)
        #expect(folder.names == ["log.txt"])
        let old = "log" + format.text(time.withLock { $0 }) + ".txt"
        time.withLock { $0 += 86_400_000 }
        #expect(file.write(Array("two\n".utf8)) == nil)
        #expect(folder.read(old) == "one\n")
        #expect(folder.read("log.txt") == "two\n")
    }

    @Test("Old files of the log are deleted, others are left alone")
    func maxDays() throws {
        let folder = try TemporaryFolder()
        let now: Int64 = 1_700_000_000
        for (name, age) in [("log.2023-01-01.txt", 5), ("log.2023-11-13.txt", 1), ("logbook.txt", 9), ("other.2023-01-01.txt", 9), ("log.txt", 9)] {
            try folder.write(name, "x")
            folder.setModified(name, seconds: Int(now) - age * 86400)
        }
        var file = try self.file(folder, clock: { now * 1000 }) { $0.maxDays = 3 }
        #expect(file.write([]) == nil)
        #expect(Set(["log.2023-11-13.txt", "logbook.txt", "other.2023-01-01.txt", "log.txt"]).isSubset(of: folder.names))
        #expect(!folder.names.contains("log.2023-01-01.txt"))
    }

    @Test("A file that was moved away is opened anew with checkExists, or when told to")
    func reopening() async throws {
        let folder = try TemporaryFolder()
        var file = try self.file(folder, clock: { 0 }) {
            $0.rotatable = false
            $0.checkExists = true
        }
        #expect(file.write(Array("one\n".utf8)) == nil)
        rename(folder.path + "/log.txt", folder.path + "/moved")
        #expect(file.write(Array("two\n".utf8)) == nil)
        #expect(folder.read("moved") == "one\n")
        #expect(folder.read("log.txt") == "two\n")

        var configuration = AccessLogValve.Configuration()
        configuration.directory = folder.path
        configuration.prefix = "valve"
        configuration.rotatable = false
        configuration.pattern = "%U"
        let valve = try AccessLogValve(configuration, logger: LogRecorder().logger)
        try await EngineHarness.run(Self.context(), host: { $0.valves = [valve] }) { harness async throws in
            _ = try await harness.get("/app/empty")
            await valve.flush()
            rename(folder.path + "/valve", folder.path + "/valve.1")
            valve.reopen()
            _ = try await harness.get("/app/empty")
        }
        #expect(folder.read("valve.1") == "/app/empty\n")
        #expect(folder.read("valve") == "/app/empty\n")
    }

    @Test("A log that cannot be written is told to the server's log; requests go on")
    func unwritable() async throws {
        let folder = try TemporaryFolder()
        try folder.write("file", "x")
        var configuration = AccessLogValve.Configuration()
        configuration.directory = folder.path + "/file"
        let log = LogRecorder()
        let valve = try AccessLogValve(configuration, logger: log.logger)
        try await EngineHarness.run(Self.context(), host: { $0.valves = [valve] }) { harness async throws in
            #expect(try await harness.get("/app/empty").status == 204)
        }
        #expect(log.text.contains("cannot be opened"))
        #expect(log.count(of: "access log") == 1)
    }

    @Test("Lines over the buffer's limit are dropped and counted")
    func overflow() async throws {
        let folder = try TemporaryFolder()
        let log = LogRecorder()
        let file = try self.file(folder, clock: { 0 }) { $0.rotatable = false }
        let writer = AccessLogWriter(file: file, isBuffered: true, logger: log.logger, bufferLimit: 10)
        for _ in 0..<5 { writer.append { buffer, _ in buffer += "12345\n".utf8 } }
        #expect(writer.droppedLines == 3)
        await writer.flush()
        #expect(folder.read("log.txt") == "12345\n12345\n")
        #expect(log.text.contains("3 lines were dropped"))
        #expect(writer.droppedLines == 0)
        await writer.stop()
    }

    @Test("Many requests at once leave whole lines, without waiting for a buffer")
    func concurrency() async throws {
        let lines = try await self.lines("%U %s", { $0.buffered = false }) { harness async throws in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<200 { group.addTask { _ = try await harness.get("/app/empty") } }
                try await group.waitForAll()
            }
        }
        #expect(lines.count == 200)
        #expect(lines.allSatisfy { $0 == "/app/empty 204" })
    }

    @Test(
        "Dates before and after 1970 are those of the calendar",
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (-1, "Wed, 31 Dec 1969 23:59:59 GMT"), (4_102_444_799, "Thu, 31 Dec 2099 23:59:59 GMT"),
        ]
    )
    func dates(seconds: Int, text: String) {
        #expect(HTTPDate.text(seconds) == text)
        #expect(HTTPDate.seconds(text) == seconds)
    }

    @Test("Obsolete date formats are read, nonsense is not")
    func obsoleteDates() {
        #expect(HTTPDate.seconds("Sunday, 06-Nov-94 08:49:37 GMT") == 784_111_777)
        #expect(HTTPDate.seconds("Sun Nov  6 08:49:37 1994") == 784_111_777)
        for text in [
            "", "x", "Sun, 06 Nov 1994 08:49:37", "Sun, 99 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT",
            "Sun, 06 Nov 99999999999999 08:49:37 GMT",
        ] {
            #expect(HTTPDate.seconds(text) == nil)
        }
    }
}
