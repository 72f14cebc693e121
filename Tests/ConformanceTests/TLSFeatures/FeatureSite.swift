import Foundation
import Testing

/// A base directory with an authority, certificates and connectors, for tests of what Tomcat's documents say of TLS.
final class FeatureSite: Sendable {
    /// The files of a certificate and its key, in PEM.
    struct Pair: Sendable {
        var certificate: String
        var key: String
    }

    let folder: TemporaryFolder
    let authority: Pair

    init() async throws {
        self.folder = try TemporaryFolder()
        self.authority = Pair(certificate: self.folder.path + "/ca.pem", key: self.folder.path + "/ca.key")
        try await self.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 30 -subj /CN=Authority "
                + "-addext keyUsage=critical,keyCertSign,cRLSign"
        )
    }

    func path(_ name: String) -> String { self.folder.path + "/" + name }

    /// Runs `openssl` in the folder; it has to succeed.
    @discardableResult
    func openssl(_ line: String, input: String = "") async throws -> String {
        let result = try await Command.run("openssl", line.split(separator: " ").map(String.init), input: input, directory: self.folder.path)
        #expect(result.exitCode == 0, "openssl \(line): \(result.errors)")
        return result.output
    }

    /// A certificate of the authority, or one that signs itself.
    func issue(
        _ name: String,
        names: String = "DNS:localhost",
        key: String = "ec -pkeyopt ec_paramgen_curve:P-256",
        by issuer: Pair? = nil,
        isAuthority: Bool = false,
        signsItself: Bool = false
    ) async throws -> Pair {
        let issuer = issuer ?? self.authority
        let signed = signsItself ? "" : "-CA \(issuer.certificate) -CAkey \(issuer.key) "
        let kind = isAuthority ? "-addext keyUsage=critical,keyCertSign,cRLSign" : "-addext basicConstraints=critical,CA:FALSE"
        try await self.openssl(
            "req -x509 -newkey \(key) -nodes -keyout \(name).key -out \(name).pem -days 9 -subj /CN=\(name) \(signed)-addext subjectAltName=\(names) \(kind)"
        )
        return Pair(certificate: self.path("\(name).pem"), key: self.path("\(name).key"))
    }

    /// A whole `server.xml` with these connectors.
    static func xml(_ connectors: [String], listeners: String = "", host: String = "") -> String {
        """
        <?xml version="1.0" encoding="UTF-8"?>
        <Server port="-1" shutdown="SHUTDOWN">
          \(listeners)
          <Service name="Catalina">
            \(connectors.joined(separator: "\n    "))
            <Engine name="Catalina" defaultHost="localhost"><Host name="localhost" appBase="webapps">\(host)</Host></Engine>
          </Service>
        </Server>
        """
    }

    /// What `serval configtest` says of a file; it must not be accepted if `fails`.
    static func check(_ xml: String, environment: [String: String] = [:], fails: Bool = false) async throws -> String {
        let base = try await ServalProcess.makeBase(serverXML: xml)
        let result = try await Command.run(Command.serval, ["configtest", "--base", base.path], environment: environment)
        #expect(result.exitCode == (fails ? 1 : 0), "\(result.errors)\(result.output)")
        return result.errors + result.output
    }

    /// What a start says that must fail.
    static func failedStart(_ xml: String, environment: [String: String] = [:]) async throws -> String {
        let base = try await ServalProcess.makeBase(serverXML: xml)
        let result = try await Command.run(Command.serval, ["run", "--base", base.path], environment: environment)
        #expect(result.exitCode == 1, "\(result.errors)")
        return result.errors
    }
}

extension ServalProcess {
    /// The ports of the connectors of a kind, in the order in which they started.
    func ports(_ kind: String = "https") -> [Int] {
        var ports: [Int] = []
        for line in self.errors.split(separator: "\n") where line.contains("connector started") {
            guard let found = line.firstRange(of: "=\(kind)-") else { continue }
            if let port = Int(line[found.upperBound...].prefix { $0.isNumber }) { ports.append(port) }
        }
        return ports
    }

    /// curl to one of the ports; nobody is trusted and everybody accepted unless `arguments` say otherwise.
    func get(_ port: Int, _ path: String = "/examples/plain", _ arguments: [String] = ["-k"], scheme: String = "https") async throws -> CommandResult
    {
        try await Command.run(
            "curl",
            ["-sS", "--max-time", "30", "--resolve", "localhost:\(port):127.0.0.1"] + arguments + ["\(scheme)://localhost:\(port)\(path)"]
        )
    }

    /// What `openssl s_client` says about one of the ports.
    func handshake(_ port: Int, _ line: String = "", address: String = "127.0.0.1") async throws -> String {
        let arguments = ["s_client", "-connect", "\(address):\(port)"] + line.split(separator: " ").map(String.init)
        let result = try await Command.run("openssl", arguments)
        return result.output + result.errors
    }
}
