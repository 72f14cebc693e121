import Foundation
import Logging
import NIOCore
import ServalServlet
import Synchronization
import Testing

@testable import ServalHTTP

@Suite("Connectors")
struct ConnectorTests {
    private func connector(_ configuration: ConnectorConfiguration) -> Connector {
        Connector(
            configuration: configuration,
            handler: ClosureHandler(application),
            tls: nil,
            eventLoopGroup: testGroup,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    @Test("say why they cannot listen")
    func bindErrors() async throws {
        try await withConnector { _, port in
            var configuration = ConnectorConfiguration(port: port)
            configuration.address = "127.0.0.1"
            let error = await #expect(throws: ConnectorError.self) { try await self.connector(configuration).start() }
            #expect(error?.code == .portInUse)
            #expect(error?.message == "cannot listen on 127.0.0.1:\(port): port \(port) is in use (Address already in use)")
        }
        var unknown = ConnectorConfiguration(port: 0)
        unknown.address = "192.0.2.1"
        let error = await #expect(throws: ConnectorError.self) { try await self.connector(unknown).start() }
        #expect(error?.code == .addressUnavailable)
        #expect(error?.message.contains("192.0.2.1") ?? false)
        var invalid = ConnectorConfiguration(port: 70000)
        await #expect(throws: ConnectorError(.invalidConfiguration, "")) { try await self.connector(invalid).start() }
        invalid = ConnectorConfiguration(port: 0)
        invalid.maxThreads = 0
        await #expect(throws: ConnectorError(.invalidConfiguration, "")) { try await self.connector(invalid).start() }
    }

    @Test("listen on all addresses by default, for IPv4 too")
    func allAddresses() async throws {
        let connector = self.connector(ConnectorConfiguration(port: 0))
        try await connector.start()
        await #expect(throws: ConnectorError(.invalidState, "")) { try await connector.start() }
        let port = try #require(connector.localPort)
        let reply = try await blocking { try RawClient(port: port).exchange("GET /plain HTTP/1.1\r\nHost: h\r\n\r\n") }
        #expect(reply.text == "Hello, world!")
        await connector.stop(gracePeriod: .zero)
        await #expect(throws: (any Error).self) { try await blocking { _ = try RawClient(port: port) } }
    }

    @Test("tell requests about their connection")
    func connectionInfo() async throws {
        try await withConnector(
            {
                $0.scheme = "https"
                $0.secure = true
                $0.proxyName = "www.example.com"
                $0.proxyPort = 443
                $0.redirectPort = 8443
                $0.maxPostSize = 17
            },
            handler: { request in
                let info = request.state.connection
                return .text(
                    "\(request.scheme) \(request.isSecure) \(request.serverName):\(request.serverPort) \(request.remoteAddress) \(request.remotePort > 0) "
                        + "\(request.localAddress):\(request.localPort) \(info.redirectPort) \(info.maxPostSize) \(info.blockingExecutor != nil) \(request.tls == nil)"
                )
            }
        ) { _, port in
            let reply = try await blocking { try RawClient(port: port).exchange("GET / HTTP/1.1\r\nHost: h\r\n\r\n") }
            #expect(reply.text == "https true www.example.com:443 127.0.0.1 true 127.0.0.1:\(port) 8443 17 true true")
        }
    }

    @Test("never have more than maxConnections, and go on when there is room")
    func maxConnections() async throws {
        try await withConnector({ $0.maxConnections = 3 }) { connector, port in
            try await blocking {
                let get = "GET /plain HTTP/1.1\r\nHost: h\r\n\r\n"
                let first = try (0..<3).map { _ in try RawClient(port: port) }
                for client in first { _ = try client.exchange(get) }
                let second = try (0..<3).map { _ in try RawClient(port: port) }
                for client in second { try client.send(get) }
                Thread.sleep(forTimeInterval: 0.1)
                #expect(connector.counters.currentConnections == 3)
                #expect(connector.counters.totalConnections == 3)
                for (old, new) in zip(first, second) {
                    #expect(try old.exchange(get).status == 200)
                    old.close()
                    #expect(try new.reply().status == 200)
                    #expect(connector.counters.currentConnections <= 3)
                }
                #expect(connector.counters.totalConnections == 6)
            }
        }
    }

    @Test("serve others while 2,000 connections are idle", .timeLimit(.minutes(2)))
    func idleConnections() async throws {
        guard OpenFileLimit.raise() > 5000 else { return }
        try await withConnector { connector, port in
            try await blocking {
                let get = "GET /plain HTTP/1.1\r\nHost: h\r\n\r\n"
                var clients: [RawClient] = []
                for number in 0..<2000 {
                    let client = try RawClient(port: port)
                    if number % 2 == 0 { _ = try client.exchange(get) }
                    clients.append(client)
                }
                #expect(try RawClient(port: port).exchange(get).status == 200)
                for client in clients { #expect(try client.exchange(get).status == 200) }
            }
            #expect(connector.counters.totalConnections == 2001)
        }
    }

    @Test("let at most maxThreads requests in; others wait in order")
    func maxThreads() async throws {
        struct Inside: Sendable {
            var now = 0
            var most = 0
            var order: [String] = []
        }
        let inside = Mutex(Inside())
        let isReleased = Mutex(false)
        try await withConnector(
            { $0.maxThreads = 2 },
            handler: { request in
                inside.withLock {
                    $0.now += 1
                    $0.most = max($0.most, $0.now)
                    $0.order.append(request.path)
                }
                while !isReleased.withLock({ $0 }) { try? await Task.sleep(for: .milliseconds(5)) }
                inside.withLock { $0.now -= 1 }
                return .text("done")
            }
        ) { connector, port in
            let clients = try await blocking {
                var clients: [RawClient] = []
                for number in 0..<12 {
                    let client = try RawClient(port: port)
                    try client.send("GET /\(number) HTTP/1.1\r\nHost: h\r\n\r\n")
                    clients.append(client)
                    while connector.counters.currentRequests < number + 1 { Thread.sleep(forTimeInterval: 0.002) }
                }
                return UncheckedBox(clients)
            }
            #expect(inside.withLock { $0.now } == 2)
            #expect(connector.counters.currentRequests == 12)
            // One that waits and goes away does not hold the others up.
            clients.value[5].reset()
            isReleased.withLock { $0 = true }
            let replies = try await blocking {
                try clients.value.enumerated().filter { $0.offset != 5 }.map { try $0.element.reply().text }
            }
            #expect(replies == Array(repeating: "done", count: 11))
            #expect(inside.withLock { $0.most } == 2)
            #expect(inside.withLock { $0.order }.count >= 11)
            #expect(try await eventually { connector.counters.currentRequests == 0 })
        }
    }

    @Test("give requests up that wait for their turn when their client is gone")
    func goneWhileWaiting() async throws {
        let begun = Mutex<[String]>([])
        let isReleased = Mutex(false)
        try await withConnector(
            { $0.maxThreads = 1 },
            handler: { request in
                begun.withLock { $0.append(request.path) }
                while !isReleased.withLock({ $0 }) { try? await Task.sleep(for: .milliseconds(5)) }
                return .text("done")
            }
        ) { connector, port in
            let first = try await blocking {
                let clients = try (0..<6).map { _ in try RawClient(port: port) }
                for (number, client) in clients.enumerated() {
                    try client.send("GET /\(number) HTTP/1.1\r\nHost: h\r\n\r\n")
                    while connector.counters.currentRequests < number + 1 { Thread.sleep(forTimeInterval: 0.002) }
                }
                for client in clients.dropFirst() { client.close() }
                return UncheckedBox(clients[0])
            }
            #expect(try await eventually { connector.counters.currentConnections == 1 })
            // The busy connection's loop may be another one than the idle one's, and hear of the stop later.
            try await Task.sleep(for: .milliseconds(500))
            isReleased.withLock { $0 = true }
            #expect(try await blocking { try first.value.reply().text } == "done")
            #expect(try await blocking { try first.value.exchange("GET /next HTTP/1.1\r\nHost: h\r\n\r\n").text } == "done")
            #expect(begun.withLock { $0 } == ["/0", "/next"])
        }
    }

    @Test("read nothing of a body whose request waits for its turn")
    func waitingBodies() async throws {
        let isReleased = Mutex(false)
        try await withConnector(
            { $0.maxThreads = 1 },
            handler: { request in
                while !isReleased.withLock({ $0 }) { try? await Task.sleep(for: .milliseconds(5)) }
                return await application(request)
            }
        ) { connector, port in
            let clients = try await blocking {
                let clients = try (0..<4).map { _ in try RawClient(port: port) }
                for (number, client) in clients.enumerated() {
                    try client.send("POST /collect HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\(number == 3 ? "Expect: 100-continue\r\n" : "")\r\n")
                    if number != 3 { try client.send("Hello") }
                    while connector.counters.currentRequests < number + 1 { Thread.sleep(forTimeInterval: 0.002) }
                }
                return UncheckedBox(clients)
            }
            isReleased.withLock { $0 = true }
            let replies = try await blocking {
                try clients.value.map { client in
                    let reply = try client.reply()
                    return reply.status == 100 ? "100, \(try client.exchange("Hello").text)" : reply.text
                }
            }
            #expect(replies == ["5", "5", "5", "100, 5"])
        }
    }

    @Test("stop gracefully")
    func stop() async throws {
        let isReleased = Mutex(false)
        try await withConnector(handler: { _ in
            while !isReleased.withLock({ $0 }) { try? await Task.sleep(for: .milliseconds(5)) }
            return .text("done")
        }) { connector, port in
            let (idle, busy) = try await blocking {
                // One on each event loop: when they are closed, the busy one's loop knows of the stop, too.
                let idle = try (0..<testGroupSize).map { _ in try RawClient(port: port) }
                let busy = try RawClient(port: port)
                try busy.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                while connector.counters.currentRequests < 1 || connector.counters.currentConnections <= idle.count {
                    Thread.sleep(forTimeInterval: 0.005)
                }
                return (UncheckedBox(idle), UncheckedBox(busy))
            }
            async let isStopped: Void = connector.stop(gracePeriod: .seconds(20))
            let areClosed = try await blocking { try idle.value.allSatisfy { try $0.isAtEnd() } }
            #expect(areClosed)
            await #expect(throws: (any Error).self) { try await blocking { _ = try RawClient(port: port) } }
            #expect(try await eventually { connector.counters.currentConnections == 1 })
            isReleased.withLock { $0 = true }
            let reply = try await blocking { try busy.value.reply() }
            #expect(reply.text == "done")
            #expect(reply.value("Connection") == "close")
            await isStopped
            #expect(connector.counters.currentConnections == 0)
        }
    }

    @Test("end what does not end itself in the grace period")
    func stopForcefully() async throws {
        let isCancelled = Mutex(false)
        try await withConnector(handler: { _ in
            do { try await Task.sleep(for: .seconds(60)) } catch { isCancelled.withLock { $0 = true } }
            return .text("late")
        }) { connector, port in
            let client = try await blocking {
                let client = try RawClient(port: port)
                try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                while connector.counters.currentRequests < 1 { Thread.sleep(forTimeInterval: 0.005) }
                return UncheckedBox(client)
            }
            await connector.stop(gracePeriod: .milliseconds(100))
            #expect(connector.counters.currentConnections == 0)
            #expect(try await blocking { try client.value.isAtEnd() })
            #expect(try await eventually { isCancelled.withLock { $0 } })
        }
    }
}
