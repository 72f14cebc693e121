#if os(Linux)
    import Foundation
    import Logging
    import NIOCore
    import Serval
    import ServalServlet
    import ServalTLS
    import ServalTesting
    import Testing

    /// Whether event loops are held up: by work that blocks, for more than a millisecond; by work that computes, for so long that clients would notice.
    struct EventLoopBlockingTests {
        /// Milliseconds.
        private static let longestBlock = 1.0

        private struct WatchServlet: HTTPServlet {
            let watchdog: EventLoopWatchdog

            func get(_ request: Request) async throws -> Response {
                watchdog.watchThisLoop()
                return .text("watched")
            }
        }

        /// Answers with a file that is on the disk only.
        private struct ColdFileServlet: HTTPServlet {
            static let length = 3_000_000
            let path: String

            func get(_ request: Request) async throws -> Response {
                let file = OpenFile(descriptor: open(path, O_RDONLY | O_CLOEXEC))
                #expect(posix_fadvise(file.descriptor, 0, 0, POSIX_FADV_DONTNEED) == 0)
                return Response(body: .file(file, offset: 0, length: Self.length))
            }
        }

        /// Milliseconds; without optimization, and with several handshakes in one turn.
        private static let longestWork = 150.0

        /// Does on the event loop what belongs elsewhere.
        private struct MisbehavingServlet: HTTPServlet {
            func get(_ request: Request) async throws -> Response {
                if request.query == "computes" {
                    let times = ThreadTimes()
                    let begin = times.read().running
                    while times.read().running - begin < 2 * longestWork {}
                } else {
                    usleep(5000)
                }
                return .text("done")
            }
        }

        /// A server with a host for everybody and one for clients with certificates.
        private final class Site: Sendable {
            let folder: URL
            let watchdog = EventLoopWatchdog()

            init() throws {
                folder = FileManager.default.temporaryDirectory.appendingPathComponent("serval-\(UUID().uuidString)")
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
                let (authority, stranger) = (try TestCertificateAuthority(), try TestCertificateAuthority(commonName: "Stranger"))
                try write("ca.pem", authority.certificatePEM)
                try write("large", String(repeating: "x", count: ColdFileServlet.length))
                // Only what has been written can be forgotten.
                let large = open(path("large"), O_RDONLY | O_CLOEXEC)
                #expect(fsync(large) == 0)
                close(large)
                for (name, identity) in [("site", try authority.issue()), ("client", try authority.issue()), ("stranger", try stranger.issue())] {
                    try write(name + ".crt", identity.certificatePEM)
                    try write(name + ".key", identity.keyPEM)
                }
            }

            deinit { try? FileManager.default.removeItem(at: folder) }

            private func write(_ name: String, _ text: String) throws { try Data(text.utf8).write(to: folder.appendingPathComponent(name)) }

            private func host(_ name: String, _ authentication: ClientAuthentication) -> TLSHostConfiguration {
                let files = CertificateConfiguration.Source.pem(certificate: path("site.crt"), key: path("site.key"))
                var host = TLSHostConfiguration(certificates: [.init(source: files)])
                host.hostName = name
                host.clientAuthentication = authentication
                return host
            }

            private func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

            func run(_ body: @escaping @Sendable (Server, Int) async throws -> Void) async throws {
                var configuration = ServerConfiguration()
                let trust = TrustSource.file(path("ca.pem"))
                configuration.connectors = [
                    .https(
                        port: 0,
                        address: "127.0.0.1",
                        hosts: [host(TLSHostConfiguration.defaultHostName, .none), host("clients.test", .required(trust: trust))]
                    )
                ]
                let (ready, continuation) = AsyncStream<Int>.makeStream()
                let watchdog = watchdog
                let large = path("large")
                let server = Server(
                    configuration: configuration,
                    applications: [
                        WebApplication(path: "/") {
                            $0.addServlet("watch", WatchServlet(watchdog: watchdog)).map("/watch")
                            $0.addServlet("large", ColdFileServlet(path: large)).map("/large")
                            $0.addServlet("misbehave", MisbehavingServlet()).map("/misbehave")
                        }
                    ],
                    logger: Logger(label: "serval.tests") { _ in SwiftLogNoOpLogHandler() },
                    onReady: { server in continuation.yield(server.localPorts[0]) }
                )
                try await withThrowingTaskGroup { group in
                    group.addTask { try await server.run() }
                    var iterator = ready.makeAsyncIterator()
                    let port = try #require(await iterator.next())
                    // New connections go to one loop after the other.
                    for _ in 0..<System.coreCount { #expect(try await self.curl(port, "/watch") == "watched") }
                    try await body(server, port)
                    watchdog.stop()
                    group.cancelAll()
                    try await group.waitForAll()
                }
            }

            /// What a client gets, over a connection of its own.
            func curl(_ port: Int, _ paths: String..., host: String = "localhost", options: String = "") async throws -> String {
                let urls = paths.map { "'https://\(host):\(port)\($0)'" }.joined(separator: " ")
                return try await Shell.run("curl -s -m 60 -k --resolve \(host):\(port):127.0.0.1 \(options) \(urls)")
            }

            /// All that clients do to a server, several at once.
            func visit(_ port: Int) async throws {
                let keys = { @Sendable (name: String) in "--cert \(self.path(name + ".crt")) --key \(self.path(name + ".key"))" }
                try await withThrowingTaskGroup { group in
                    for _ in 0..<3 {
                        group.addTask {
                            let answers = try await self.curl(port, "/watch", "/watch", "/none")
                            #expect(answers.hasPrefix("watchedwatched"))
                        }
                        group.addTask {
                            let answer = try await self.curl(port, "/watch", host: "clients.test", options: keys("client"))
                            #expect(answer == "watched")
                        }
                        for version in ["--http1.1", "--http2"] {
                            group.addTask {
                                let length = try await self.curl(port, "/large", options: "\(version) -o /dev/null -w %{size_download}")
                                #expect(length == "\(ColdFileServlet.length)")
                            }
                        }
                        // Refused: with a line in the log each.
                        for options in [keys("stranger"), ""] {
                            group.addTask {
                                let answer = try await self.curl(port, "/watch", host: "clients.test", options: options)
                                #expect(answer.isEmpty)
                            }
                        }
                        group.addTask { _ = try await Shell.run("curl -s -m 60 http://127.0.0.1:\(port)/watch") }
                        group.addTask {
                            let saved = self.path(UUID().uuidString)
                            let client = "openssl s_client -connect 127.0.0.1:\(port) -servername localhost -ign_eof"
                            let request = "printf 'GET /watch HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n'"
                            let text = try await Shell.run(
                                "\(request) | \(client) -sess_out \(saved) >/dev/null 2>&1; \(request) | \(client) -sess_in \(saved) 2>/dev/null"
                            )
                            #expect(text.contains("Reused, "))
                        }
                    }
                    try await group.waitForAll()
                }
            }
        }

        @Test func handshakesRequestsAndReloadsBlockNoEventLoop() async throws {
            let site = try Site()
            try await site.run { server, port in
                // What a server does once it may do slowly; and where threads share a lock, one that holds it may have lost its processor to another program for a
                // while. What blocks by itself does so each time.
                try await site.visit(port)
                var attempts: [EventLoopWatchdog.Findings] = []
                repeat {
                    _ = site.watchdog.takeFindings()
                    async let visits: Void = site.visit(port)
                    for _ in 0..<5 {
                        #expect(server.reloadCertificates().allSatisfy { $0.error == nil })
                        try await Task.sleep(for: .milliseconds(20))
                    }
                    try await visits
                    attempts.append(site.watchdog.takeFindings())
                } while attempts.count < 20 && (attempts.last.map(Self.isTooLong) ?? true)
                #expect(site.watchdog.loopCount > 0)
                #expect(attempts.last.map { $0.turns > 20 && !Self.isTooLong($0) } == true, "milliseconds: \(attempts)")
            }
        }

        private static func isTooLong(_ findings: EventLoopWatchdog.Findings) -> Bool {
            findings.blocked > longestBlock || findings.busy > longestWork
        }

        /// A turn of a loop is known when it is over, which may be after the response to what it did was received.
        private static func eventually(_ condition: () -> Bool) async throws -> Bool {
            for _ in 0..<500 {
                if condition() { return true }
                try await Task.sleep(for: .milliseconds(10))
            }
            return false
        }

        @Test func theWatchdogFindsWhatBlocksAndWhatComputes() async throws {
            let site = try Site()
            try await site.run { _, port in
                for _ in 0..<3 {
                    _ = site.watchdog.takeFindings()
                    let first = try await site.curl(port, "/misbehave")
                    #expect(first == "done")
                    #expect(try await Self.eventually { site.watchdog.takeFindings().blocked >= 4 })
                    let second = try await site.curl(port, "/misbehave?computes")
                    #expect(second == "done")
                    #expect(try await Self.eventually { site.watchdog.takeFindings().busy > Self.longestWork })
                }
            }
        }
    }
#endif
