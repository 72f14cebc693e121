import Foundation
import Logging
import Serval
import ServalContainer
import ServalTLS
import ServalTesting
import Synchronization
import Testing

/// Certificates that are replaced while a server runs.
struct CertificateReloadTests {
    /// A server whose certificate is in files, and what it said of reloads.
    private final class Site: Sendable {
        let folder: URL
        let authority: TestCertificateAuthority
        let results = Mutex<[CertificateReload]>([])
        let log = LogLines()

        init() throws {
            folder = FileManager.default.temporaryDirectory.appendingPathComponent("serval-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            authority = try TestCertificateAuthority()
            try Data(authority.certificatePEM.utf8).write(to: folder.appendingPathComponent("ca.pem"))
        }

        deinit { try? FileManager.default.removeItem(at: folder) }

        func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

        func write(certificate identity: TestIdentity) throws {
            try Data(identity.certificatePEM.utf8).write(to: folder.appendingPathComponent("site.crt"), options: .atomic)
        }

        func write(keyOf identity: TestIdentity) throws {
            try Data(identity.keyPEM.utf8).write(to: folder.appendingPathComponent("site.key"), options: .atomic)
        }

        /// Runs a server while `body` runs.
        func run(
            watching interval: Duration?,
            renewing renewal: CertificateReloadDefinition? = nil,
            _ body: @escaping @Sendable (Server, Int) async throws -> Void
        ) async throws {
            var tls = TLSHostConfiguration(certificates: [.init(source: .pem(certificate: path("site.crt"), key: path("site.key")))])
            tls.hostName = TLSHostConfiguration.defaultHostName
            var configuration = ServerConfiguration()
            configuration.connectors = [.https(port: 0, address: "127.0.0.1", hosts: [tls])]
            configuration.connectors[0].certificateWatchInterval = interval
            configuration.certificateReload = renewal
            let (ready, continuation) = AsyncStream<Int>.makeStream()
            let server = Server(
                configuration: configuration,
                applications: [WebApplication(path: "/") { $0.addServlet("hello", HelloServlet()).map("/hello") }],
                logger: log.logger,
                onReady: { server in continuation.yield(server.localPorts[0]) },
                onReload: { reloads in self.results.withLock { $0 += reloads } }
            )
            try await withThrowingTaskGroup { group in
                group.addTask { try await server.run() }
                var iterator = ready.makeAsyncIterator()
                let port = try #require(await iterator.next())
                try await body(server, port)
                group.cancelAll()
                try await group.waitForAll()
            }
        }

        /// The serial number of the certificate that a new client gets, in hexadecimal digits.
        func serial(_ port: Int) async throws -> String {
            let result = try await Shell.run(
                "echo | openssl s_client -connect 127.0.0.1:\(port) -servername localhost -CAfile \(path("ca.pem")) -verify_return_error 2>/dev/null"
                    + " | openssl x509 -noout -serial"
            )
            return result.replacing("serial=", with: "").trimmingCharacters(in: .whitespacesAndNewlines)
        }

        func serial(of identity: TestIdentity) async throws -> String {
            let file = path("\(UUID().uuidString).pem")
            try Data(identity.certificatePEM.utf8).write(to: URL(fileURLWithPath: file))
            let text = try await Shell.run("openssl x509 -noout -serial -in \(file)")
            return text.replacing("serial=", with: "").trimmingCharacters(in: .whitespacesAndNewlines)
        }

        /// Waits until new clients get `identity`.
        func waitFor(_ identity: TestIdentity, _ port: Int) async throws {
            let wanted = try await serial(of: identity)
            for _ in 0..<300 {
                if try await serial(port) == wanted { return }
                try await Task.sleep(for: .milliseconds(50))
            }
            Issue.record("the certificate \(wanted) is not in use; results: \(results.withLock { $0 })")
        }
    }

    private struct HelloServlet: HTTPServlet {
        func get(_ request: Request) async throws -> Response { .text("hello") }
    }

    @Test func aReloadTakesAllOrNothingAndTellsBoth() async throws {
        let site = try Site()
        let (one, two, three) = (try site.authority.issue(), try site.authority.issue(), try site.authority.issue())
        try site.write(certificate: one)
        try site.write(keyOf: one)
        try await site.run(watching: nil) { server, port in
            try await site.waitFor(one, port)
            // Half of it: the old one stays.
            try site.write(certificate: two)
            let failed = server.reloadCertificates()
            #expect(failed.count == 1 && failed[0].error?.code == .keyMismatch && failed[0].connector == "https-\(port)")
            #expect(failed[0].error?.message.contains("site.crt") == true)
            #expect(try await site.serial(port) == site.serial(of: one))
            try site.write(keyOf: two)
            let done = server.reloadCertificates()
            #expect(done.count == 1 && done[0].error == nil && done[0].trigger == .request)
            #expect(done[0].replacement.added.count == 1 && done[0].replacement.removed.count == 1)
            #expect(try await site.serial(port) == site.serial(of: two))
            // The same again changes nothing.
            #expect(server.reloadCertificates()[0].replacement.added.isEmpty)
            // Nobody is served by an expired certificate because of a slip.
            let expired = try site.authority.issue(validFor: -3600)
            try site.write(certificate: expired)
            try site.write(keyOf: expired)
            #expect(server.reloadCertificates()[0].error?.code == .certificateNotValid)
            #expect(try await site.serial(port) == site.serial(of: two))
            // Nor by a file that is cut off, or gone.
            try Data(try three.certificatePEM.utf8.prefix(200)).write(to: URL(fileURLWithPath: site.path("site.crt")))
            #expect(server.reloadCertificates()[0].error?.code == .invalidKeyMaterial)
            try FileManager.default.removeItem(atPath: site.path("site.crt"))
            #expect(server.reloadCertificates()[0].error?.code == .fileNotFound)
            #expect(try await site.serial(port) == site.serial(of: two))
            // Without a watch nothing happens by itself.
            try site.write(certificate: three)
            try site.write(keyOf: three)
            try await Task.sleep(for: .milliseconds(300))
            #expect(try await site.serial(port) == site.serial(of: two))
        }
        #expect(
            site.results.withLock { $0.map { $0.error?.code.name } } == [
                "key-mismatch", nil, nil, "certificate-not-valid", "invalid-key-material", "file-not-found",
            ]
        )
    }

