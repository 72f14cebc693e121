import Foundation
import Testing

/// A start, `serval configtest` and `serval tls explain` say the same of what is wrong with TLS.
@Suite struct TLSFindingsTests {
    /// A TLS host, and what is to be said of it.
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var severity: String
        /// Words of the one line about it.
        var words: String
        /// Attributes of `<SSLHostConfig>`.
        var host = ""
        /// Attributes of `<Certificate>`.
        var certificate: String

        var testDescription: String { name }
        var hostName: String { "\(name).test" }

        init(_ name: String, _ severity: String, _ words: String, host: String = "", certificate: String? = nil) {
            self.name = name
            self.severity = severity
            self.words = words
            self.host = host
            self.certificate = certificate ?? "certificateFile='conf/\(name).pem' certificateKeyFile='conf/key.pem'"
        }

        func element(hostName: String) -> String { "<SSLHostConfig hostName='\(hostName)' \(host)><Certificate \(certificate)/></SSLHostConfig>" }
    }

    /// The server starts with these.
    private static let findings = [
        Case("expired", "warning", "The certificate of CN=expired.test expired on "),
        Case("later", "warning", "The certificate of CN=later.test is valid only from "),
        Case("soon", "warning", "The certificate of CN=soon.test expires on "),
        Case("othername", "warning", "The certificate is not for the host [othername.test] but for elsewhere.test"),
        Case("noname", "warning", "The certificate of CN=noname.test has no subject alternative name"),
        Case("alone", "warning", "The certificate of the issuer, CN=Middle CA, is missing"),
        Case("noauthority", "warning", "The certificate of CN=plain.test has issued another one, but it is not marked as an authority"),
        Case("oldissuer", "warning", "The certificate of CN=Old CA expired on "),
        Case("client", "warning", "does not include serverAuth"),
        Case(
            "stalelist",
            "warning",
            "is out of date since",
            host: "certificateVerification='required' caCertificateFile='conf/ca.pem' certificateRevocationListFile='conf/stale.crl'",
            certificate: "certificateFile='conf/plain.pem' certificateKeyFile='conf/key.pem'"
        ),
        Case(
            "type",
            "warning",
            "The Certificate with type [RSA] has a key of type [EC]",
            certificate: "certificateFile='conf/plain.pem' certificateKeyFile='conf/key.pem' type='RSA'"
        ),
    ]

    /// What only a responder can tell, which a start asks and a check does not.
    private static let unanswered = Case("unanswered", "warning", "OCSP stapling: [CN=unanswered.test]")
    private static let mustAnswer = Case(
        "mustanswer",
        "warning",
        "demands a stapled OCSP answer (must-staple), without which the server does not start"
    )

    /// The server does not start with these; which is found out when files are opened.
    private static let problems = [
        Case(
            "password",
            "error",
            "Failed to load keystore type",
            certificate: "certificateKeystoreFile='conf/localhost.p12' certificateKeystorePassword='wrong'"
        ),
        Case(
            "alias",
            "error",
            "[nobody]",
            certificate:
                "certificateKeystoreFile='conf/localhost.p12' certificateKeystorePasswordFile='conf/keystore.pass' certificateKeyAlias='nobody'"
        ),
        Case(
            "mismatch",
            "error",
            "does not belong to the certificate of CN=plain.test",
            certificate: "certificateFile='conf/plain.pem' certificateKeyFile='conf/other.key'"
        ),
        Case("garbage", "error", "garbage.pem", certificate: "certificateFile='conf/garbage.pem' certificateKeyFile='conf/key.pem'"),
        Case("nokey", "error", "plain.pem", certificate: "certificateFile='conf/plain.pem'"),
        Case(
            "truststore",
            "error",
            "localhost.p12",
            host: "certificateVerification='required' truststoreFile='conf/localhost.p12' truststorePassword='wrong'",
            certificate: "certificateFile='conf/plain.pem' certificateKeyFile='conf/key.pem'"
        ),
        Case(
            "notrust",
            "error",
            "There is no trusted certificate in directory",
            host: "certificateVerification='required' caCertificatePath='conf/empty'",
            certificate: "certificateFile='conf/plain.pem' certificateKeyFile='conf/key.pem'"
        ),
        Case(
            "nolist",
            "error",
            "contains no revocation list",
            host: "certificateVerification='required' caCertificateFile='conf/ca.pem' certificateRevocationListFile='conf/garbage.pem'",
            certificate: "certificateFile='conf/plain.pem' certificateKeyFile='conf/key.pem'"
        ),
        Case("muststaple", "error", "demands a stapled OCSP answer (must-staple), and it names no OCSP responder"),
        Case(
            "ticketkeys",
            "error",
            "has no key in line",
            host: "serval.sessionTicketKeyFile='conf/keys'",
            certificate: "certificateFile='conf/plain.pem' certificateKeyFile='conf/key.pem'"
        ),
        Case(
            "ciphers",
            "error",
            "None of the [ciphers] specified are supported",
            host: "ciphers='nothing'",
            certificate: "certificateFile='conf/plain.pem' certificateKeyFile='conf/key.pem'"
        ),
    ]

    /// The server does not start with these; which the file itself shows.
    private static let mistakes = [
        Case("nofile", "error", "conf/none.pem] does not exist", certificate: "certificateFile='conf/none.pem'"),
        Case("nostore", "error", "conf/none.p12] does not exist", certificate: "certificateKeystoreFile='conf/none.p12'"),
        Case(
            "missinglist",
            "error",
            "conf/none.crl] does not exist",
            host: "certificateVerification='required' caCertificateFile='conf/ca.pem' certificateRevocationListFile='conf/none.crl'",
            certificate: "certificateFile='conf/plain.pem' certificateKeyFile='conf/key.pem'"
        ),
        Case(
            "nobody",
            "error",
            "needs a caCertificateFile",
            host: "certificateVerification='required'",
            certificate: "certificateFile='conf/plain.pem' certificateKeyFile='conf/key.pem'"
        ),
    ]

    private static let plain = "<Certificate certificateFile='conf/plain.pem' certificateKeyFile='conf/key.pem'/>"

    @Test func whatAServerStartsWithAllTheSame() async throws {
        let all = Self.findings + [Self.unanswered]
        let base = try await Self.makeBase([
            "<SSLHostConfig>\(Self.plain)</SSLHostConfig>" + all.map { $0.element(hostName: $0.hostName) }.joined(separator: "\n")
        ])
        let check = try await Command.run(Command.serval, ["configtest", "--base", base.path])
        // Warnings are no reason to refuse a configuration: the server starts with it.
        #expect(check.exitCode == 0 && check.errors.contains("is good"), "\(check.errors)")
        let server = try await ServalProcess.start(base: base)
        server.signal(SIGTERM)
        #expect(try await server.waitForExit() == 0)
        for each in Self.findings { Self.expect(each, in: check.errors, level: "warning: ") }
        for each in all { Self.expect(each, in: server.errors, level: " WARNING serval.tls ") }
        try await withThrowingTaskGroup { group in
            for each in Self.findings {
                group.addTask {
                    let told = try await Command.run(Command.serval, ["tls", "explain", "--base", base.path, "--sni", each.hostName])
                    #expect(told.exitCode == 0)
                    Self.expect(each, in: told.output, level: "  warning: ")
                    // Nobody else's.
                    for other in all where other.name != each.name {
                        #expect(!told.output.contains(other.words), "\(each.name): \(told.output)")
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Checks ask no responder, and say so where that matters.
    @Test func checksUseNoNetwork() async throws {
        let base = try await Self.makeBase([Self.unanswered.element(hostName: "_default_"), Self.mustAnswer.element(hostName: "_default_")])
        for arguments in [["configtest"], ["tls", "explain"]] {
            let check = try await Command.run(Command.serval, arguments + ["--base", base.path])
            #expect(check.exitCode == 0, "\(check.errors)")
            Self.expect(Self.mustAnswer, in: check.errors + check.output, level: "warning: ")
            #expect(!(check.errors + check.output).contains(Self.unanswered.words))
        }
        let start = try await Command.run(Command.serval, ["run", "--base", base.path])
        #expect(start.exitCode == 1 && start.errors.contains("demands a stapled OCSP answer (must-staple), and there is none"), "\(start.errors)")
    }

    /// A connector that speaks no TLS although it looks like one.
    @Test func aConnectorWithoutTLSIsTheSameToAll() async throws {
        let base = try await Self.makeBase(["<SSLHostConfig>\(Self.plain)</SSLHostConfig>"])
        try base.write(try base.read("conf/server.xml").replacing("SSLEnabled='true'", with: ""), to: "conf/server.xml")
        for arguments in [["configtest"], ["tls", "explain"]] {
            let check = try await Command.run(Command.serval, arguments + ["--base", base.path])
            #expect(check.exitCode == 0 && check.errors.contains("SSLEnabled is not \"true\""), "\(arguments): \(check.errors)")
        }
        let server = try await ServalProcess.start(base: base)
        server.signal(SIGTERM)
        #expect(try await server.waitForExit() == 0)
        #expect(server.errors.contains("SSLEnabled is not \"true\""))
    }

    @Test(arguments: [Self.problems, Self.mistakes])
    func whatKeepsAServerFromStarting(_ cases: [Case]) async throws {
        // Each on a connector of its own: all are told at once.
        let base = try await Self.makeBase(cases.map { $0.element(hostName: "_default_") })
        let check = try await Command.run(Command.serval, ["configtest", "--base", base.path])
        #expect(check.exitCode == 1 && check.errors.contains("\(cases.count) errors in the configuration"), "\(check.errors)")
        let explained = try await Command.run(Command.serval, ["tls", "explain", "--base", base.path])
        #expect(explained.exitCode == 1)
        let start = try await Command.run(Command.serval, ["run", "--base", base.path])
        #expect(start.exitCode == 1)
        for each in cases {
            let line = try #require(
                check.errors.split(separator: "\n").first { $0.contains("error: ") && $0.contains(each.words) },
                "\(each): \(check.errors)"
            )
            #expect(line.contains("conf/server.xml:"))
            let words = line.replacingOccurrences(of: "error: ", with: "")
            for said in [explained.errors, start.errors] {
                #expect(said.replacingOccurrences(of: "error: ", with: "").contains(words), "\(words)\n\(said)")
            }
        }
    }

    /// Looks for the one line about a case.
    private static func expect(_ each: Case, in text: String, level: String) {
        let lines = text.split(separator: "\n").filter { $0.contains(level) && $0.contains(each.words) }
        #expect(lines.count == 1, "\(each): \(level)\n\(text)")
    }

    /// A base directory with a connector for each of `connectors`, and the files that they need.
    private static func makeBase(_ connectors: [String]) async throws -> TemporaryFolder {
        let base = try await ServalProcess.makeBase()
        let elements = connectors.map { "<Connector port='0' address='127.0.0.1' SSLEnabled='true'>\n\($0)\n</Connector>" }
        let xml = """
            <Server port="-1"><Service name="Catalina">
            \(elements.joined(separator: "\n"))
            <Engine name="Catalina" defaultHost="localhost"><Host name="localhost" appBase="webapps"/></Engine>
            </Service></Server>
            """
        try base.write(xml, to: "conf/server.xml")
        try base.write("no certificate", to: "conf/garbage.pem")
        try base.write("not hexadecimal\n", to: "conf/keys")
        chmod(base.path + "/conf/keys", 0o600)
        let script = """
            set -e; cd \(base.path)/conf
            for name in key ca other old; do
                openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $name.key
            done
            mv key.key key.pem; mkdir empty
            date() { command date -u -d "$1" +%Y%m%d%H%M%SZ; }
            mkdir work; touch work/index work/second; echo 01 > work/serial; echo 01 > work/number
            cat > work/ca.cnf <<END
            [ca]
            default_ca = x
            [x]
            database = work/index
            serial = work/serial
            crlnumber = work/number
            new_certs_dir = work
            default_md = sha256
            default_days = 60
            policy = any
            unique_subject = no
            x509_extensions = server
            [any]
            commonName = supplied
            [req]
            distinguished_name = name
            [name]
            [server]
            extendedKeyUsage = serverAuth
            [authority]
            basicConstraints = critical, CA:true
            END
            issue() { # NAME DNS FROM TO LINES
                sed "s/^extendedKeyUsage.*/&\\n${5:-}/" work/ca.cnf > work/now.cnf
                [ -z "$2" ] || sed "s/^extendedKeyUsage.*/&\\nsubjectAltName = DNS:$2/" -i work/now.cnf
                [ $1 != client ] || sed "s/serverAuth/clientAuth/" -i work/now.cnf
                openssl req -new -key key.pem -subj "/CN=$1.test" -config work/ca.cnf -out work/$1.csr
                openssl ca -batch -config work/now.cnf -cert ${ca:-ca.pem} -keyfile ${ca_key:-ca.key} -in work/$1.csr -notext \\
                    -startdate $(date "$3") -enddate $(date "$4") -out $1.pem
            }
            openssl req -new -x509 -key ca.key -subj "/CN=Findings CA" -config work/ca.cnf -extensions authority -days 90 -out ca.pem
            openssl req -new -key old.key -subj "/CN=Old CA" -config work/ca.cnf -out work/old.csr
            openssl ca -batch -config work/ca.cnf -extensions authority -cert ca.pem -keyfile ca.key -in work/old.csr -notext \\
                -startdate $(date "30 days ago") -enddate $(date "2 days ago") -out old.pem
            issue plain plain.test "1 day ago" "60 days"
            issue expired expired.test "9 days ago" "2 days ago"
            issue later later.test "2 days" "60 days"
            issue soon soon.test "9 days ago" "5 days"
            issue othername elsewhere.test "1 day ago" "60 days"
            issue noname "" "1 day ago" "60 days"
            issue client client.test "1 day ago" "60 days"
            openssl req -new -key other.key -subj "/CN=Middle CA" -config work/ca.cnf -out work/middle.csr
            openssl ca -batch -config work/ca.cnf -extensions authority -cert ca.pem -keyfile ca.key -in work/middle.csr -notext -out middle.pem
            ca=middle.pem ca_key=other.key issue alone alone.test "1 day ago" "60 days"
            ca=plain.pem ca_key=key.pem issue noauthority noauthority.test "1 day ago" "60 days"; cat plain.pem >> noauthority.pem
            ca=old.pem ca_key=old.key issue oldissuer oldissuer.test "1 day ago" "60 days"; cat old.pem >> oldissuer.pem
            ocsp="authorityInfoAccess = OCSP;URI:http:\\/\\/127.0.0.1:1\\/"
            issue unanswered unanswered.test "1 day ago" "60 days" "$ocsp"; cat ca.pem >> unanswered.pem
            issue muststaple muststaple.test "1 day ago" "60 days" "tlsfeature = status_request"; cat ca.pem >> muststaple.pem
            issue mustanswer mustanswer.test "1 day ago" "60 days" "tlsfeature = status_request\\n$ocsp"; cat ca.pem >> mustanswer.pem
            openssl ca -config work/ca.cnf -cert ca.pem -keyfile ca.key -gencrl -crl_lastupdate $(date "9 days ago") -crl_nextupdate $(date "2 days ago") -out stale.crl
            """
        let made = try await Command.run("bash", ["-c", script])
        #expect(made.exitCode == 0, "\(made.errors)")
        return base
    }
}
