import Foundation
import Metrics
import MetricsTestKit
import Serval
import ServalTLS
import Testing

/// What a program that embeds the server finds in its own metrics system: every name of the table in docs/operations.md.
struct ServerMetricsTests {
    /// An authority, a server's certificate that names a responder where nobody answers, two client certificates, and a list that revokes one.
    private static func makeFiles(_ folder: URL) async throws {
        let script = """
            set -e; cd \(folder.path)
            openssl() { command openssl "$@" 2>>log; }
            for name in ca server good bad; do openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $name.key; done
            openssl req -new -x509 -key ca.key -subj "/CN=Metrics CA" -days 30 -out ca.pem
            cat > ext <<END
            [server]
            subjectAltName = DNS:localhost, DNS:ocsp.test
            authorityInfoAccess = OCSP;URI:http://127.0.0.1:1/
            [client]
            extendedKeyUsage = clientAuth
            authorityInfoAccess = OCSP;URI:http://127.0.0.1:1/
            END
            issue() {
                openssl req -new -key $1.key -subj "/CN=$1" | openssl x509 -req -CA ca.pem -CAkey ca.key -days 20 -set_serial $2 -extfile ext -extensions $3 -out $1.crt
            }
            issue server 0xC0FFEE server; issue good 2 client; issue bad 3 client
            cat server.crt ca.pem > server.pem
            touch index; echo 01 > number
            printf '[ca]\\ndefault_ca=x\\n[x]\\ndatabase=index\\ncrlnumber=number\\ndefault_md=sha256\\ndefault_crl_days=7\\n' > ca.cnf
            openssl ca -config ca.cnf -cert ca.pem -keyfile ca.key -revoke bad.crt
            openssl ca -config ca.cnf -cert ca.pem -keyfile ca.key -gencrl -out list.pem
            echo made
            """
        let output = try await Shell.run(script)
        #expect(output == "made\n", "\((try? String(contentsOf: folder.appendingPathComponent("log"), encoding: .utf8)) ?? "")")
    }

    private static func configuration(_ folder: URL) -> ServerConfiguration {
        func path(_ name: String) -> String { folder.appendingPathComponent(name).path }
        func host(_ name: String) -> TLSHostConfiguration {
            var host = TLSHostConfiguration(
                hostName: name,
                certificates: [.init(source: .pem(certificate: path("server.pem"), key: path("server.key")))]
            )
            host.clientAuthentication = .optional(trust: .file(path("ca.pem")))
            return host
        }
        var listed = host("_default_")
        listed.revocationListFiles = [path("list.pem")]
        var asked = host("ocsp.test")
        asked.revocation = .softFail(OCSPSettings())
        var configuration = ServerConfiguration()
        configuration.connectors = [.https(port: 0, address: "127.0.0.1", hosts: [listed, asked])]
        configuration.connectors[0].certificateWatchInterval = .milliseconds(100)
        return configuration
    }

    @Test func everythingIsShownInTheProcessesOwnMetrics() async {
        // A process has one metrics system, and here others are tested in the same process.
        await #expect(processExitsWith: .success) {
            let system = TestMetrics()
            MetricsSystem.bootstrap(system)
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("serval-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            try await Self.makeFiles(folder)
            let (ready, continuation) = AsyncStream<Int>.makeStream()
            let server = Server(
                configuration: Self.configuration(folder),
                applications: [],
                logger: LogLines().logger,
                onReady: { continuation.yield($0.localPorts[0]) }
            )
            try await withThrowingTaskGroup { group in
                group.addTask { try await server.run() }
                var iterator = ready.makeAsyncIterator()
                let port = try #require(await iterator.next())
                try await Self.use(port, folder)
                #expect(server.reloadCertificates()[0].error == nil)
                try Data("broken".utf8).write(to: folder.appendingPathComponent("server.key"))
                #expect(server.reloadCertificates()[0].error != nil)
                try Self.check(system, port, folder)
                group.cancelAll()
                try await group.waitForAll()
            }
        }
    }

