import Foundation
import HTTPTypes
import ServalServlet
import Synchronization
import Testing

@testable import ServalHTTP

@Suite("Responses")
struct ResponseTests {
    @Test("have a body only where HTTP has one")
    func bodiless() async throws {
        try await withConnector { _, port in
            try await blocking {
                let client = try RawClient(port: port)
                let head = try client.exchange("HEAD /plain HTTP/1.1\r\nHost: h\r\n\r\n", toHead: true)
                #expect(head.value("Content-Length") == "13")
                let stream = try client.exchange("HEAD /echo HTTP/1.1\r\nHost: h\r\n\r\n", toHead: true)
                #expect(stream.values("Transfer-Encoding").isEmpty && stream.values("Content-Length").isEmpty)
                let large = try client.exchange("HEAD /bytes?n=1000000 HTTP/1.1\r\nHost: h\r\n\r\n", toHead: true)
                #expect(large.value("Content-Length") == "1000000")
                for path in ["/empty", "/unmodified"] {
                    let reply = try client.exchange("GET \(path) HTTP/1.1\r\nHost: h\r\n\r\n")
                    #expect(reply.values("Content-Length").isEmpty)
                }
                #expect(try client.exchange("GET /bytes?n=0 HTTP/1.1\r\nHost: h\r\n\r\n").value("Content-Length") == "0")
                #expect(try client.exchange("GET /plain HTTP/1.1\r\nHost: h\r\n\r\n").text == "Hello, world!")
            }
        }
    }

    @Test("of every size arrive whole", arguments: [1, 65535, 65536, 65537, 1_000_000, 10_485_760])
    func sizes(size: Int) async throws {
        try await withConnector { _, port in
            try await blocking {
                let client = try RawClient(port: port)
                for _ in 0..<2 {
                    let reply = try client.exchange("GET /bytes?n=\(size) HTTP/1.1\r\nHost: h\r\n\r\n")
                    #expect(reply.body.count == size && reply.body.allSatisfy { $0 == 0x61 })
                }
                #expect(try client.exchange("GET /plain HTTP/1.1\r\nHost: h\r\n\r\n").text == "Hello, world!")
            }
        }
    }

