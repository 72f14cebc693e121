import Foundation
import TestPrograms

/// The server that the cases of HTTP/2 run against, and the programs that run them.
enum HTTP2ServerFile {
    /// The attribute that lets clients change to HTTP/2 in the clear.
    static let upgrade = "serval.allowUpgrade=\"true\""

    /// Connectors on free ports: in the clear and with TLS, both with HTTP/2, with these attributes.
    static func text(connector: String = "", protocol attributes: String = "") -> String {
        let upgrade = "<UpgradeProtocol className=\"org.apache.coyote.http2.Http2Protocol\" \(attributes)/>"
        let certificate =
            "<Certificate certificateKeystoreFile=\"conf/localhost.p12\" certificateKeystorePasswordFile=\"conf/keystore.pass\" certificateKeystoreType=\"PKCS12\"/>"
        return """
            <Server port="-1">
              <Service name="Catalina">
                <Connector port="0" address="127.0.0.1" \(connector)>\(upgrade)</Connector>
                <Connector port="0" address="127.0.0.1" SSLEnabled="true" \(connector)>
                  \(upgrade)
                  <SSLHostConfig>\(certificate)</SSLHostConfig>
                  <SSLHostConfig hostName="other.example">\(certificate)</SSLHostConfig>
                </Connector>
                <Engine name="Catalina" defaultHost="localhost"><Host name="localhost" appBase="webapps"/></Engine>
              </Service>
            </Server>
            """
    }

    /// Runs a program of this folder with the system's Python, which sees the system's packages.
    static func run(_ program: String, _ arguments: [String]) async throws -> CommandResult {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path
        return try await Command.run("/usr/bin/python3", ["\(folder)/\(program)"] + arguments)
    }

    /// What is wrong with the lines that a program printed: one for each case, and no fewer than `count`.
    static func failures(in result: CommandResult, atLeast count: Int) -> [String] {
        let lines = result.output.split(separator: "\n").map(String.init)
        var failures = lines.filter { !$0.hasPrefix("ok ") }
        if lines.count < count { failures.append("only \(lines.count) cases: \(result.errors)") }
        if result.exitCode != 0 { failures.append("exit code \(result.exitCode): \(result.errors)") }
        return failures
    }
}
