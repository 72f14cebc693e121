import Foundation
import ServalServlet
import Synchronization
import Testing

@testable import ServalHTTP

@Suite("Keep-alive and pipelining")
struct KeepAliveTests {
    @Test("answers in the fewest words, and stays")
    func simple() async throws {
        try await withConnector { connector, port in
            try await blocking {
                let client = try RawClient(port: port)
                for _ in 0..<3 {
                    let reply = try client.exchange("GET /plain HTTP/1.1\r\nHost: h\r\n\r\n")
                    #expect(reply.head.hasPrefix("HTTP/1.1 200 OK\r\n"))
                    #expect(reply.text == "Hello, world!")
                    #expect(reply.value("Content-Length") == "13")
                    #expect(reply.value("Content-Type") == "text/plain; charset=utf-8")
                    #expect(reply.values("Connection").isEmpty)
                    #expect(reply.values("Server").isEmpty)
                    let date = try #require(reply.value("Date"))
                    #expect(date.hasSuffix(" GMT") && date.utf8.count == 29)
                }
            }
            #expect(connector.counters.totalConnections == 1)
            #expect(connector.counters.totalRequests == 3)
        }
    }

    @Test("speaks HTTP/1.0 to whom does")
    func http10() async throws {
        try await withConnector { _, port in
            try await blocking {
                let client = try RawClient(port: port)
                let kept = try client.exchange("GET /plain HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                #expect(kept.value("Connection") == "keep-alive")
                #expect(kept.text == "Hello, world!")
                let last = try client.exchange("GET /plain HTTP/1.0\r\n\r\n")
                #expect(last.value("Connection") == "close")
                #expect(try client.isAtEnd())
                // A body of unknown length ends with the connection.
                let stream = try RawClient(port: port)
                let reply = try stream.exchange("POST /echo HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nHello")
                #expect(reply.values("Transfer-Encoding").isEmpty)
                #expect(reply.value("Connection") == "close")
                #expect(reply.text == "Hello")
            }
        }
    }

    @Test("closes when either side says so")
    func close() async throws {
        try await withConnector { _, port in
            try await blocking {
                for text in ["GET /plain HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "GET /close HTTP/1.1\r\nHost: h\r\n\r\n"] {
                    let client = try RawClient(port: port)
                    #expect(try client.exchange(text).value("Connection") == "close")
                    #expect(try client.isAtEnd())
                }
            }
        }
    }

    @Test("ends after maxKeepAliveRequests")
    func maxRequests() async throws {
        try await withConnector({ $0.maxKeepAliveRequests = 3 }) { _, port in
            try await blocking {
                let client = try RawClient(port: port)
                try client.send(String(repeating: "GET /plain HTTP/1.1\r\nHost: h\r\n\r\n", count: 5))
                #expect(try client.reply().values("Connection").isEmpty)
                #expect(try client.reply().values("Connection").isEmpty)
                #expect(try client.reply().value("Connection") == "close")
                #expect(try client.isAtEnd())
            }
        }
        try await withConnector({ $0.maxKeepAliveRequests = 1 }) { _, port in
            try await blocking {
                let client = try RawClient(port: port)
                #expect(try client.exchange("GET /plain HTTP/1.1\r\nHost: h\r\n\r\n").value("Connection") == "close")
                #expect(try client.isAtEnd())
            }
        }
    }

    @Test("tells the time-out to clients that ask for keep-alive")
    func keepAliveField() async throws {
        try await withConnector({ $0.keepAliveTimeout = .seconds(7) }) { _, port in
            let reply = try await blocking {
                try RawClient(port: port).exchange("GET /plain HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\n\r\n")
            }
            #expect(reply.value("Keep-Alive") == "timeout=7")
            #expect(reply.value("Connection") == "keep-alive")
        }
        try await withConnector({ $0.useKeepAliveResponseHeader = false }) { _, port in
            let reply = try await blocking {
                try RawClient(port: port).exchange("GET /plain HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\n\r\n")
            }
            #expect(reply.values("Keep-Alive").isEmpty)
        }
    }

    @Test("answers 1000 pipelined requests in order", arguments: ["/plain", "/yield"])
    func pipelining(path: String) async throws {
        try await withConnector({ $0.maxKeepAliveRequests = -1 }) { _, port in
            try await blocking {
                let client = try RawClient(port: port)
                let text = (0..<500).map {
                    "GET \(path) HTTP/1.1\r\nHost: h\r\n\r\nPUT /number-\($0) HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
                }
                try client.send(text.joined())
                for number in 0..<500 {
                    #expect(try client.reply().status == 200)
                    #expect(try client.reply().text == "PUT /number-\(number)")
                }
            }
        }
    }

    @Test("loses no last answer of a client that has sent more meanwhile")
    func lastAnswer() async throws {
        // The event loop is busy, so that what comes now is unread when the socket is closed, and the client gets a reset.
        let handler: @Sendable (Request) async -> Response = { _ in
            usleep(30_000)
            return .text("Hello, world!")
        }
        try await withConnector(handler: handler) { _, port in
            for _ in 0..<5 {
                let answer = try await blocking {
                    let client = try RawClient(port: port)
                    try client.send("GET /plain HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
                    usleep(10_000)
                    try client.send("\r\n")
                    return try client.reply().text
                }
                #expect(answer == "Hello, world!")
            }
        }
    }

    @Test("answers everything that a half-closing client sent")
    func halfClose() async throws {
        try await withConnector { _, port in
            let answer = try await blocking {
                let client = try RawClient(port: port)
                try client.send(String(repeating: "GET /yield HTTP/1.1\r\nHost: h\r\n\r\n", count: 3))
                client.shutdownWrite()
                return try client.receiveAll()
            }
            #expect(answer.components(separatedBy: "yielded").count == 4)
        }
    }

    @Test("takes a head that comes byte by byte")
    func bytewise() async throws {
        try await withConnector { _, port in
            let reply = try await blocking {
                let client = try RawClient(port: port)
                for byte in "POST /collect HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nabcd".utf8 { try client.send([byte]) }
                return try client.reply()
            }
            #expect(reply.text == "4")
        }
    }

    @Test("closes slow heads and idle connections")
    func timeouts() async throws {
        try await withConnector({
            $0.connectionTimeout = .milliseconds(300)
            $0.keepAliveTimeout = .milliseconds(500)
        }) { _, port in
            try await blocking {
                // Nothing at all.
                #expect(try RawClient(port: port).isAtEnd())
                // A byte now and then keeps nobody alive.
                let slow = try RawClient(port: port)
                for byte in "GET / HTTP/1.1\r\nX: ".utf8 {
                    do { try slow.send([byte]) } catch { break }
                    Thread.sleep(forTimeInterval: 0.05)
                }
                #expect(try slow.receiveAll().hasPrefix("HTTP/1.1 408 "))
                // Between two requests, and within the second.
                let idle = try RawClient(port: port)
                _ = try idle.exchange("GET /plain HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(try idle.isAtEnd())
                let second = try RawClient(port: port)
                _ = try second.exchange("GET /plain HTTP/1.1\r\nHost: h\r\n\r\n")
                try second.send("GET /")
                #expect(try second.receiveAll().hasPrefix("HTTP/1.1 408 "))
            }
        }
    }
}