    @Test("can be parts of files")
    func files() async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("serval-\(UUID().uuidString)").path
        defer { unlink(path) }
        let contents = (0..<6_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 9) }
        try Data(contents).write(to: URL(fileURLWithPath: path))
        let completions = Mutex<[RequestCompletion]>([])
        try await withConnector(handler: { request in
            request.state.onCompletion { completion in completions.withLock { $0.append(completion) } }
            let file = OpenFile(descriptor: open(path, O_RDONLY | O_CLOEXEC))
            switch request.path {
            case "/part": return Response(body: .file(file, offset: 5_000, length: 70_000))
            case "/none": return Response(body: .file(file, offset: 0, length: 0))
            case "/short": return Response(body: .file(file, offset: 5_999_990, length: 20))
            default: return Response(body: .file(file, offset: 0, length: 6_000_000))
            }
        }) { _, port in
            try await blocking {
                let client = try RawClient(port: port)
                #expect(try client.exchange("GET /all HTTP/1.1\r\nHost: h\r\n\r\n").body == contents)
                #expect(try client.exchange("GET /part HTTP/1.1\r\nHost: h\r\n\r\n").body == Array(contents[5_000..<75_000]))
                #expect(try client.exchange("GET /none HTTP/1.1\r\nHost: h\r\n\r\n").body.isEmpty)
                #expect(try client.exchange("HEAD /all HTTP/1.1\r\nHost: h\r\n\r\n", toHead: true).value("Content-Length") == "6000000")
                // A file that is shorter than promised: the client must notice.
                try client.send("GET /short HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(throws: RawClient.Failure.self) { try client.reply() }
            }
            #expect(try await eventually { completions.withLock { $0.count } == 5 })
            #expect(completions.withLock { $0.map(\.isComplete) } == [true, true, true, true, false])
            #expect(completions.withLock { $0.map(\.bodyBytes) }[..<4] == [6_000_000, 70_000, 0, 0])
        }
    }

    @Test("of unknown length are chunked, with trailers")
    func chunked() async throws {
        try await withConnector(handler: { _ in
            Response(
                body: .stream { writer in
                    try await writer.write("Hello")
                    try await writer.write([UInt8]())
                    try await writer.write(", world!")
                    return [HTTPField.Name("X-Sum")!: "13\r\nX-Evil: 1", .contentLength: "7"]
                }
            )
        }) { _, port in
            try await blocking {
                let client = try RawClient(port: port)
                let reply = try client.exchange("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(reply.text == "Hello, world!")
                #expect(reply.value("X-Sum") == "13  X-Evil: 1")
                #expect(reply.values("Content-Length").isEmpty)
                #expect(try client.exchange("GET / HTTP/1.1\r\nHost: h\r\n\r\n").text == "Hello, world!")
            }
        }
    }

    @Test("that break their word end the connection")
    func lengthMismatch() async throws {
        struct Broken: Error {}
        let completions = Mutex<[Bool]>([])
        try await withConnector(handler: { request in
            request.state.onCompletion { completion in completions.withLock { $0.append(completion.isComplete) } }
            switch request.path {
            case "/short":
                return Response(
                    body: .stream(length: 10) { writer in
                        try await writer.write("short")
                        return nil
                    }
                )
            case "/long":
                return Response(
                    body: .stream(length: 3) { writer in
                        try await writer.write("ab")
                        try await writer.write("cdef")
                        return nil
                    }
                )
            default:
                return Response(
                    body: .stream { writer in
                        try await writer.write("begun")
                        throw Broken()
                    }
                )
            }
        }) { _, port in
            let answers = try await blocking {
                try ["/short", "/long", "/throw"].map { path in
                    let client = try RawClient(port: port)
                    try client.send("GET \(path) HTTP/1.1\r\nHost: h\r\n\r\nGET \(path) HTTP/1.1\r\nHost: h\r\n\r\n")
                    return try client.receiveAll()
                }
            }
            #expect(answers[0].hasSuffix("\r\n\r\nshort"))
            #expect(answers[1].hasSuffix("\r\n\r\nab"))
            #expect(!answers[2].hasSuffix("0\r\n\r\n"))
            #expect(completions.withLock { $0 } == [false, false, false])
        }
    }

    @Test("cannot be split")
    func splitting() async throws {
        try await withConnector(
            { $0.server = "Serval\r\nX-Evil: 2" },
            handler: { _ in
                var response = Response.text("body")
                response.headers[HTTPField.Name("X-Value")!] = "a\r\nX-Evil: 1\r\n\r\n<script>\u{0}\u{7f}é"
                response.headers.append(.setCookie, "a=b\nSet-Cookie: c=d")
                response.headers[.contentLength] = "9999"
                response.headers[.transferEncoding] = "chunked"
                response.headers[.date] = "yesterday"
                response.status = .init(code: 200, reasonPhrase: "OK\r\nX-Evil: 3")
                return response
            }
        ) { _, port in
            let reply = try await blocking { try RawClient(port: port).exchange("GET / HTTP/1.1\r\nHost: h\r\n\r\n") }
            #expect(reply.values("X-Evil").isEmpty)
            #expect(reply.value("X-Value") == "a  X-Evil: 1    <script>  é")
            #expect(reply.values("Set-Cookie") == ["a=b Set-Cookie: c=d"])
            #expect(reply.values("Content-Length") == ["4"])
            #expect(reply.values("Transfer-Encoding").isEmpty)
            #expect(reply.values("Date").count == 1)
            #expect(reply.text == "body")
        }
    }

    @Test("with too large a head become 500")
    func headLimit() async throws {
        try await withConnector(
            { $0.maxHttpResponseHeaderSize = 1024 },
            handler: { request in
                .init(.ok, headers: [.location: String(repeating: "x", count: request.path == "/large" ? 1000 : 700)], body: .text("body"))
            }
        ) { _, port in
            try await blocking {
                let client = try RawClient(port: port)
                #expect(try client.exchange("GET /small HTTP/1.1\r\nHost: h\r\n\r\n").status == 200)
                let reply = try client.exchange("GET /large HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(reply.status == 500)
                #expect(reply.values("Location").isEmpty)
                #expect(try client.isAtEnd())
            }
        }
    }

    @Test("carry the Server field that is configured")
    func server() async throws {
        let handler: @Sendable (Request) async -> Response = { _ in Response(.ok, headers: [.server: "app"]) }
        let cases: [(String?, Bool, [String])] = [(nil, false, ["app"]), (nil, true, []), ("Serval", false, ["Serval"])]
        for (server, removes, expected) in cases {
            try await withConnector(
                {
                    $0.server = server
                    $0.serverRemoveAppProvidedValues = removes
                },
                handler: handler
            ) { _, port in
                let reply = try await blocking { try RawClient(port: port).exchange("GET / HTTP/1.1\r\nHost: h\r\n\r\n") }
                #expect(reply.values("Server") == expected)
            }
        }
    }

    @Test("to a client that stops reading wait, and are given up after the time-out", .timeLimit(.minutes(2)))
    func slowReader() async throws {
        let written = Mutex(0)
        let ended = Mutex<[Bool]>([])
        try await withConnector(
            {
                $0.connectionTimeout = .milliseconds(700)
                $0.txBufSize = 65536
            },
            handler: { request in
                request.state.onCompletion { completion in ended.withLock { $0.append(completion.isComplete) } }
                if request.path == "/bytes" { return Response(body: .bytes([UInt8](repeating: 1, count: 64 << 20))) }
                return Response(
                    body: .stream { writer in
                        for _ in 0..<1000 {
                            try await writer.write([UInt8](repeating: 1, count: 65536))
                            written.withLock { $0 += 65536 }
                        }
                        return nil
                    }
                )
            }
        ) { connector, port in
            for (number, path) in ["/stream", "/bytes"].enumerated() {
                let client = try await blocking {
                    let client = try RawClient(port: port, receiveBuffer: 65536)
                    try client.send("GET \(path) HTTP/1.1\r\nHost: h\r\n\r\n")
                    return UncheckedBox(client)
                }
                #expect(try await eventually { ended.withLock { $0.count } == number + 1 })
                #expect(try await eventually { connector.counters.currentConnections == 0 })
                client.value.close()
            }
            // What the system buffers of a connection on one machine; the whole body has 64 MB.
            #expect(written.withLock { $0 } < 16 << 20)
            #expect(ended.withLock { $0 } == [false, false])
            #expect(try await eventually { connector.counters.currentRequests == 0 })
        }
    }

    @Test("that are given up do not look complete to clients of HTTP/1.0 either", arguments: [0, 100])
    func givenUpBeforeTheEnd(milliseconds: Int) async throws {
        struct Failure: Error {}
        try await withConnector(
            handler: { request in
                Response(
                    body: .stream { writer in
                        try await writer.write(Array("begun".utf8))
                        try await Task.sleep(for: .milliseconds(milliseconds))
                        if request.path != "/whole" { throw Failure() }
                        return nil
                    }
                )
            }
        ) { _, port in
            let (whole, givenUp) = try await blocking {
                func end(of path: String) throws -> String {
                    let client = try RawClient(port: port)
                    try client.send("GET \(path) HTTP/1.0\r\nHost: h\r\n\r\n")
                    do {
                        while try !client.receive().isEmpty {}
                        return "end"
                    } catch { return "\(error)" }
                }
                return (try end(of: "/whole"), try end(of: "/given-up"))
            }
            #expect(whole == "end")
            #expect(givenUp.contains("reset"), "\(givenUp)")
        }
    }

    @Test("to a client that reads slowly but steadily are complete")
    func steadyReader() async throws {
        try await withConnector({
            $0.connectionTimeout = .milliseconds(500)
            $0.txBufSize = 65536
        }) { _, port in
            let count = try await blocking {
                let client = try RawClient(port: port, receiveBuffer: 65536)
                try client.send("GET /bytes?n=3000000 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
                var count = 0
                while case let bytes = try client.receive(upTo: 100_000), !bytes.isEmpty {
                    count += bytes.count
                    Thread.sleep(forTimeInterval: 0.03)
                }
                return count
            }
            #expect(count > 3_000_000)
        }
    }

    @Test("stop when the client goes away")
    func disconnect() async throws {
        let outcome = Mutex((isThrown: false, completions: 0))
        try await withConnector(handler: { request in
            request.state.onCompletion { completion in outcome.withLock { $0.completions += completion.isComplete ? 100 : 1 } }
            return Response(
                body: .stream { writer in
                    do {
                        while true { try await writer.write([UInt8](repeating: 1, count: 10_000)) }
                    } catch {
                        outcome.withLock { $0.isThrown = true }
                        throw error
                    }
                }
            )
        }) { connector, port in
            try await blocking {
                let client = try RawClient(port: port)
                try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                _ = try client.receive()
                client.close()
            }
            #expect(try await eventually { outcome.withLock { $0.isThrown && $0.completions == 1 } })
            #expect(try await eventually { connector.counters.currentRequests == 0 && connector.counters.currentConnections == 0 })
        }
    }

    @Test("that take long are cancelled when the client resets the connection")
    func resetCancels() async throws {
        let isCancelled = Mutex(false)
        try await withConnector(handler: { _ in
            do { try await Task.sleep(for: .seconds(60)) } catch { isCancelled.withLock { $0 = true } }
            return .text("late")
        }) { connector, port in
            try await blocking {
                let client = try RawClient(port: port)
                try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                Thread.sleep(forTimeInterval: 0.1)
                client.reset()
            }
            #expect(try await eventually { isCancelled.withLock { $0 } && connector.counters.currentRequests == 0 })
        }
    }

    @Test("tell how they ended, once")
    func completion() async throws {
        let completions = Mutex<[RequestCompletion]>([])
        try await withConnector(handler: { request in
            request.state.onCompletion { completion in completions.withLock { $0.append(completion) } }
            return await application(request)
        }) { _, port in
            try await blocking {
                let client = try RawClient(port: port)
                _ = try client.exchange("GET /plain HTTP/1.1\r\nHost: h\r\n\r\n")
                _ = try client.exchange("HEAD /plain HTTP/1.1\r\nHost: h\r\n\r\n", toHead: true)
                _ = try client.exchange("GET /bytes?n=200000 HTTP/1.1\r\nHost: h\r\n\r\n")
                _ = try client.exchange("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nHello")
                _ = try client.exchange("GET /empty HTTP/1.1\r\nHost: h\r\n\r\n")
            }
            #expect(try await eventually { completions.withLock { $0.count } == 5 })
            #expect(completions.withLock { $0.map(\.status) } == [200, 200, 200, 200, 204])
            #expect(completions.withLock { $0.map(\.bodyBytes) } == [13, 0, 200_000, 5, 0])
            #expect(completions.withLock { $0.allSatisfy { $0.isComplete && $0.nanoseconds > 0 } })
        }
    }
}

/// Carries a value between threads that take turns.
struct UncheckedBox<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}
