import Foundation
import Testing

/// The command lines of Tomcat's documents, word for word but for the program's name, from the first key to a client that trusts the server.
@Suite struct DocumentWorkflowTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    /// What is typed after the store's password: the name of the site and of its owner.
    private static let owner: [Conversation.Step] = [
        .init("What is your first and last name?\n  [Unknown]:  ", "www.myside.org"),
        .init("What is the name of your organizational unit?\n  [Unknown]:  ", "Web"),
        .init("What is the name of your organization?\n  [Unknown]:  ", "My Side, Inc."),
        .init("What is the name of your City or Locality?\n  [Unknown]:  ", "Kassel"),
        .init("What is the name of your State or Province?\n  [Unknown]:  ", "Hessen"),
        .init("What is the two-letter country code for this unit?\n  [Unknown]:  ", "DE"),
        .init("correct?\n  [no]:  ", "yes"),
    ]

    private static let newPassword: [Conversation.Step] = [
        .init("Enter keystore password:  ", "secret-1"), .init("Re-enter new password: ", "secret-1"),
    ]

    private func keytool(_ line: String, _ steps: [Conversation.Step]) async throws -> CommandResult {
        try await Conversation.run(Command.keytool, line.split(separator: " ").map(String.init), steps, in: folder)
    }

    private func openssl(_ line: String) async throws -> CommandResult {
        try await Command.run("openssl", line.split(separator: " ").map(String.init), directory: folder.path)
    }

    /// A server whose only connector has this certificate element.
    private func server(_ certificate: String) async throws -> ServalProcess {
        try await ServalProcess.start(
            serverXML: """
                <Server port="-1" shutdown="SHUTDOWN"><Service name="Catalina">
                  <Connector port="0" address="127.0.0.1" SSLEnabled="true"><SSLHostConfig>\(certificate)</SSLHostConfig></Connector>
                  <Engine name="Catalina" defaultHost="localhost"><Host name="localhost" appBase="webapps"/></Engine>
                </Service></Server>
                """,
            environment: ["HOME": folder.path]
        )
    }

    /// What `openssl s_client` says about the server, trusting one certificate.
    private func client(_ server: ServalProcess, trusting path: String) async throws -> String {
        let port = try server.port("https")
        return try await openssl("s_client -connect 127.0.0.1:\(port) -servername www.myside.org -CAfile \(path)").output
    }

    /// The authority: a root of its own, which signs requests with `openssl ca`.
    private func makeAuthority() async throws {
        try folder.write(
            """
            [ca]
            default_ca = authority
            [authority]
            database = index.txt
            new_certs_dir = .
            certificate = root.pem
            private_key = root.key
            rand_serial = yes
            default_md = sha256
            default_days = 30
            policy = anything
            [anything]
            commonName = supplied
            organizationName = optional
            organizationalUnitName = optional
            localityName = optional
            stateOrProvinceName = optional
            countryName = optional

            """,
            to: "ca.cnf"
        )
        try folder.write("", to: "index.txt")
        let made = try await openssl("req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.pem -subj /CN=Authority -days 30")
        #expect(made.exitCode == 0, "\(made.errors)")
    }

    @Test(
        "B02 B03 B08 B09 B15 B16 B18 B21 B22 B23 B24 B26 F02 F03 F04 F05 F06 F11 F12 F13: from the key, by an authority, to a client that trusts the server",
        arguments: ["PKCS12", "JKS"]
    )
    func fromTheKeyToAClientThatTrusts(type: String) async throws {
        let isJKS = type == "JKS"
        // The documents name no type; JKS was the default of their time.
        let keyPassword: [Conversation.Step] =
            isJKS
            ? [
                .init("Enter key password for <tomcat>\n\t(RETURN if same as keystore password):  ", "key-secret"),
                .init("Re-enter new password: ", "key-secret"),
            ] : []
        let store = "-keystore \(folder.path)/mystore"
        let made = try await keytool(
            "-genkey -alias tomcat -keyalg RSA \(store)" + (isJKS ? " -storetype JKS" : ""),
            Self.newPassword + Self.owner + keyPassword
        )
        #expect(made.exitCode == 0, "\(made.output)")
        #expect(made.output.hasPrefix("Enter keystore password:"))
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/.keystore"))

        let opened: [Conversation.Step] = [.init("Enter keystore password:  ", "secret-1")]
        let keyOpened: [Conversation.Step] = isJKS ? [.init("Enter key password for <tomcat>", "key-secret")] : []
        let request = try await keytool("-certreq -keyalg RSA -alias tomcat -file certreq.csr \(store)", opened + keyOpened)
        #expect(request.exitCode == 0, "\(request.output)")
        #expect(try await openssl("req -in certreq.csr -verify -noout").exitCode == 0)

        try await makeAuthority()
        // Not -notext: what stands before the certificate is the authority's text about it.
        let signed = try await openssl("ca -batch -config ca.cnf -in certreq.csr -out mycert.pem")
        #expect(signed.exitCode == 0, "\(signed.errors)")

        let reply = "-import -alias tomcat \(store) -file mycert.pem"
        let early = try await keytool(reply, opened + keyOpened)
        #expect(early.exitCode == 1)
        #expect(early.output.contains("Failed to establish chain from reply"))
        let root = try await keytool(
            "-import -alias root \(store) -trustcacerts -file root.pem",
            opened + [.init("Trust this certificate? [no]:  ", "yes")]
        )
        #expect(root.output.contains("Certificate was added to keystore"), "\(root.output)")
        let installed = try await keytool(reply, opened + keyOpened)
        #expect(installed.output.contains("Certificate reply was installed in keystore"), "\(installed.output)")

        let password = isJKS ? " certificateKeyPassword=\"key-secret\"" : ""
        let running = try await server(
            "<Certificate certificateKeystoreFile=\"\(folder.path)/mystore\" certificateKeystorePassword=\"secret-1\"\(password)/>"
        )
        let seen = try await client(running, trusting: "root.pem")
        #expect(seen.contains("Verify return code: 0 (ok)"), "\(seen)")
        // What was typed is what visitors see.
        for part in ["CN = www.myside.org", "OU = Web", "O = \"My Side, Inc.\"", "L = Kassel", "ST = Hessen", "C = DE"] {
            #expect(seen.contains(part), "\(part)")
        }
        // The JDK's keytool sees the same store.
        let list = try await Command.run("keytool", ["-list", "-v", "-keystore", folder.path + "/mystore", "-storepass", "secret-1"])
        #expect(list.output.contains("Certificate chain length: 2"), "\(list.output)\(list.errors)")
        #expect(list.output.contains("Entry type: trustedCertEntry"))
    }

    @Test("A02 A03 B12 B14 B18 H04: without a path the store is .keystore in the home directory, and the JDK's keytool reads it")
    func withoutAnyPath() async throws {
        let password: [Conversation.Step] = [.init("Enter keystore password:  ", "changeit"), .init("Re-enter new password: ", "changeit")]
        let made = try await keytool("-genkey -alias tomcat -keyalg RSA", password + Self.owner)
        #expect(made.exitCode == 0, "\(made.output)")
        // In the home directory, with the password that the documents call the default.
        let list = try await Command.run("keytool", ["-list", "-v", "-keystore", folder.path + "/.keystore", "-storepass", "changeit"])
        #expect(list.output.contains("Your keystore contains 1 entry"), "\(list.output)")
        #expect(list.output.contains("Entry type: PrivateKeyEntry"))
        #expect(list.output.contains("Certificate chain length: 1"))

        let running = try await server("<Certificate certificateKeystorePassword=\"changeit\"/>")
        let exported = try await keytool("-export -rfc -alias tomcat -file own.pem", [.init("Enter keystore password:  ", "changeit")])
        #expect(exported.exitCode == 0, "\(exported.output)")
        #expect(try await client(running, trusting: "own.pem").contains("Verify return code: 0 (ok)"))
    }

    /// What a start says that must fail.
    private func failedStart(_ certificate: String) async -> String {
        do {
            _ = try await server(certificate)
            return "the server has started"
        } catch {
            return "\(error)"
        }
    }

    @Test("B17 B19 B20 B25: another place, another password and a password of the key have to be configured")
    func theServerHasToBeToldWhatIsNotTheDefault() async throws {
        let elsewhere = folder.path + "/elsewhere"
        func make(_ options: String) async throws {
            let made = try await Command.run(
                Command.keytool,
                "-genkey -alias tomcat -keyalg RSA -dname CN=www.myside.org \(options)".split(separator: " ").map(String.init)
            )
            #expect(made.exitCode == 0, "\(made.output)")
        }
        // Another place.
        try await make("-keystore \(elsewhere) -storepass changeit")
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/.keystore"))
        let missing = await failedStart("<Certificate/>")
        #expect(missing.contains("[\(folder.path)/.keystore] does not exist"), "\(missing)")
        // The default password is all in lower case.
        _ = try await server("<Certificate certificateKeystoreFile=\"\(elsewhere)\"/>")
        try await make("-keystore \(folder.path)/.keystore -storepass Changeit")
        let incorrect = await failedStart("<Certificate/>")
        #expect(incorrect.contains("[\(folder.path)/.keystore: keystore password was incorrect]"), "\(incorrect)")
        _ = try await server("<Certificate certificateKeystorePassword=\"Changeit\"/>")
        // A password of the key itself.
        try await make("-keystore \(elsewhere).jks -storetype JKS -storepass changeit -keypass key-secret")
        let store = "<Certificate certificateKeystoreFile=\"\(elsewhere).jks\""
        let closed = await failedStart("\(store)/>")
        #expect(closed.contains("Cannot recover key"), "\(closed)")
        _ = try await server("\(store) certificateKeyPassword=\"key-secret\"/>")
    }

    @Test("B03 B10: what openssl pkcs12 -export -chain writes is served with its chain")
    func theExportOfOpenSSL() async throws {
        try await makeAuthority()
        try FileManager.default.copyItem(atPath: folder.path + "/root.pem", toPath: folder.path + "/myCA.crt")
        #expect(try await openssl("req -newkey rsa:2048 -nodes -keyout mykey.key -out my.csr -subj /CN=www.myside.org").exitCode == 0)
        #expect(try await openssl("ca -batch -config ca.cnf -in my.csr -out mycert.crt").exitCode == 0)
        let exported = try await Conversation.run(
            "/usr/bin/openssl",
            "pkcs12 -export -in mycert.crt -inkey mykey.key -out mycert.p12 -name tomcat -CAfile myCA.crt -caname root -chain"
                .split(separator: " ").map(String.init),
            [.init("Enter Export Password:", "exported"), .init("Verifying - Enter Export Password:", "exported")],
            in: folder
        )
        #expect(exported.exitCode == 0, "\(exported.output)")
        let running = try await server(
            "<Certificate certificateKeystoreFile=\"\(folder.path)/mycert.p12\" certificateKeystorePassword=\"exported\" "
                + "certificateKeyAlias=\"tomcat\" certificateKeystoreType=\"PKCS12\"/>"
        )
        let seen = try await client(running, trusting: "myCA.crt")
        #expect(seen.contains("Verify return code: 0 (ok)"), "\(seen)")
        #expect(seen.contains(" 1 s:CN = Authority"))
    }
}
