import Foundation
import Testing

/// What `conf/logging.properties` promises to an operator.
@Suite struct LoggingTests {
    @Test func jsonIsAllThatIsWrittenWhenAskedFor() async throws {
        let base = try await ServalProcess.makeBase()
        // An attribute that is not known, and an access log that cannot be written.
        let xml = try base.read("conf/server.xml").replacingOccurrences(of: "redirectPort=", with: "redirctPort=")
        try base.write(xml.replacingOccurrences(of: "directory=\"logs\"", with: "directory=\"/proc\""), to: "conf/server.xml")
        let start = try await Command.run(Command.serval, ["start", "--log-format", "json", "--base", base.path])
        #expect(start.exitCode == 0, "\(start.errors)")
        #expect(try await Command.run(Command.serval, ["stop", "--base", base.path]).exitCode == 0)
        let lines = try base.read("logs/serval.out").split(separator: "\n")
        #expect(lines.contains { $0.contains("did you mean") })
        #expect(lines.contains { $0.contains("access log") })
        for line in lines { #expect(throws: Never.self, "\(line)") { try JSONSerialization.jsonObject(with: Data(line.utf8)) } }
    }

    @Test func aStartThatFailsTellsOnlyItsOwnReasons() async throws {
        let base = try await ServalProcess.makeBase()
        try base.write("old line\n", to: "logs/serval.out")
        let xml = try base.read("conf/server.xml")
        try base.write(xml.replacingOccurrences(of: "connectionTimeout=\"20000\"", with: "connectionTimeout=\"${time}\""), to: "conf/server.xml")
        let start = try await Command.run(Command.serval, ["start", "-Dtime=soon", "--base", base.path])
        #expect(start.exitCode == 1)
        #expect(start.errors.contains("found \"soon\""), "\(start.errors)")
        #expect(!start.errors.contains("old line"))
        let check = try await Command.run(Command.serval, ["configtest", "-Dtime=20000", "--base", base.path])
        #expect(check.exitCode == 0, "\(check.errors)")
    }

    @Test("H01 H02: failed handshakes are logged if asked for", arguments: [true, false])
    func failedHandshakesAreLoggedIfAskedFor(_ isAskedFor: Bool) async throws {
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
