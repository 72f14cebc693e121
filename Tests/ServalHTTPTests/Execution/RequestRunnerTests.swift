import Foundation
import Logging
import NIOCore
import NIOEmbedded
import ServalServlet
import Synchronization
import Testing

@testable import ServalHTTP

/// Tasks that answer one request after the other.
@Suite("Tasks of requests")
struct RequestRunnerTests {
    private static let get = "GET /plain HTTP/1.1\r\nHost: h\r\n\r\n"

    private static func task() -> String { withUnsafeCurrentTask { "\($0?.hashValue ?? 0)" } }

    @Test("a task that has answered answers the next request of its loop")
    func reuse() async throws {
        try await withConnector(handler: { _ in .text(Self.task()) }) { _, port in
            try await blocking {
                let client = try RawClient(port: port)
                let first = try client.exchange(Self.get).text
                #expect(first != "0")
                #expect(try client.exchange(Self.get).text == first)
            }
        }
    }

    @Test("requests that wait at the same time have tasks of their own, and each gets its answer")
    func concurrency() async throws {
        let tasks = Mutex<Set<String>>([])
        let count = 40
        try await withConnector(handler: { request in
            tasks.withLock { _ = $0.insert(Self.task()) }
            while tasks.withLock({ $0.count < count }) { try? await Task.sleep(for: .milliseconds(5)) }
            return .text(request.target)
        }) { _, port in
            try await blocking {
                let clients = try (0..<count).map { _ in try RawClient(port: port) }
                for round in 0..<2 {
                    for (index, client) in clients.enumerated() { try client.send("GET /\(round)/\(index) HTTP/1.1\r\nHost: h\r\n\r\n") }
                    for (index, client) in clients.enumerated() { #expect(try client.reply().text == "/\(round)/\(index)") }
                }
            }
        }
    }

    @Test("a task that was cancelled answers nobody else")
    func cancellation() async throws {
        let begun = Atomic(false)
        let ended = Atomic(false)
        try await withConnector(handler: { request in
            guard request.target == "/slow" else { return .text("\(Task.isCancelled)") }
            begun.store(true, ordering: .relaxed)
            try? await Task.sleep(for: .seconds(60))
            ended.store(true, ordering: .relaxed)
            return .text("too late")
        }) { connector, port in
            // As many as there are loops, and more, so that the next requests come to loops with such a task.
            for _ in 0..<4 {
                begun.store(false, ordering: .relaxed)
                ended.store(false, ordering: .relaxed)
                let client = try RawClient(port: port)
                try client.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(try await eventually { begun.load(ordering: .relaxed) })
                client.reset()
                #expect(try await eventually { ended.load(ordering: .relaxed) })
            }
            try await blocking {
                for _ in 0..<4 {
                    let reply = try RawClient(port: port).exchange(Self.get)
                    #expect(reply.text == "false")
                }
            }
        }
    }

    /// A connection on a loop that the test turns.
    private func connection(on loop: EventLoopContext, _ events: EmbeddedEventLoop, _ handler: ClosureHandler) throws -> EmbeddedChannel {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let runtime = ConnectionRuntime(configuration: ConnectorConfiguration(port: 0), handler: handler, isTLS: false, logger: logger)
        let channel = EmbeddedChannel(loop: events)
        try channel.pipeline.syncOperations.addHandler(HTTP1ConnectionHandler(runtime: runtime, loop: loop))
        channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
        return channel
    }

    @Test("a client that does not wait for its answer to arrive cancels nobody else's task")
    func answerGivenUp() throws {
        let events = EmbeddedEventLoop()
        let loop = EventLoopContext(events, sweepInterval: .seconds(1))
        let handler = ClosureHandler { request in
            request.target == "/large" ? Response(body: .bytes([UInt8](repeating: 0x61, count: 1 << 20))) : .text("\(Task.isCancelled)")
        }
        let slow = try self.connection(on: loop, events, handler)
        let other = try self.connection(on: loop, events, handler)
        slow.isWritable = false
        slow.pipeline.fireChannelWritabilityChanged()
        try slow.writeInbound(ByteBuffer(string: "GET /large HTTP/1.1\r\nHost: h\r\n\r\n"))
        // The application has answered, and its task waits for the next request, when the client goes away.
        _ = try slow.finish(acceptAlreadyClosed: true)
        try other.writeInbound(ByteBuffer(string: Self.get))
        let answer = try #require(try other.readOutbound(as: ByteBuffer.self))
        #expect(String(buffer: answer).hasSuffix("\r\n\r\nfalse"))
        loop.drain()
        _ = try other.finish(acceptAlreadyClosed: true)
    }

    @Test("tasks that wait for requests end when the connector stops")
    func stop() throws {
        weak var gone: EventLoopContext?
        do {
            let events = EmbeddedEventLoop()
            let loop = EventLoopContext(events, sweepInterval: .seconds(1))
            gone = loop
            let channel = try self.connection(on: loop, events, ClosureHandler { _ in .text("Hello, world!") })
            for _ in 0..<3 {
                try channel.writeInbound(ByteBuffer(string: Self.get))
                let answer = try #require(try channel.readOutbound(as: ByteBuffer.self))
                #expect(String(buffer: answer).hasSuffix("\r\n\r\nHello, world!"))
            }
            loop.drain()
            _ = try channel.finish(acceptAlreadyClosed: true)
        }
        #expect(gone == nil)
    }
}
