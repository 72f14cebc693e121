import Foundation
import Testing

/// `-genkeypair` with every kind of key and signature, beside the JDK's.
@Suite(.serialized) struct GenerateKeyPairTests {
    private let ours = Folder()
    private let theirs = Folder()

    private func compare(_ line: String, input: String = "", location: SourceLocation = #_sourceLocation) async throws {
        async let first = Tool.serval.run(line, input: input, in: ours)
        async let second = Tool.jdk.run(line, input: input, in: theirs)
        let (mine, reference) = try await (first.masked, second.masked)
        #expect(mine == reference, "\(line)", sourceLocation: location)
    }

    private func generate(_ options: String, alias: String) async throws {
        try await compare("-genkeypair -keystore s.p12 -storepass changeit -dname CN=\(alias) -alias \(alias) \(options)")
    }

    @Test func everyKindOfKey() async throws {
        let kinds = [
            "-keyalg DSA -ext bc", "-keyalg RSASSA-PSS -keysize 2048 -ext bc", "-keyalg Ed448 -ext bc", "-keyalg EdDSA",
            "-keyalg EdDSA -groupname Ed448",
            "-keyalg X25519 -signer k0", "-keyalg XDH -groupname x448 -signer k1", "-keyalg EC -groupname 'NIST P-384' -signer k2",
            "-keyalg RSA -keysize 512", "-keyalg RSA -keysize 3074", "-keyalg dsa -keysize 1024 -sigalg SHA1withDSA",
            "-keyalg RSA -keysize 1024 -sigalg RSASSA-PSS", "-keyalg RSA -sigalg MD5withRSA", "-keyalg RSA -sigalg sha512/256WITHrsa",
            "-keyalg EC -sigalg SHA1withECDSA", "-keyalg ed448 -sigalg EdDSA", "-keyalg RSA -sigalg SHA224withDSA -signer k0",
        ]
        for (number, options) in kinds.enumerated() { try await generate(options, alias: "k\(number)") }
        try await compare("-list -v -keystore s.p12 -storepass changeit")

        // OpenSSL agrees with every signature, and the JDK reads our keys.
        for number in kinds.indices {
            let issuer = [5: "k0", 6: "k1", 7: "k2", 16: "k0"][number] ?? "k\(number)"
            for (alias, file) in [("k\(number)", "c.pem"), (issuer, "i.pem")] {
                let line = "-exportcert -rfc -keystore s.p12 -storepass changeit -alias \(alias) -file \(file)"
                #expect(try await Tool.serval.run(line, in: ours).status == 0)
            }
            let verified = try await Tool.openssl.run("verify -auth_level 0 -check_ss_sig -partial_chain -CAfile i.pem c.pem", in: ours)
            #expect(verified.status == 0, "\(kinds[number]): \(verified)")
        }
        let copied = try await Tool.jdk.run(
            "-importkeystore -srckeystore s.p12 -srcstorepass changeit -destkeystore copy.jks -deststoretype JKS -deststorepass changeit",
            in: ours
        )
        #expect(copied.errors.contains("\(kinds.count) entries successfully imported, 0 entries failed"))
    }

    /// Each line fails in both tools with the same words.
    @Test(arguments: [
        "-keyalg Ed25519 -keysize 448", "-keyalg EdDSA -groupname secp256r1", "-keyalg XDH -keysize 256", "-keyalg DSA -keysize 1025",
        "-keyalg RSA -keysize 511", "-keyalg RSA -keysize 16386", "-keyalg EC -groupname secp256k1", "-keyalg EC -groupname foo",
        "-keyalg EC -groupname 'x9.62 prime192v1'", "-keyalg EC -keysize 163", "-keyalg X25519", "-keyalg DSA -sigalg SHA1withDSA",
        "-keyalg RSA -keysize 512 -sigalg SHA512withRSA",
        "-keyalg RSASSA-PSS -keysize 512", "-keyalg RSA -sigalg Ed25519", "-keyalg Ed448 -sigalg Ed25519", "-keyalg RSA -sigalg PS256",
        "-keyalg DSA -groupname x", "-keyalg RSA -signer nosuch", "-keyalg EC -keysize 256 -groupname secp256r1",
    ])
    func whatCannotBe(options: String) async throws {
        try await compare("-genkeypair -keystore s.p12 -storepass changeit -dname CN=x \(options)")
        #expect(!ours.exists("s.p12"))
    }

