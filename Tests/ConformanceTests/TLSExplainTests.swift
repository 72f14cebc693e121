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
        #expect(same.exitCode == 0 && same.output.contains("reloaded, the certificates are the same"), "\(same.output)\(same.errors)")
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
        let answer = try await server.curl("/examples/plain", ["--insecure"])
        #expect(answer.output == "Hello, world!")
    }
}
