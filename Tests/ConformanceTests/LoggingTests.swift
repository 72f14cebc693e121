import Foundation
import Testing

/// What `conf/logging.properties` promises to an operator.
@Suite struct LoggingTests {
    @Test(arguments: [true, false]) func failedHandshakesAreLoggedIfAskedFor(_ isAskedFor: Bool) async throws {
        let server = try await ServalProcess.start { base in
            let line = isAskedFor ? "\norg.apache.tomcat.util.net.NioEndpoint.handshake.level = FINE\n" : ""
            try base.write(base.read("conf/logging.properties") + line, to: "conf/logging.properties")
        }
        let port = try server.port("https")
        // Without --cacert: curl does not trust the certificate and ends the handshake.
        let distrust = try await Command.run("curl", ["-sS", "--max-time", "30", "https://127.0.0.1:\(port)/"])
        #expect(distrust.exitCode == 60, "\(distrust.errors)")
        _ = try await Command.run("curl", ["-sS", "--max-time", "30", "http://127.0.0.1:\(port)/"])
        #expect(try await server.curl("/").exitCode == 0)
        server.signal(SIGTERM)
        #expect(try await server.waitForExit() == 0)
        let lines = server.errors.split(separator: "\n").filter { $0.contains("handshake failed") }
        #expect(lines.count == (isAskedFor ? 2 : 0), "\(server.errors)")
        for line in lines {
            #expect(line.contains(" DEBUG serval.tls.handshake "))
            #expect(line.contains(" client=127.0.0.1 "))
            #expect(line.contains(#/\ port=[1-9][0-9]*/#))
        }
    }
}
