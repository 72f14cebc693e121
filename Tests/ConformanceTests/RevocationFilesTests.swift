import Foundation
import TestPrograms
import Testing

/// Revocation lists and issuers of the real server, as files around it change.
@Suite struct RevocationFilesTests {
    /// An authority made with `openssl ca`, a certificate of the server and two clients.
    private struct Authority {
        let folder: TemporaryFolder

        init() async throws {
            self.folder = try TemporaryFolder()
            try self.folder.write("", to: "index.txt")
            try self.folder.write("01\n", to: "crlnumber")
            try self.folder.write(
                """
                [ca]
                default_ca=x
                [x]
                database=index.txt
                new_certs_dir=.
                crlnumber=crlnumber
                rand_serial=yes
                default_md=sha256
                default_crl_days=2
                policy=p
                [p]
                commonName=supplied
                [server]
                subjectAltName=DNS:localhost
                [client]
                extendedKeyUsage=clientAuth
                """,
                to: "ca.cnf"
            )
            try await self.shell("openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 30 -subj '/CN=Test CA'")
            for (name, kind) in [("localhost", "server"), ("good", "client"), ("bad", "client")] {
                try await self.shell(
                    "openssl req -newkey rsa:2048 -nodes -keyout \(name).key -out \(name).csr -subj /CN=\(name) && "
                        + "openssl ca -batch -notext -config ca.cnf -cert ca.pem -keyfile ca.key -days 9 -extensions \(kind) -in \(name).csr -out \(name).crt"
                )
            }
        }

        func shell(_ command: String) async throws {
            let result = try await Command.run("sh", ["-c", command], directory: self.folder.path)
            #expect(result.exitCode == 0, "\(command): \(result.errors)")
        }

        /// A list as it is now, set in place in one step.
        func publish(_ times: String = "", as name: String = "crl.pem") async throws {
            try await self.shell(
                "openssl ca -gencrl -config ca.cnf -cert ca.pem -keyfile ca.key \(times) -out new && mkdir -p $(dirname \(name)) && mv new \(name)"
            )
        }
    }

    private static func serverXML(_ folder: TemporaryFolder, _ attributes: String) -> String {
        """
        <Server port="-1">
          <Service name="Catalina">
            <Connector port="0" address="127.0.0.1" SSLEnabled="true" serval.certificateWatchInterval="100">
              <SSLHostConfig certificateVerification="required" caCertificateFile="\(folder.path)/ca.pem" \(attributes)>
                <Certificate certificateFile="\(folder.path)/localhost.crt" certificateKeyFile="\(folder.path)/localhost.key"/>
              </SSLHostConfig>
            </Connector>
            <Engine name="Catalina" defaultHost="localhost"><Host name="localhost" appBase="webapps"/></Engine>
          </Service>
        </Server>
        """
    }

    private static func visit(_ server: ServalProcess, _ folder: TemporaryFolder, as name: String) async throws -> CommandResult {
        try await server.curl("/examples/plain", ["-k", "--cert", "\(folder.path)/\(name).crt", "--key", "\(folder.path)/\(name).key"])
    }

    /// Waits until a client gets in, or does not any more.
    private static func waits(_ server: ServalProcess, _ folder: TemporaryFolder, until name: String, isIn: Bool) async throws -> Bool {
        for _ in 0..<100 {
            if try await (self.visit(server, folder, as: name).output == "Hello, world!") == isIn { return true }
            try await Task.sleep(for: .milliseconds(50))
        }
        return false
    }

    @Test("A changed revocation list counts without a restart, in a file and in a directory", arguments: ["file", "directory"])
    func changedList(_ kind: String) async throws {
        let authority = try await Authority()
        let folder = authority.folder
        let name = kind == "file" ? "crl.pem" : "lists/authority.crl"
        try await authority.publish(as: name)
        let attribute =
            kind == "file" ? "certificateRevocationListFile=\"\(folder.path)/crl.pem\"" : "certificateRevocationListPath=\"\(folder.path)/lists\""
        let server = try await ServalProcess.start(serverXML: Self.serverXML(folder, attribute)) { base in
            let line = "\norg.apache.tomcat.util.net.NioEndpoint.handshake.level = FINE\n"
            try base.write(base.read("conf/logging.properties") + line, to: "conf/logging.properties")
        }
        for client in ["good", "bad"] { #expect(try await Self.visit(server, folder, as: client).output == "Hello, world!", "\(server.errors)") }
        try await authority.shell("openssl ca -config ca.cnf -cert ca.pem -keyfile ca.key -revoke bad.crt")
        try await authority.publish(as: name)
        #expect(try await Self.waits(server, folder, until: "bad", isIn: false), "\(server.errors)")
        #expect(server.errors.contains("certificate revoked: [CN=bad] is in the revocation list [\(folder.path)/\(name)]"), "\(server.errors)")
        #expect(try await Self.visit(server, folder, as: "good").output == "Hello, world!")
        // A list that is cut off changes nothing.
        try folder.write("-----BEGIN X509 CRL-----\n", to: name)
        for _ in 0..<100 where !server.errors.contains("a PEM block is cut off") { try await Task.sleep(for: .milliseconds(50)) }
        #expect(server.errors.contains("[\(folder.path)/\(name)] line 1: a PEM block is cut off"), "\(server.errors)")
        #expect(try await Self.visit(server, folder, as: "good").output == "Hello, world!")
        // One that has ended lets nobody in, and says so.
        try await authority.publish("-crl_lastupdate 20200101000000Z -crl_nextupdate 20200201000000Z", as: name)
        #expect(try await Self.waits(server, folder, until: "good", isIn: false), "\(server.errors)")
        #expect(
            server.errors.contains("the revocation list of [CN=Test CA] in [\(folder.path)/\(name)] is out of date since 2020-02-01 00:00:00 UTC"),
            "\(server.errors)"
        )
    }

    @Test(
        "The issuer of the server's own certificate may be among the system's authorities; if it is nowhere, a line says whose certificate is missing"
    )
    func issuerOfTheSystem() async throws {
        let authority = try await Authority()
        try await authority.shell(
            "openssl req -x509 -newkey rsa:2048 -nodes -keyout own.key -out own.pem -days 9 -subj /CN=own -CA ca.pem -CAkey ca.key "
                + "-addext basicConstraints=critical,CA:FALSE -addext 'authorityInfoAccess=OCSP;URI:http://127.0.0.1:1/'"
        )
        let xml = Self.serverXML(authority.folder, "")
            .replacingOccurrences(of: "certificateVerification=\"required\" caCertificateFile=\"\(authority.folder.path)/ca.pem\"", with: "")
            .replacingOccurrences(of: "/localhost.", with: "/own.").replacingOccurrences(of: "/own.crt", with: "/own.pem")
        let missing = "No OCSP answer can be stapled to [CN=own]: its issuer [CN=Test CA] is neither in certificateChainFile"
        let without = try await ServalProcess.start(serverXML: xml)
        #expect(without.errors.contains(missing), "\(without.errors)")
        // Found, and asked for in vain: nobody listens there.
        let with = try await ServalProcess.start(serverXML: xml, environment: ["SSL_CERT_FILE": authority.folder.path + "/ca.pem"])
        #expect(
            !with.errors.contains(missing) && with.errors.contains("OCSP stapling: [CN=own]: http://127.0.0.1:1/ cannot be reached"),
            "\(with.errors)"
        )
    }
}