    /// Clients of all kinds.
    private static func use(_ port: Int, _ folder: URL) async throws {
        func connect(_ arguments: String, patience: Double = 0.1) async throws {
            _ = try await Shell.run(
                "cd \(folder.path); (sleep \(patience); echo Q) | openssl s_client -connect 127.0.0.1:\(port) \(arguments) >/dev/null 2>&1"
            )
        }
        // The ticket comes after the handshake.
        for attempt in 1...10 where !FileManager.default.fileExists(atPath: folder.appendingPathComponent("session").path) {
            try await connect("-tls1_3 -servername localhost -sess_out session", patience: Double(attempt) / 5)
        }
        try await connect("-tls1_3 -servername localhost -sess_in session")
        try await connect("-tls1_2 -servername localhost")
        try await connect("-tls1_1 -cipher DEFAULT@SECLEVEL=0 -servername localhost")
        try await connect("-servername ocsp.test -cert good.crt -key good.key")
        try await connect("-servername localhost -cert bad.crt -key bad.key")
    }

    private static func check(_ system: TestMetrics, _ port: Int, _ folder: URL) throws {
        func count(_ name: String, _ labels: (String, String)...) -> Int64 { (try? system.expectCounter(name, labels).totalValue) ?? 0 }
        func value(_ name: String, _ labels: (String, String)...) -> Double { (try? system.expectMeter(name, labels).lastValue) ?? -1 }
        #expect(count("serval_tls_handshakes", ("result", "full"), ("protocol", "TLSv1.3")) >= 1)
        #expect(count("serval_tls_handshakes", ("result", "resumed"), ("protocol", "TLSv1.3")) == 1)
        #expect(count("serval_tls_handshakes", ("result", "full"), ("protocol", "TLSv1.2")) == 1)
        #expect(count("serval_tls_handshakes", ("result", "failed"), ("cause", "no-shared-protocol")) == 1)
        #expect(count("serval_tls_revocation_decisions", ("decision", "let-in-without-proof")) == 1)
        #expect(count("serval_tls_reloads", ("result", "success")) == 1)
        #expect(count("serval_tls_reloads", ("result", "failure")) == 1)
        let outcomes = system.counters.filter { $0.totalValue > 0 }
        #expect(outcomes.contains { $0.label == "serval_tls_ocsp_queries" })
        #expect(outcomes.contains { $0.label == "serval_tls_ocsp_staple_fetches" })
        #expect(count("serval_tls_revocation_decisions", ("decision", "refused-revoked")) == 1)
        let now = Date.now.timeIntervalSince1970
        #expect(abs(value("serval_tls_last_reload_seconds", ("connector", "https-\(port)")) - now) < 60)
        #expect(value("serval_tls_last_reload_success", ("connector", "https-\(port)")) == 0)
        for host in ["_default_", "ocsp.test"] {
            for name in ["serval_tls_certificate_not_after_seconds", "serval_tls_chain_not_after_seconds"] {
                let left = value(name, ("host", host), ("alias", ""), ("serial", "c0ffee")) - now
                #expect(left > 19 * 86400 && left < 21 * 86400, "\(name) \(host)")
            }
            // There has never been an answer.
            #expect(value("serval_tls_staple_this_update_seconds", ("host", host), ("serial", "c0ffee")) == 0)
            #expect(value("serval_tls_staple_next_update_seconds", ("host", host), ("serial", "c0ffee")) == 0)
        }
        let list = [("host", "_default_"), ("issuer", "CN=Metrics CA"), ("file", folder.appendingPathComponent("list.pem").path)]
        let made = try system.expectMeter("serval_tls_crl_this_update_seconds", list).lastValue ?? -1
        let end = try system.expectMeter("serval_tls_crl_next_update_seconds", list).lastValue ?? -1
        #expect(abs(made - now) < 600 && abs(end - made - 7 * 86400) < 5)
    }
}
