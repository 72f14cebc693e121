import Foundation
import Testing

/// The connector examples of Tomcat's documentation, verbatim but for the port (features D01, D13, E01, E07), and what goes wrong with them.
@Suite struct ConnectorExampleTests {
    private static let attributesOfExampleD01 = """
        protocol="org.apache.coyote.http11.Http11NioProtocol" port="8443" maxThreads="200" scheme="https" secure="true" SSLEnabled="true"
        keystoreFile="${user.home}/.keystore" keystorePass="changeit" clientAuth="false" sslProtocol="TLS"
        """

    private static func serverXML(_ connector: String) -> String {
        ServalProcess.withFreePorts(
            """
            <?xml version="1.0" encoding="UTF-8"?>
            <Server port="8005" shutdown="SHUTDOWN">
              <Service name="Catalina">
                \(connector)
                <Engine name="Catalina" defaultHost="localhost">
                  <Host name="localhost" appBase="webapps" unpackWARs="true" autoDeploy="true"/>
                </Engine>
              </Service>
            </Server>
            """
        )
    }

    /// A home directory with the key store that `keytool -genkey -alias tomcat -keyalg RSA` makes there.
    private static func makeHome(keytool: String = Command.keytool) async throws -> TemporaryFolder {
        let home = try TemporaryFolder()
        let result = try await Command.run(
            keytool,
            [
                "-genkey", "-alias", "tomcat", "-keyalg", "RSA", "-dname", "CN=localhost", "-ext", "san=dns:localhost", "-storepass", "changeit",
                "-keystore", home.path + "/.keystore",
            ]
        )
        try #require(result.exitCode == 0, "\(result.output)\(result.errors)")
        return home
    }

    private static func expectHTTPS(_ server: ServalProcess) async throws {
        let answer = try await server.curl("/examples/plain", ["-k"])
        #expect(answer.exitCode == 0, "\(answer.errors)\n\(server.errors)")
        #expect(answer.output == "Hello, world!")
    }

    @Test("D01 D07", arguments: ["serval-keytool", "keytool"]) func exampleD01(keytool: String) async throws {
        let home = try await Self.makeHome(keytool: keytool == "keytool" ? keytool : Command.keytool)
        let server = try await ServalProcess.start(
            serverXML: Self.serverXML("<Connector \(Self.attributesOfExampleD01)/>"),
            environment: ["HOME": home.path]
        )
        try await Self.expectHTTPS(server)
    }

    @Test("D13 D16 D17") func exampleD13() async throws {
        let connector = """
            <Connector protocol="org.apache.coyote.http11.Http11AprProtocol" port="8443" maxThreads="200" scheme="https" secure="true" SSLEnabled="true"
              SSLCertificateFile="conf/server.crt" SSLCertificateKeyFile="conf/server.pem" SSLVerifyClient="optional" SSLProtocol="TLSv1+TLSv1.1+TLSv1.2"/>
            """
        let server = try await ServalProcess.start(serverXML: Self.serverXML(connector)) { base in
            try await Self.makePEM(base, certificate: "conf/server.crt", key: "conf/server.pem")
        }
        try await Self.expectHTTPS(server)
        let newer = try await server.curl("/examples/plain", ["-k", "--tlsv1.3"])
        #expect(newer.exitCode == 35)
    }

    @Test("E01 E03 E04") func exampleE01() async throws {
        let home = try await Self.makeHome()
        let connector = """
            <Connector protocol="org.apache.coyote.http11.Http11NioProtocol" port="8443" maxThreads="150" SSLEnabled="true">
              <SSLHostConfig>
                <Certificate certificateKeystoreFile="${user.home}/.keystore" certificateKeystorePassword="changeit" type="RSA"/>
              </SSLHostConfig>
            </Connector>
            """
        let server = try await ServalProcess.start(serverXML: Self.serverXML(connector), environment: ["HOME": home.path])
        try await Self.expectHTTPS(server)
        let facts = try await server.curl("/examples/headers", ["-k"])
        #expect(facts.output.contains("\"scheme\":\"https\""))
        #expect(facts.output.contains("\"secure\":true"))
    }

    @Test("E07 E08 E09 E10") func exampleE07() async throws {
        let connector = """
            <Connector protocol="org.apache.coyote.http11.Http11NioProtocol" port="8443" maxThreads="150" SSLEnabled="true">
              <SSLHostConfig>
                <Certificate certificateKeyFile="conf/localhost-rsa-key.pem" certificateFile="conf/localhost-rsa-cert.pem"
                  certificateChainFile="conf/localhost-rsa-chain.pem" type="RSA"/>
              </SSLHostConfig>
            </Connector>
            """
        let server = try await ServalProcess.start(serverXML: Self.serverXML(connector)) { base in
            try await Self.makePEM(base, certificate: "conf/localhost-rsa-cert.pem", key: "conf/localhost-rsa-key.pem")
            try base.write(try base.read("conf/localhost-rsa-cert.pem"), to: "conf/localhost-rsa-chain.pem")
        }
        try await Self.expectHTTPS(server)
    }

    private static func makePEM(_ base: TemporaryFolder, certificate: String, key: String) async throws {
        let result = try await Command.run(
            "openssl",
            [
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "1", "-keyout", base.path + "/" + key,
                "-out", base.path + "/" + certificate,
            ]
        )
        try #require(result.exitCode == 0, "\(result.errors)")
    }

    @Test("H03: one line with the path") func missingKeyStoreIsOneLineWithThePath() async throws {
        let home = try TemporaryFolder()
        let lines = try await Self.failedStart(Self.attributesOfExampleD01, home: home)
        #expect(lines.count == 1, "\(lines)")
        #expect(lines.first?.contains(home.path + "/.keystore") == true, "\(lines)")
    }

    @Test("H07 H09: one line with path and cause") func wrongPasswordIsOneLineWithPathAndCause() async throws {
        let home = try await Self.makeHome()
        let lines = try await Self.failedStart(
            Self.attributesOfExampleD01.replacingOccurrences(of: "\"changeit\"", with: "\"Changeit\""),
            home: home
        )
        #expect(lines.count == 1, "\(lines)")
        #expect(lines.first?.contains(home.path + "/.keystore") == true, "\(lines)")
        #expect(lines.first?.contains("password was incorrect") == true, "\(lines)")
        #expect(lines.first?.contains("Changeit") == false, "\(lines)")
    }

    @Test("H10: one line with path and cause") func wrongAliasIsOneLineWithPathAndCause() async throws {
        let home = try await Self.makeHome()
        let lines = try await Self.failedStart(Self.attributesOfExampleD01 + " keyAlias=\"jerry\"", home: home)
        #expect(lines.count == 1, "\(lines)")
        #expect(lines.first?.contains(home.path + "/.keystore") == true, "\(lines)")
        #expect(lines.first?.contains("jerry") == true, "\(lines)")
    }

    /// The lines that are neither a warning nor information, of a start that must fail with exit code 1.
    private static func failedStart(_ attributes: String, home: TemporaryFolder) async throws -> [Substring] {
        let base = try await ServalProcess.makeBase(serverXML: Self.serverXML("<Connector \(attributes)/>"))
        let result = try await Command.run(Command.serval, ["run", "--base", base.path], environment: ["HOME": home.path])
        #expect(result.exitCode == 1)
        return result.errors.split(separator: "\n").filter { line in
            ![" WARN", " INFO", " NOTICE", ": warning:", ": info:"].contains { line.contains($0) }
        }
    }
}
