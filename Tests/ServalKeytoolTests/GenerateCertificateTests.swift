import Foundation
import Testing

/// `-gencert`, whose certificates are compared as the tool prints them.
@Suite struct GenerateCertificateTests {
    private let ours = Folder()
    private let theirs = Folder()
    private let store = "-keystore s.p12 -storepass changeit"

    /// A root `ca`, an authority `middle` below it, a weak one, and requests; the same files for both tools.
    private func prepare() async throws {
        for line in [
            "-genkeypair -alias ca -keyalg RSA -dname CN=Root -ext bc:c",
            "-genkeypair -alias middle -keyalg EC -dname CN=Middle -ext bc:c -signer ca",
            "-genkeypair -alias weak -keyalg RSA -keysize 1024 -dname CN=Weak",
        ] { #expect(try await Tool.serval.run("\(line) \(store)", in: ours).status == 0) }
        try await ours.makeCertificate("trusted")
        #expect(try await Tool.serval.run("-import -noprompt -alias trusted -file trusted.pem \(store)", in: ours).status == 0)
        try await ours.openssl(
            "req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout l.key -out l.csr -subj /CN=leaf -addext 1.2.3.4=DER:0102 "
                + "-addext basicConstraints=critical,CA:FALSE -addext subjectAltName=DNS:a.b -addext keyUsage=digitalSignature "
                + "-addext extendedKeyUsage=serverAuth"
        )
        try await ours.openssl("req -new -newkey rsa:1024 -sha1 -nodes -keyout w.key -out w.csr -subj /CN=w")
        try ours.write("no request\n", to: "text")
        for file in ["s.p12", "l.csr", "w.csr", "text", "trusted.pem"] { try theirs.write(bytes: Array(ours.read(file)), to: file) }
    }

    private func compare(_ arguments: [String], input: String = "", location: SourceLocation = #_sourceLocation) async throws {
        let words = ["-gencert"] + store.split(separator: " ").map(String.init) + arguments + ["-outfile", "out"]
        for folder in [ours, theirs] { try? FileManager.default.removeItem(atPath: folder.path("out")) }
        async let first = Tool.serval.run(words, input: input, in: ours)
        async let second = Tool.jdk.run(words, input: input, in: theirs)
        let (mine, reference) = try await (first, second)
        #expect(mine == reference, "\(arguments)", sourceLocation: location)
        guard mine.status == 0, reference.status == 0 else { return }
        let printed = try await Tool.serval.run("-printcert -file out", in: ours).masked
        #expect(printed == (try await Tool.serval.run("-printcert -file out", in: theirs).masked), "\(arguments)", sourceLocation: location)
        #expect(printed.output.contains("Owner: "))
    }

    @Test func certificatesChainsAndWarnings() async throws {
        try await prepare()
        try await compare(["-alias", "ca", "-infile", "l.csr"])
        try await compare(["-alias", "middle", "-rfc"], input: try ours.text("l.csr"))
        try await compare(["-alias", "weak", "-infile", "w.csr", "-sigalg", "SHA1withRSA"])
        try await compare(
            [
                "-alias", "ca", "-infile", "l.csr", "-dname", "CN=a + OU=\"x, y\", O=", "-validity", "5", "-startdate", "2030/01/02 03:04:05",
                "-sigalg",
                "SHA384withRSA", "-ext", "san:c=dns:*.c.d,ip:::1", "-ext", "1.2.3=0a", "-ext", "ku=dE,kA", "-ext", "bc=1", "-v",
            ]
        )
        // What is written is a chain that OpenSSL verifies.
        #expect(try await Tool.serval.run("-gencert -rfc -alias middle -infile l.csr -outfile chain.pem \(store)", in: ours).status == 0)
        #expect(try await Tool.serval.run("-exportcert -rfc -alias ca -file ca.pem \(store)", in: ours).status == 0)
        try await ours.openssl("verify -CAfile ca.pem -untrusted chain.pem chain.pem")
    }

    @Test func honoredExtensions() async throws {
        try await prepare()
        for value in ["all,-bc", "san,ku:critical,bc:non-critical", "ALL,-1.2.3.4,ku:c,-san", "ian", "bc:foo", ""] {
            try await compare(["-alias", "ca", "-infile", "l.csr", "-ext", "honored=\(value)"])
        }
        try await compare(
            ["-alias", "ca", "-infile", "l.csr", "-ext", "honored=all", "-ext", "san=dns:c.d", "-ext", "honored=-ku", "-ext", "honored:c=x"]
        )
    }

    @Test func extensionArguments() async throws {
        try await prepare()
        let wrong = [
            "bc=", "ku", "eku=foo", "san=foo:a", "san=dns", "1.2.3=0", "aia:c=ocsp:uri:http://x", "aia=foo:uri:http://x", "san=dns:-a", "ian=dns:*.a",
            "",
            "s=dns:a", "ku=d",
        ]
        for value in wrong { try await compare(["-alias", "ca", "-infile", "l.csr", "-ext", value]) }
        for value in ["c=uri:http://x", "e=sA,any", "issuera=dns:a,", "sia=caRepository:uri:http://x,1.2.3:dns:y"] {
            try await compare(["-alias", "ca", "-infile", "l.csr", "-ext", value])
        }
    }

    @Test func errors() async throws {
        try await prepare()
        for arguments in [
            ["-alias", "nope", "-infile", "l.csr"], ["-alias", "nope", "-infile", "missing"], ["-alias", "trusted", "-infile", "l.csr"],
            ["-alias", "ca", "-infile", "text"], ["-alias", "ca", "-infile", "trusted.pem"], ["-alias", "ca", "-infile", "l.csr", "-validity", "0"],
            ["-alias", "ca", "-infile", "l.csr", "-validity", "9999999"], ["-alias", "ca", "-infile", "l.csr", "-sigalg", "foo"],
            ["-alias", "ca", "-infile", "l.csr", "-startdate", "foo"], ["-alias", "ca", "-infile", "l.csr", "-dname", "CN=a<b"],
            ["-alias", "ca", "-infile", "l.csr", "-dname", "CN=a\\xb"], ["-alias", "ca", "-infile", "l.csr", "-dname", "CN=#0c016"],
            ["-bogus"],
        ] { try await compare(arguments) }
        let run = try await Tool.serval.run("-gencert -alias ca -infile l.csr -outfile missing/out \(store)", in: ours)
        #expect(run.output == "keytool error: java.io.FileNotFoundException: missing/out (No such file or directory)\n")
    }

    /// The password is asked for, and the request stands on standard input behind it.
    @Test func atATerminal() async throws {
        try await prepare()
        for (tool, folder) in [(Tool.serval, ours), (.jdk, theirs)] {
            let talk = try await Terminal.talk(
                to: tool,
                ["-gencert", "-alias", "ca", "-keystore", "s.p12", "-infile", "l.csr", "-outfile", "out"],
                in: folder,
                [.init(awaited: "Enter keystore password:", typed: "changeit")]
            )
            #expect(talk.status == 0)
            #expect(talk.screen == "Enter keystore password:  \n")
            #expect(folder.exists("out"))
        }
    }
}
