import Foundation
import Testing

/// Wrong passwords, files and options, with the texts of the JDK's catalogue.
@Suite struct StoreErrorTests {
    private let folder = Folder()

    private func expectError(_ text: String, _ line: String, input: String = "", location: SourceLocation = #_sourceLocation) async throws {
        let run = try await Tool.serval.run(line, input: input, in: folder)
        #expect(run == ToolRun(status: 1, output: "keytool error: \(text)\n", errors: ""), "\(line)", sourceLocation: location)
    }

    private func makeStores() async throws {
        for (name, type) in [("a.p12", "pkcs12"), ("a.jks", "jks")] {
            let run = try await Tool.serval.run(
                "-genkey -alias tomcat -keyalg EC -dname CN=a -keystore \(name) -storetype \(type) -storepass changeit -keypass changeit",
                in: folder
            )
            #expect(run.status == 0)
        }
    }

    @Test func wrongPasswords() async throws {
        try await makeStores()
        let before = try (folder.read("a.p12"), folder.read("a.jks"))
        for command in ["-list", "-delete -alias tomcat", "-genkey -keyalg EC -dname CN=x", "-exportcert -alias tomcat", "-certreq -alias tomcat"] {
            try await expectError("java.io.IOException: keystore password was incorrect", "\(command) -keystore a.p12 -storepass Changeit")
            try await expectError(
                "java.io.IOException: Keystore was tampered with, or password was incorrect",
                "\(command) -keystore a.jks -storepass Changeit"
            )
        }
        #expect(try (folder.read("a.p12"), folder.read("a.jks")) == before)
    }

    @Test("B07: aliases are told without case, so a second one that differs only in case is refused")
    func aliases() async throws {
        try await makeStores()
        for store in ["a.p12", "a.jks"] {
            let options = "-keystore \(store) -storepass changeit"
            for command in ["-list", "-delete", "-certreq", "-exportcert"] {
                try await expectError("java.lang.Exception: Alias <nope> does not exist", "\(command) -alias nope \(options)")
            }
            try await expectError("java.lang.Exception: Alias <mykey> does not exist", "-certreq \(options)")
            try await expectError(
                "java.lang.Exception: Key pair not generated, alias <TOMCAT> already exists",
                "-genkey -alias TOMCAT -keyalg EC -dname CN=x \(options)"
            )
            _ = try await Tool.serval.run("-export -rfc -alias Tomcat -file c.pem \(options)", in: folder)
            _ = try await Tool.serval.run("-import -noprompt -alias Root -file c.pem \(options)", in: folder)
            try await expectError(
                "java.lang.Exception: Certificate not imported, alias <root> already exists",
                "-import -noprompt -alias root -file c.pem \(options)"
            )
            try await expectError("java.lang.Exception: Alias <root> has no key", "-certreq -alias root \(options)")
        }
    }

    @Test func filesThatAreNoStores() async throws {
        try folder.write("", to: "empty")
        try folder.write("just a text file, which is no key store at all\n", to: "garbage")
        try folder.write("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", to: "pem")
        for command in ["-list", "-genkey -keyalg EC -dname CN=x", "-delete -alias a"] {
            try await expectError("java.lang.Exception: Keystore file exists, but is empty: empty", "\(command) -keystore empty -storepass changeit")
            for name in ["garbage", "pem"] {
                try await expectError(
                    "java.security.KeyStoreException: Unrecognized keystore format. Please load it with a specified type",
                    "\(command) -keystore \(name) -storepass changeit"
                )
            }
        }
        try await expectError("java.io.IOException: Invalid keystore format", "-list -keystore garbage -storetype JKS -storepass changeit")
        #expect(try folder.text("garbage").hasPrefix("just a text"))
        try await expectError("java.lang.Exception: Keystore file does not exist: missing", "-list -keystore missing -storepass changeit")
        try await expectError(
            "java.io.FileNotFoundException: . (Is a directory)",
            "-genkey -keyalg EC -dname CN=x -keystore . -storepass changeit"
        )
    }

