import Foundation
import Testing

/// What an operator is told about TLS settings, at start and by `configtest`.
@Suite struct TLSConfigurationTests {
    /// The connector of the example, with everything on lines of its own.
    private func xml(_ xml: String, password: String, more: String = "") -> String {
        let certificate = "<Certificate certificateKeystoreFile=\"conf/localhost.p12\""
        return xml.replacing(/<SSLHostConfig[^>]*>/, with: "<SSLHostConfig\n\(more)>", maxReplacements: 1)
            .replacingOccurrences(of: "certificateKeystorePasswordFile=\"conf/keystore.pass\"", with: "certificateKeystorePassword=\"\(password)\"")
            .replacingOccurrences(of: certificate, with: certificate + "\n")
    }

    private func line(of text: String, in xml: String) -> Int {
        xml.components(separatedBy: "\n").firstIndex { $0.contains(text) }.map { $0 + 1 } ?? 0
    }

    @Test func problemsAreFoundWhereTheyAre() async throws {
        let base = try await ServalProcess.makeBase()
        let original = try base.read("conf/server.xml")
        let wrongPassword = xml(original, password: "wrong")
        try base.write(wrongPassword, to: "conf/server.xml")
        var check = try await Command.run(Command.serval, ["configtest", "--base", base.path])
        #expect(check.exitCode == 1)
        let place =
            "conf/server.xml:\(line(of: "certificateKeystorePassword=\"wrong\"", in: wrongPassword)): Connector [https-auto]: SSLHostConfig [_default_]: "
        #expect(check.errors.contains(place + "Failed to load keystore type [PKCS12] with path ["), "\(check.errors)")

        let password = try base.read("conf/keystore.pass").trimmingCharacters(in: .whitespacesAndNewlines)
        let wrongCiphers = xml(original, password: password, more: "ciphers=\"nothing\"\n")
        try base.write(wrongCiphers, to: "conf/server.xml")
        check = try await Command.run(Command.serval, ["configtest", "--base", base.path])
        #expect(check.exitCode == 1)
        #expect(
            check.errors.contains(
                "conf/server.xml:\(line(of: "ciphers=\"nothing\"", in: wrongCiphers)): Connector [https-auto]: SSLHostConfig [_default_]: "
                    + "None of the [ciphers] specified are supported by the SSL engine : [nothing]"
            ),
            "\(check.errors)"
        )

        let listener = "<Listener className=\"org.apache.catalina.core.AprLifecycleListener\" FIPSMode=\"require\"/>"
        try base.write(original.replacingOccurrences(of: "<Service ", with: listener + "<Service "), to: "conf/server.xml")
        check = try await Command.run(Command.serval, ["configtest", "--base", base.path])
        #expect(check.exitCode == 1)
        #expect(check.errors.contains("The FIPS provider must be configured as the default provider"), "\(check.errors)")
    }

    @Test func whatIsPresentedIsLogged() async throws {
        let server = try await ServalProcess.start { base in
            let line = "\norg.apache.tomcat.util.net.NioEndpoint.certificate.level = FINE\n"
            try base.write(base.read("conf/logging.properties") + line, to: "conf/logging.properties")
        }
        server.signal(SIGTERM)
        #expect(try await server.waitForExit() == 0)
        let path = server.base.path + "/conf/localhost.p12"
        #expect(
            server.errors.contains(
                "INFO serval.tls.certificate Connector [https-\(try server.port("https"))], TLS virtual host [_default_], certificate type [EC] configured from keystore "
                    + "[\(path)] using alias [tomcat] with trust store [none]"
            ),
            "\(server.errors)"
        )
        #expect(server.errors.contains(#/DEBUG serval\.tls\.certificate certificate fingerprint .*sha256=[0-9A-F:"]{95,}/#), "\(server.errors)")
    }
}