    @Test func filesAreWatched() async throws {
        let site = try Site()
        let identities = try (0..<4).map { _ in try site.authority.issue() }
        try site.write(certificate: identities[0])
        try site.write(keyOf: identities[0])
        try await site.run(watching: .milliseconds(100)) { _, port in
            try await site.waitFor(identities[0], port)
            // The key comes later than the certificate.
            try site.write(certificate: identities[1])
            try await Task.sleep(for: .milliseconds(350))
            try site.write(keyOf: identities[1])
            try await site.waitFor(identities[1], port)
            #expect(site.results.withLock { $0.allSatisfy { $0.error == nil && $0.trigger == .fileChange } })
            // As certbot and Kubernetes do it: a link is set to another folder.
            for index in [2, 3] {
                let folder = site.path("live-\(index)")
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
                try Data(identities[index].certificatePEM.utf8).write(to: URL(fileURLWithPath: folder + "/site.crt"))
                try Data(identities[index].keyPEM.utf8).write(to: URL(fileURLWithPath: folder + "/site.key"))
                for name in ["site.crt", "site.key"] {
                    let link = site.path(name)
                    try FileManager.default.createSymbolicLink(atPath: link + ".new", withDestinationPath: folder + "/" + name)
                    #expect(rename(link + ".new", link) == 0)
                }
                try await site.waitFor(identities[index], port)
            }
            // What never fits is told, once, and the old one stays.
            try site.write(certificate: identities[0])
            for _ in 0..<300 where site.results.withLock({ $0.last?.error }) == nil { try await Task.sleep(for: .milliseconds(50)) }
            #expect(site.results.withLock { $0.last?.error?.code } == .keyMismatch)
            #expect(try await site.serial(port) == site.serial(of: identities[3]))
        }
        #expect(site.results.withLock { $0.count { $0.error != nil } } == 1)
    }

    @Test func whatExpiresSoonIsLoadedAgain() async throws {
        let site = try Site()
        let (soon, late) = (try site.authority.issue(validFor: 3 * 86400), try site.authority.issue(validFor: 60 * 86400))
        try site.write(certificate: soon)
        try site.write(keyOf: soon)
        var renewal = CertificateReloadDefinition()
        renewal.checkPeriod = .milliseconds(100)
        @Sendable func loads() -> Int { site.results.withLock { $0.count { $0.trigger == .expiry } } }
        @Sendable func wait(for count: Int) async throws {
            for _ in 0..<600 where loads() < count { try await Task.sleep(for: .milliseconds(50)) }
            #expect(loads() >= count)
        }
        try await site.run(watching: nil, renewing: renewal) { _, port in
            // Nobody replaces it: it is loaded again and again, and told of once.
            try await wait(for: 4)
            #expect(site.log.count("a certificate that expires soon was loaded again") == 1)
            #expect(site.log.count("certificates reloaded") == 0)
            // Half of a new one: the old one stays, and that is told once, too.
            try site.write(certificate: late)
            for _ in 0..<600 where site.results.withLock({ $0.last?.error }) == nil { try await Task.sleep(for: .milliseconds(50)) }
            try await wait(for: loads() + 3)
            #expect(site.log.count("certificates not reloaded") == 1)
            #expect(try await site.serial(port) == site.serial(of: soon))
            try site.write(keyOf: late)
            try await site.waitFor(late, port)
            #expect(site.log.count("certificates reloaded") == 1)
            #expect(site.results.withLock { $0.last?.error == nil && $0.last?.replacement.added.count == 1 })
            // Now there is time, so nothing is loaded any more.
            let count = loads()
            try await Task.sleep(for: .milliseconds(500))
            #expect(loads() == count)
        }
        #expect(site.results.withLock { $0.allSatisfy { $0.trigger == .expiry } })
        #expect(site.log.count("a certificate that expires soon was loaded again") == 1)
    }

    @Test func connectionsLiveOnWithTheOldCertificate() async throws {
        let site = try Site()
        let (one, two) = (try site.authority.issue(), try site.authority.issue())
        try site.write(certificate: one)
        try site.write(keyOf: one)
        try await site.run(watching: nil) { server, port in
            // A client that asks twice on one connection, with the reload between.
            let go = site.path("go")
            let client = Task {
                try await Shell.run(
                    "( printf 'GET /hello HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n'; while [ ! -e \(go) ]; do sleep 0.05; done; "
                        + "printf 'GET /hello HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n'; sleep 1 ) | "
                        + "openssl s_client -quiet -connect 127.0.0.1:\(port) -servername localhost -CAfile \(site.path("ca.pem")) 2>/dev/null"
                )
            }
            try await Task.sleep(for: .milliseconds(500))
            try site.write(certificate: two)
            try site.write(keyOf: two)
            #expect(server.reloadCertificates()[0].error == nil)
            #expect(FileManager.default.createFile(atPath: go, contents: nil))
            let answers = try await client.value
            #expect(answers.components(separatedBy: "HTTP/1.1 200").count == 3, "\(answers)")
            try await site.waitFor(two, port)
        }
    }
}