    @Test func truncatedAndChangedStores() async throws {
        try await makeStores()
        for name in ["a.p12", "a.jks"] {
            let bytes = Array(try folder.read(name))
            for length in stride(from: 20, to: bytes.count, by: bytes.count / 7) {
                try folder.write(bytes: Array(bytes.prefix(length)), to: "cut")
                let run = try await Tool.serval.run("-list -keystore cut -storepass changeit", in: folder)
                #expect(run.status == 1)
                #expect(run.output.hasPrefix("keytool error: java."))
                #expect(run.output.split(separator: "\n").count == 1)
            }
            for position in stride(from: 6, to: bytes.count, by: bytes.count / 7) {
                var changed = bytes
                changed[position] ^= 0x40
                try folder.write(bytes: changed, to: "changed")
                let run = try await Tool.serval.run("-list -v -keystore changed -storepass changeit", in: folder)
                #expect(run.status == 1, "byte \(position) of \(name)")
            }
        }
    }

    @Test func optionsOfGenkeypair() async throws {
        let command = "-genkeypair -dname CN=a -keystore new.p12 -storepass changeit -alias bad"
        try await expectError("java.lang.Exception: The -keyalg option must be specified.", command)
        try await expectError("java.security.NoSuchAlgorithmException: FOO KeyPairGenerator not available", "\(command) -keyalg FOO")
        try await expectError("java.security.NoSuchAlgorithmException: FOO Signature not available", "\(command) -keyalg EC -sigalg FOO")
        try await expectError("java.lang.Exception: Validity must be greater than zero", "\(command) -keyalg EC -validity 0")
        try await expectError("java.lang.NumberFormatException: For input string: \"abc\"", "\(command) -keyalg EC -validity abc")
        try await expectError(
            "java.lang.Exception: The certificate would not end before the year 10000",
            "\(command) -keyalg EC -validity 9223372036854775807"
        )
        try await expectError(
            "java.lang.Exception: Cannot specify both -groupname and -keysize",
            "\(command) -keyalg EC -keysize 256 -groupname secp256r1"
        )
        try await expectError("java.lang.IllegalArgumentException: Unknown curve name: foo", "\(command) -keyalg EC -groupname foo")
        for date in [
            "foo", "''", "+", "+1", "1d", "+1x", "2026/13/01", "2030/02/31", "25:00:00", "+9999999999d", "+999999999y", "2026/01/01 10:00:00 x",
        ] {
            try await expectError("java.io.IOException: Illegal startdate value", "\(command) -keyalg EC -startdate '\(date)'")
        }
        try await expectError("java.io.IOException: Incorrect AVA format", "-genkey -dname BADDN -keyalg EC -keystore new.p12 -storepass changeit")
        try await expectError(
            "java.lang.Exception: Keystore password must be at least 6 characters",
            "-genkey -dname CN=a -keyalg EC -keystore new.p12 -storepass short"
        )
        try await expectError("java.security.KeyStoreException: FOO not found", "\(command) -keyalg EC -storetype FOO")
        #expect(!folder.exists("new.p12"))
        let lost = try await Tool.serval.run("-genkey -dname CN=a -keyalg EC -keystore no/where.p12 -storepass changeit", in: folder)
        #expect(lost.status == 1)
        #expect(lost.output == "keytool error: java.io.FileNotFoundException: no/where.p12 (No such file or directory)\n")
    }

