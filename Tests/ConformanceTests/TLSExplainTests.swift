import Foundation
import Testing

/// `serval tls explain` and `serval reload`, as an operator uses them.
struct TLSExplainTests {
    /// A base directory with three TLS hosts.
    private static func makeBase() async throws -> TemporaryFolder {
        let base = try await ServalProcess.makeBase()
        for name in ["www.example.com", "*.example.com"] {
            let file = base.path + "/conf/\(name.replacing("*", with: "any")).p12"
            let result = try await Command.run(
                Command.keytool,
                [
                    "-genkeypair", "-alias", "site", "-keyalg", "EC", "-keystore", file, "-storepass", "changeit", "-dname", "CN=\(name)", "-ext",
                    "san=dns:\(name)", "-validity", "90",
                ]
            )
            #expect(result.exitCode == 0, "\(result.output)\(result.errors)")
        }
        let hosts = """
            <SSLHostConfig hostName="www.example.com" protocols="TLSv1.3">
              <Certificate certificateKeystoreFile="conf/www.example.com.p12" certificateKeystorePassword="changeit"/>
            </SSLHostConfig>
            <SSLHostConfig hostName="*.example.com" certificateVerification="required" caCertificateFile="conf/localhost.pem">
              <Certificate certificateKeystoreFile="conf/any.example.com.p12" certificateKeystorePassword="changeit"/>
            </SSLHostConfig>
            """
        let xml = try base.read("conf/server.xml").replacing("</SSLHostConfig>", with: "</SSLHostConfig>\n\(hosts)", maxReplacements: 1)
        try base.write(xml, to: "conf/server.xml")
        return base
    }

    private struct Explanation: Decodable {
        struct Certificate: Decodable { var names: [String] }
        struct Finding: Decodable { var message: String }
        var hostName: String
        var reason: String
        var protocols: [String]
        var groups: [String]
        var certificates: [Certificate]
        var clientAuthentication: String
        var findings: [Finding]
    }

    @Test func theHostAndItsReasonAreShown() async throws {
        let base = try await Self.makeBase()
        func explain(_ name: String?) async throws -> Explanation {
            let sni = name.map { ["--sni", $0] } ?? []
            let result = try await Command.run(Command.serval, ["tls", "explain", "--base", base.path, "--json"] + sni)
            #expect(result.exitCode == 0, "\(result.errors)")
            return try #require(JSONDecoder().decode([Explanation].self, from: Data(result.output.utf8)).first)
        }
        let exact = try await explain("WWW.example.com")
        #expect(exact.hostName == "www.example.com" && exact.reason.contains("has this hostName"))
        #expect(exact.protocols == ["TLSv1.3"] && exact.certificates[0].names == ["www.example.com"] && exact.clientAuthentication.hasPrefix("none"))
        let wildcard = try await explain("shop.example.com")
        #expect(wildcard.hostName == "*.example.com" && wildcard.reason.contains("wildcard"))
        #expect(wildcard.clientAuthentication.hasPrefix("required"))
        #expect(!wildcard.findings.contains { $0.message.contains("is not for") })
        let unknown = try await explain("a.b.example.com")
        #expect(unknown.hostName == "_default_" && unknown.reason.contains("default"))
        #expect(unknown.findings.contains { $0.message.contains("is not for [a.b.example.com] but for localhost") })
        #expect(try await explain(nil).reason.contains("no server name"))
        #expect(try await explain("192.0.2.1").reason.contains("IP address"))
        let text = try await Command.run(Command.serval, ["tls", "explain", "--base", base.path, "--sni", "www.example.com"])
        for words in ["conf/server.xml:", "OpenSSL 3", "TLS_AES_256_GCM_SHA384", "SHA-256 ", "conf/www.example.com.p12", "strictSni"] {
            #expect(text.output.contains(words), "\(words) in \(text.output)")
        }
    }

    @Test func whatWouldNotStartIsTold() async throws {
        let base = try await Self.makeBase()
        try FileManager.default.removeItem(atPath: base.path + "/conf/keystore.pass")
        try Data("wrong".utf8).write(to: URL(fileURLWithPath: base.path + "/conf/keystore.pass"))
        let result = try await Command.run(Command.serval, ["tls", "explain", "--base", base.path])
        #expect(result.exitCode == 1 && result.errors.contains("keystore password was incorrect"), "\(result.errors)")
        let port = try await Command.run(Command.serval, ["tls", "explain", "--base", base.path, "--port", "1"])
        #expect(port.exitCode == 1 && port.errors.contains("no TLS connector has the port 1"))
    }

