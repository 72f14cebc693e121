import Foundation
import ServalServlet
import Synchronization
import Testing

@testable import ServalHTTP

@Suite("Request bodies")
struct RequestBodyTests {
    @Test("arrive, however they are framed and cut")
    func framings() async throws {
        try await withConnector { _, port in
            try await blocking {
                let client = try RawClient(port: port)
                #expect(try client.exchange("POST /collect HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nHello").text == "5")
                let chunked = "POST /collect HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nHello\r\n2\r\n, \r\n0\r\n\r\n"
                #expect(try client.exchange(chunked).text == "7")
                for byte in chunked.utf8 { try client.send([byte]) }
                #expect(try client.reply().text == "7")
                try client.send("POST /collect HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\n\r\n")
                try client.send([UInt8](repeating: 1, count: 300_000))
                #expect(try client.reply().text == "300000")
                let trailers = "POST /trailers HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n"
                #expect(try client.exchange(trailers).text == "x-sum=1")
                #expect(try client.exchange("GET /plain HTTP/1.1\r\nHost: h\r\n\r\n").status == 200)
            }
        }
    }

    @Test("of 20 MiB come back unchanged", .timeLimit(.minutes(2)), arguments: [true, false])
    func echo(isChunked: Bool) async throws {
        try await withConnector { _, port in
            try await blocking {
                let client = try RawClient(port: port)
                let total = 20 << 20
                nonisolated(unsafe) let sender = client
                let isSent = DispatchSemaphore(value: 0)
                Thread.detachNewThread {
                    var sum = Checksum()
                    var random = SeededRandom(seed: 1)
                    let framing = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: \(total)"
                    try? sender.send("POST /echo HTTP/1.1\r\nHost: h\r\n\(framing)\r\n\r\n")
                    var left = total
                    while left > 0 {
                        let piece = (0..<min(left, 1 + Int(random.next() % 100_000))).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ left) }
                        sum.add(piece)
                        left -= piece.count
                        if isChunked {
                            try? sender.send(Array("\(String(piece.count, radix: 16))\r\n".utf8) + piece + Array("\r\n".utf8))
                        } else {
                            try? sender.send(piece)
                        }
                    }
                    if isChunked { try? sender.send("0\r\n\r\n") }
                    isSent.signal()
                }
                let reply = try client.reply()
                isSent.wait()
                #expect(reply.body.count == total)
                var expected = Checksum()
                var random = SeededRandom(seed: 1)
                var left = total
                while left > 0 {
                    let piece = (0..<min(left, 1 + Int(random.next() % 100_000))).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ left) }
                    expected.add(piece)
                    left -= piece.count
                }
                var actual = Checksum()
                actual.add(reply.body)
                #expect(actual.value == expected.value)
            }
        }
    }

    @Test("wait for 100 Continue, at once or when they are read")
    func expectContinue() async throws {
        for timing in [ConnectorConfiguration.ContinueResponseTiming.immediately, .onRead] {
            try await withConnector({ $0.continueResponseTiming = timing }) { _, port in
                try await blocking {
                    let client = try RawClient(port: port)
                    for _ in 0..<2 {
                        let interim = try client.exchange("POST /collect HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-Continue\r\n\r\n")
                        #expect(interim.status == 100)
                        #expect(try client.exchange("abc").text == "3")
                    }
                    // A body that comes without waiting needs no interim response.
                    #expect(
                        try client.exchange("POST /collect HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc").text == "3"
                    )
                }
            }
        }
        try await withConnector({ $0.continueResponseTiming = .onRead }) { _, port in
            try await blocking {
                // Who answers without reading saves the upload; nobody knows whether the body comes, so the connection ends.
                let client = try RawClient(port: port)
                let reply = try client.exchange("POST /ignore HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
                #expect(reply.text == "ignored")
                #expect(reply.value("Connection") == "close")
                #expect(try client.isAtEnd())
            }
        }
    }

    @Test("that nobody reads are swallowed, up to maxSwallowSize")
    func swallow() async throws {
        try await withConnector({ $0.maxSwallowSize = 200_000 }) { _, port in
            try await blocking {
                let client = try RawClient(port: port)
                try client.send("POST /ignore HTTP/1.1\r\nHost: h\r\nContent-Length: 150000\r\n\r\n")
                try client.send([UInt8](repeating: 0x47, count: 150_000))
                #expect(try client.reply().text == "ignored")
                try client.send("POST /ignore HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
                for _ in 0..<3 { try client.send("8000\r\n\(String(repeating: "G", count: 0x8000))\r\n") }
                #expect(try client.reply().text == "ignored")
                try client.send("0\r\n\r\n")
                #expect(try client.exchange("GET /plain HTTP/1.1\r\nHost: h\r\n\r\n").text == "Hello, world!")
                let declared = try client.exchange("POST /ignore HTTP/1.1\r\nHost: h\r\nContent-Length: 200001\r\n\r\n")
                #expect(declared.value("Connection") == "close")
                #expect(try client.isAtEnd())
                // Chunks do not say how many there will be.
                let endless = try RawClient(port: port)
                try endless.send("POST /ignore HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
                #expect(try endless.reply().text == "ignored")
                let chunk = "8000\r\n\(String(repeating: "G", count: 0x8000))\r\n"
                var isRefused = false
                for _ in 0..<2000 where !isRefused {
                    do { try endless.send(chunk) } catch { isRefused = true }
                }
                #expect(isRefused)
            }
        }
    }

    @Test("that stop are given up after the time-out")
    func slow() async throws {
        try await withConnector({ $0.connectionTimeout = .milliseconds(300) }) { _, port in
            try await blocking {
                let client = try RawClient(port: port)
                try client.send("POST /collect HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nabc")
                let reply = try client.reply()
                #expect(reply.status == 408)
                #expect(reply.value("Connection") == "close")
                #expect(try client.isAtEnd())
            }
        }
    }

    @Test("that trickle are given up below the least rate")
    func trickling() async throws {
        try await withConnector({
            $0.connectionTimeout = .seconds(2)
            $0.minimumDataRate = 1000
            $0.minimumDataRateGracePeriod = .milliseconds(500)
        }) { _, port in
            let status = try await blocking {
                let client = try RawClient(port: port)
                try client.send("POST /collect HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n")
                for _ in 0..<200 {
                    do { try client.send("x") } catch { break }
                    var poll = pollfd(fd: client.descriptor, events: Int16(POLLIN), revents: 0)
                    if Glibc.poll(&poll, 1, 50) > 0 { break }
                }
                return try client.reply().status
            }
            #expect(status == 408)
        }
    }

    @Test("that end early fail, cancel and complete their request")
    func disconnect() async throws {
        struct Outcome: Sendable {
            var error: String?
            var isCancelled = false
            var completions: [Bool] = []
        }
        let outcome = Mutex(Outcome())
        try await withConnector(handler: { request in
            request.state.onCompletion { completion in outcome.withLock { $0.completions.append(completion.isComplete) } }
            do {
                _ = try await request.body.collect(upTo: .max)
            } catch {
                outcome.withLock {
                    $0.error = "\(error)"
                    $0.isCancelled = Task.isCancelled
                }
            }
            return .text("too late")
        }) { connector, port in
            for isReset in [false, true] {
                outcome.withLock { $0 = Outcome() }
                try await blocking {
                    let client = try RawClient(port: port)
                    try client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\nabc")
                    Thread.sleep(forTimeInterval: 0.05)
                    if isReset { client.reset() } else { client.close() }
                }
                #expect(try await eventually { outcome.withLock { $0.completions.count == 1 && $0.error != nil } })
                #expect(try await eventually { connector.counters.currentRequests == 0 && connector.counters.currentConnections == 0 })
            }
        }
    }

    @Test("are not read faster than the application takes them")
    func backPressure() async throws {
        let isReleased = Mutex(false)
        try await withConnector(
            { $0.rxBufSize = 65536 },
            handler: { request in
                while !isReleased.withLock({ $0 }) { try? await Task.sleep(for: .milliseconds(20)) }
                return await application(request)
            }
        ) { _, port in
            let (stalledAt, reply) = try await blocking {
                let client = try RawClient(port: port)
                var size: Int32 = 65536
                setsockopt(client.descriptor, SOL_SOCKET, SO_SNDBUF, &size, 4)
                let total = 16 << 20
                try client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: \(total)\r\nConnection: close\r\n\r\n")
                // Sends until nothing moves for a while.
                let flags = fcntl(client.descriptor, F_GETFL)
                _ = fcntl(client.descriptor, F_SETFL, flags | O_NONBLOCK)
                let piece = [UInt8](repeating: 7, count: 65536)
                var sent = 0
                var quiet = 0
                while quiet < 20, sent < total {
                    let result = piece.withUnsafeBytes {
                        Glibc.send(client.descriptor, $0.baseAddress!, min(65536, total - sent), Int32(MSG_NOSIGNAL))
                    }
                    if result > 0 {
                        sent += result
                        quiet = 0
                    } else {
                        quiet += 1
                        Thread.sleep(forTimeInterval: 0.02)
                    }
                }
                let stalledAt = sent
                _ = fcntl(client.descriptor, F_SETFL, flags)
                isReleased.withLock { $0 = true }
                nonisolated(unsafe) let sender = client
                Thread.detachNewThread { try? sender.send([UInt8](repeating: 7, count: total - stalledAt)) }
                return (stalledAt, try client.reply().body.count)
            }
            #expect(stalledAt < 2 << 20)
            #expect(reply == 16 << 20)
        }
    }
}

/// FNV-1a, 64 bits.
struct Checksum {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ bytes: [UInt8]) {
        bytes.withUnsafeBufferPointer { bytes in
            var value = self.value
            for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
            self.value = value
        }
    }
}