    @Test(arguments: [
        ("foo=bar", "java.lang.Exception: Unknown extension type: foo (known are bc, ku, eku, san, ian, sia, aia, crldp, or an object identifier)"),
        ("san", "java.lang.Exception: Illegal value: san"),
        ("san=", "java.lang.Exception: Illegal value: san="),
        ("san=bar", "java.lang.Exception: Illegal item bar in san=bar"),
        ("san=foo:bar", "java.lang.Exception: Unrecognized GeneralName type: foo"),
        ("san=dns:a_b", "java.lang.RuntimeException: java.io.IOException: DNSName components must consist of letters, digits, and hyphens"),
        ("san=dns:a b", "java.lang.RuntimeException: java.io.IOException: DNSName with blank components is not permitted"),
        ("san=ip:foo", "java.lang.RuntimeException: java.io.IOException: Invalid IPAddress: foo"),
        ("san=uri:foo", "java.lang.RuntimeException: java.io.IOException: URI name must include scheme:foo"),
        ("san=email:", "java.lang.RuntimeException: java.io.IOException: RFC822Name may not be null or empty"),
        ("ku=foo", "java.lang.Exception: Unknown keyUsage type: foo"),
        ("eku=foo", "java.lang.Exception: Unknown extendedkeyUsage type: foo"),
        ("bc=foo", "java.lang.Exception: Illegal value: bc=foo"),
        ("bc=ca:true,foo:1", "java.lang.Exception: Illegal value: bc=ca:true,foo:1"),
        ("1.2.3=abc", "java.lang.Exception: Odd number of hex digits found: 1.2.3=abc"),
    ])
    func extensions(argument: String, message: String) async throws {
        try await expectError(message, "-genkey -alias x -keyalg EC -dname CN=a -ext '\(argument)' -keystore x.p12 -storepass changeit")
    }

    @Test func filesOfCertificates() async throws {
        try await makeStores()
        try folder.write("nothing of interest\n", to: "text")
        try folder.write("", to: "empty")
        let options = "-keystore a.p12 -storepass changeit"
        for name in ["text", "empty"] {
            try await expectError("java.lang.Exception: Input not an X.509 certificate", "-import -alias new -file \(name) \(options)")
        }
        try await expectError("java.lang.Exception: Input not an X.509 certificate", "-import -alias new \(options)")
        try await expectError("java.lang.Exception: Reply has no certificates", "-import -alias tomcat -file empty \(options)")
        try await expectError("java.security.cert.CertificateException: No certificate data found", "-import -alias tomcat -file text \(options)")
        try await expectError("java.io.FileNotFoundException: nofile (No such file or directory)", "-import -alias new -file nofile \(options)")
        try await expectError("java.io.FileNotFoundException: . (Is a directory)", "-import -alias new -file . \(options)")
        try await expectError("java.io.FileNotFoundException: no/x (No such file or directory)", "-certreq -alias tomcat -file no/x \(options)")
    }

    @Test func optionsThatExcludeEachOther() async throws {
        try await makeStores()
        try await expectError(
            "java.lang.IllegalArgumentException: The -keystore or -storetype option cannot be used with the -cacerts option",
            "-list -cacerts -keystore a.p12 -storepass changeit"
        )
        try await expectError(
            "java.lang.IllegalArgumentException: if -protected is specified, then -storepass, -keypass, and -new must not be specified",
            "-list -protected -keystore a.p12 -storepass changeit"
        )
    }

    @Test func replacedFilesKeepTheirPlaceAndMode() async throws {
        try await makeStores()
        try FileManager.default.createSymbolicLink(atPath: folder.path("link"), withDestinationPath: "a.p12")
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: folder.path("a.p12"))
        let run = try await Tool.serval.run("-genkey -alias second -keyalg EC -dname CN=b -keystore link -storepass changeit", in: folder)
        #expect(run.status == 0)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder.path("link")) == "a.p12")
        let attributes = try FileManager.default.attributesOfItem(atPath: folder.path("a.p12"))
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o640)
        #expect(try await Tool.serval.run("-list -keystore a.p12 -storepass changeit", in: folder).output.contains("2 entries"))
        // Nothing is left over beside the files.
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted() == ["a.jks", "a.p12", "link"])
    }

    @Test func namesCannotCommandTheTerminal() async throws {
        let run = try await Tool.serval.run(
            "-genkey -alias a\u{1B}[2Jb -keyalg EC -dname 'O=x\u{1B}[31m' -keystore t -storepass changeit",
            in: folder
        )
        #expect(run.status == 0)
        let list = try await Tool.serval.run("-list -v -keystore t -storepass changeit", in: folder)
        #expect(list.output.contains("Alias name: a?[2jb\n"))
        #expect(!(run.output + run.errors + list.output + list.errors).contains("\u{1B}"))
    }
}