    @Test func aSignerWithItsOwnPassword() async throws {
        let store = "-keystore s.jks -storetype JKS -storepass changeit -keypass keypass1 -dname CN=a"
        try await compare("-genkeypair -alias ca -keyalg RSA \(store)")
        try await compare("-genkeypair -alias a -keyalg X448 -signer ca -signerkeypass keypass1 \(store)")
        try await compare("-genkeypair -alias b -keyalg EC -signer ca -signerkeypass wrong12 \(store)")
        try await compare("-genkeypair -alias c -keyalg EC -signer ca \(store)", input: "keypass1\n")
        try await compare("-genkeypair -alias d -keyalg EC -signer ca \(store)")
        try await compare("-list -keystore s.jks -storepass changeit")
    }

    /// The advice about `-keysize` stands before the questions.
    @Test func warningsComeBeforeQuestions() async throws {
        try await compare(
            "-genkeypair -keyalg EC -keysize 384 -keystore s.p12 -storepass changeit",
            input: "Duke\nJava\nOracle\nCity\nState\nUS\nyes\n"
        )
    }

    @Test(.timeLimit(.minutes(2))) func theSignersPasswordIsAskedForOnATerminal() async throws {
        let store = ["-keystore", "s.jks", "-storepass", "changeit", "-dname", "CN=a", "-nowarn"]
        var screens: [String] = []
        for (tool, folder) in [(Tool.serval, ours), (.jdk, theirs)] {
            let made = ["-genkeypair", "-alias", "ca", "-keyalg", "EC", "-storetype", "JKS", "-keypass", "keypass1"] + store
            #expect(try await tool.run(made, in: folder).status == 0)
            let (status, screen) = try await Terminal.talk(
                to: tool,
                ["-genkeypair", "-alias", "x", "-keyalg", "X25519", "-keypass", "keypass2", "-signer", "ca"] + store,
                in: folder,
                [.init(awaited: "Enter key password for <ca>", typed: "keypass1")]
            )
            #expect(status == 0, "\(screen)")
            screens.append(screen)
        }
        #expect(screens[0] == screens[1])
        #expect(!screens[0].contains("keypass1"))
    }

    /// Keys as the JDK writes them, some of which OpenSSL writes otherwise.
    @Test func keysOfTheJDKSign() async throws {
        for (alias, kind) in [("dsa", "DSA"), ("pss", "RSASSA-PSS"), ("ed448", "Ed448"), ("ec", "EC -groupname secp521r1")] {
            let line = "-keystore s.p12 -storepass changeit -alias \(alias)"
            #expect(try await Tool.jdk.run("-genkeypair -dname CN=a -keyalg \(kind) \(line)", in: ours).status == 0)
            #expect(try await Tool.serval.run("-certreq -file r.pem \(line)", in: ours).status == 0)
            let verified = try await Tool.openssl.run("req -verify -noout -in r.pem", in: ours)
            #expect(verified.errors.contains("verify OK"), "\(kind): \(verified)")
        }
        let line = "-genkeypair -dname CN=a -keyalg X448 -alias x -signer pss -keystore s.p12 -storepass changeit"
        #expect(try await Tool.jdk.run(line, in: ours).status == 0)
        let run = try await Tool.serval.run("-certreq -alias x -keystore s.p12 -storepass changeit", in: ours)
        #expect(run.output == "keytool error: java.lang.Exception: Cannot derive signature algorithm\n")
    }
}
