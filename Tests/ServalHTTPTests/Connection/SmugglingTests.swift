import Foundation
import ServalServlet
import Synchronization
import Testing

@testable import ServalHTTP

/// Requests that another server in front could read differently: one answer, never a second one, and the connection ends.
@Suite("Request smuggling")
struct SmugglingTests {
    /// The second request that an attacker wants to get through.
    private static let smuggled = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"

    static let ambiguous: [String] = [
        // CL.TE, TE.CL, CL+CL.
        "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n",
        "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 0, 0\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 0 \u{b}\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length : 0\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: h\r\n Content-Length: 0\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: h\r\nContent\r\n-Length: 0\r\n\r\n",
        // TE.TE and disguises of `chunked`.
        "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\u{b}chunked\r\n\r\n0\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: h\r\nX: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: h\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding\r\n : chunked\r\n\r\n0\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\u{0}\r\n\r\n0\r\n\r\n",
        "POST /x HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        // Line ends and folding.
        "GET /x HTTP/1.1\nHost: h\n\n",
        "GET /x HTTP/1.1\r\nHost: h\nX: y\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: h\r\n\n",
        "GET /x HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n",
        // Routing.
        "GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET /x HTTP/1.1\r\n\r\n",
        "GET http://a/x HTTP/1.1\r\nHost: b\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: h\r\nX\u{0}: y\r\n\r\n",
        "GET /x HTTP/1.1 HTTP/1.1\r\nHost: h\r\n\r\n",
    ]

    @Test("an ambiguous head is 400 and the end", arguments: ambiguous)
    func heads(_ text: String) async throws {
        let paths = Mutex<[String]>([])
        try await withConnector(handler: { request in
            paths.withLock { $0.append(request.path) }
            return .text("let through")
        }) { connector, port in
            let answer = try await blocking {
                let client = try RawClient(port: port)
                try client.send(text + Self.smuggled)
                return try client.receiveAll()
            }
            #expect(answer.hasPrefix("HTTP/1.1 400 "))
            #expect(answer.contains("\r\nConnection: close\r\n"))
            #expect(answer.components(separatedBy: "HTTP/1.1 ").count == 2)
            #expect(connector.counters.refusedRequests == 1)
        }
        #expect(paths.withLock { $0 }.isEmpty)
    }

    static let malformedBodies: [String] = [
        "0x1\r\na\r\n0\r\n\r\n", "+1\r\na\r\n0\r\n\r\n", "1 \r\na\r\n0\r\n\r\n", " 1\r\na\r\n0\r\n\r\n", "1\na\r\n0\r\n\r\n", "1\r\na\n0\r\n\r\n",
        "1\r\nab\r\n0\r\n\r\n",
        "10000000000000001\r\na\r\n0\r\n\r\n", "FFFFFFFFFFFFFFFF\r\na\r\n", "1;\n\r\na\r\n0\r\n\r\n", "0\r\nX: y\n\r\n",
        "0\r\nContent-Length: 3\r\n\r\n", "g\r\n",
        "0\r\n\n",
    ]

    @Test("a malformed chunk ends the connection", arguments: malformedBodies)
    func bodies(_ body: String) async throws {
        let paths = Mutex<[String]>([])
        try await withConnector(handler: { request in
            paths.withLock { $0.append(request.path) }
            return await application(request)
        }) { _, port in
            let answer = try await blocking {
                let client = try RawClient(port: port)
                try client.send("POST /collect HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + body + Self.smuggled)
                return try client.receiveAll()
            }
            #expect(answer.hasPrefix("HTTP/1.1 400 "))
            #expect(answer.components(separatedBy: "HTTP/1.1 ").count == 2)
        }
        #expect(paths.withLock { $0 } == ["/collect"])
    }

    @Test("other refusals name their status and close too")
    func otherRefusals() async throws {
        try await withConnector { _, port in
            let answers = try await blocking {
                try [
                    "GET / HTTP/2.0\r\nHost: h\r\n\r\n", "CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", "TRACE / HTTP/1.1\r\nHost: h\r\n\r\n",
                    "POST / HTTP/1.1\r\nHost: h\r\nExpect: x\r\n\r\n", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
                    "GET /\(String(repeating: "x", count: 9000)) HTTP/1.1\r\nHost: h\r\n\r\n",
                ].map { text in
                    let client = try RawClient(port: port)
                    try client.send(text)
                    return try client.receiveAll()
                }
            }
            #expect(answers.map { Int($0.dropFirst(9).prefix(3)) } == [505, 501, 405, 417, 501, 400])
            for answer in answers { #expect(answer.contains("\r\nConnection: close\r\n")) }
        }
    }

    @Test("a client that is still sending can read the refusal")
    func lingering() async throws {
        try await withConnector { _, port in
            let answer = try await blocking {
                let client = try RawClient(port: port)
                try client.send("GET / HTTP/1.1\r\nbad\r\n\r\n")
                for _ in 0..<16 { try client.send([UInt8](repeating: 0x78, count: 65536)) }
                return try client.receiveAll()
            }
            #expect(answer.hasPrefix("HTTP/1.1 400 "))
            #expect(answer.hasSuffix("\n"))
        }
    }

    @Test("garbage never hangs or stops the connector", .timeLimit(.minutes(2)))
    func garbage() async throws {
        try await withConnector { connector, port in
            try await blocking {
                var random = SeededRandom(seed: 7)
                for _ in 0..<300 {
                    let client = try RawClient(port: port)
                    let bytes = (0..<Int(1 + random.next() % 3000)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
                    try? client.send(bytes)
                    client.shutdownWrite()
                    _ = try client.receiveAll()
                }
                #expect(try RawClient(port: port).exchange("GET /plain HTTP/1.1\r\nHost: h\r\n\r\n").text == "Hello, world!")
            }
            #expect(try await eventually { connector.counters.currentConnections == 0 })
        }
    }
}