    @Test func reloadTellsItsResult() async throws {
        let server = try await ServalProcess.start()
        let same = try await Command.run(Command.serval, ["reload", "--base", server.base.path])
        #expect(same.exitCode == 0 && same.output.contains("reloaded, nothing has changed"), "\(same.output)\(same.errors)")
        let store = server.base.path + "/conf/localhost.p12"
        let password = try server.base.read("conf/keystore.pass").split(separator: "\n")[0]
        try FileManager.default.removeItem(atPath: store)
        let made = try await Command.run(
            Command.keytool,
            ["-genkeypair", "-alias", "new", "-keyalg", "EC", "-keystore", store, "-storepass", String(password), "-dname", "CN=localhost"]
        )
        #expect(made.exitCode == 0)
        let new = try await Command.run(Command.serval, ["reload", "--base", server.base.path])
        #expect(new.exitCode == 0 && new.output.contains("reloaded"), "\(new.output)\(new.errors)")
        try Data("not a key store".utf8).write(to: URL(fileURLWithPath: store))
        let failed = try await Command.run(Command.serval, ["reload", "--base", server.base.path])
        #expect(failed.exitCode == 1 && failed.errors.contains("the old certificates stay in use"), "\(failed.errors)")
        #expect(failed.errors.contains(store))
        #expect(!failed.errors.contains("server.xml has changed"))
        try server.base.write(server.base.read("conf/server.xml") + "\n", to: "conf/server.xml")
        let hinted = try await Command.run(Command.serval, ["reload", "--base", server.base.path])
        #expect(hinted.errors.contains("conf/server.xml has changed since the start: a reload reads certificates and keys only"), "\(hinted.errors)")
        let answer = try await server.curl("/examples/plain", ["--insecure"])
        #expect(answer.output == "Hello, world!")
    }

    /// What OpenSSL's commands make of a host is what is shown, and what they override is told.
    @Test func whatCommandsOfOpenSSLChangeIsShown() async throws {
        let base = try await ServalProcess.makeBase()
        let xml = try base.read("conf/server.xml")
        func write(_ attribute: String, _ command: String) throws {
            let open = try #require(xml.firstRange(of: "<SSLHostConfig"))
            let close = try #require(xml.firstRange(of: "</SSLHostConfig>"))
            let inside = xml[open.upperBound..<close.lowerBound]
            let certificates = try #require(inside.firstRange(of: "<Certificate"))
            try base.write(
                xml[..<open.lowerBound] + "<SSLHostConfig \(attribute)>" + inside[certificates.lowerBound...]
                    + "<OpenSSLConf>\(command)</OpenSSLConf>"
                    + xml[close.lowerBound...],
                to: "conf/server.xml"
            )
        }
        try write("protocols='TLSv1.2+TLSv1.3'", "<OpenSSLConfCmd name='MaxProtocol' value='TLSv1.2'/><OpenSSLConfCmd name='Groups' value='P-384'/>")
        let told = try await Command.run(Command.serval, ["tls", "explain", "--base", base.path, "--json"])
        let explanation = try #require(JSONDecoder().decode([Explanation].self, from: Data(told.output.utf8)).first)
        #expect(explanation.protocols == ["TLSv1.2"] && explanation.groups == ["secp384r1"])
        let words = "OpenSSLConfCmd [MaxProtocol] overrides protocols [TLSv1.2+TLSv1.3]: the host speaks [TLSv1.2] now"
        #expect(explanation.findings.contains { $0.message.contains(words) })
        let check = try await Command.run(Command.serval, ["configtest", "--base", base.path])
        #expect(check.exitCode == 0 && check.errors.contains(words), "\(check.errors)")
        try write("protocols='TLSv1.3'", "<OpenSSLConfCmd name='MinProtocol' value='TLSv1'/>")
        for arguments in [["configtest"], ["tls", "explain"], ["run"]] {
            let refused = try await Command.run(Command.serval, arguments + ["--base", base.path])
            #expect(refused.exitCode == 1 && refused.errors.contains("which is weaker than what the attribute says"), "\(refused.errors)")
        }
    }

    /// Signals that come faster than reloads are done become one, and none when the server stops.
    @Test func signalsDoNotQueue() async throws {
        let server = try await ServalProcess.start()
        func count() -> Int { server.errors.split(separator: "\n").count { $0.contains("certificates reloaded") } }
        for _ in 0..<400 {
            server.signal(SIGHUP)
            try await Task.sleep(for: .milliseconds(1))
        }
        let before = count()
        for _ in 0..<30 where count() == before { try await Task.sleep(for: .milliseconds(100)) }
        try await Task.sleep(for: .seconds(2))
        #expect(count() > 0 && count() <= before + 3, "\(before), \(count())")
        for _ in 0..<200 {
            server.signal(SIGHUP)
            try await Task.sleep(for: .milliseconds(1))
        }
        server.signal(SIGTERM)
        #expect(try await server.waitForExit() == 0)
        let rest = server.errors.split(separator: "stopping: no new connections").last ?? ""
        // One may have been under way.
        #expect(rest.split(separator: "\n").count { $0.contains("certificates reloaded") } <= 1, "\(rest)")
    }
}
