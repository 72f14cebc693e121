import Foundation
import Testing

/// The same command lines on the same kind of token, by the JDK's tool and by this one.
@Suite("Keys in PKCS#11 tokens")
struct TokenTests {
    /// A folder with a token of SoftHSM that has a PIN, and the JDK's configuration for it.
    private final class TokenFolder: Sendable {
        let folder = Folder()
        let environment: [String: String]

        init() async throws {
            environment = ["SOFTHSM2_CONF": folder.path("softhsm2.conf")]
            try FileManager.default.createDirectory(atPath: folder.path("tokens"), withIntermediateDirectories: true)
            try folder.write(
                "directories.tokendir = \(folder.path("tokens"))\nobjectstore.backend = file\nlog.level = ERROR\n",
                to: "softhsm2.conf"
            )
            try folder.write("name = Soft\nlibrary = /usr/lib/softhsm/libsofthsm2.so\nslotListIndex = 0\n", to: "p11.cfg")
            try folder.write("name = X\nlibrary = /no/such.so\n", to: "library.cfg")
            let made = try await Tool(path: "/usr/bin/env", leadingArguments: ["softhsm2-util"])
                .run("--init-token --free --label token --so-pin 12345678 --pin 123456", in: folder, environment: environment)
            try #require(made.status == 0, "\(made)")
        }

        func run(_ tool: Tool, _ line: String, input: String = "") async throws -> ToolRun {
            try await tool.run(line, input: input, in: folder, environment: environment)
        }
    }

    private static let token = "-keystore NONE -storetype PKCS11 -providerclass sun.security.pkcs11.SunPKCS11 -providerarg p11.cfg"
    private static let added = "-keystore NONE -storetype PKCS11 -addprovider SunPKCS11 -providerarg p11.cfg"

    private static let lines: [(line: String, input: String)] = [
        ("-list \(token) -storepass 123456", ""),
        ("-genkeypair \(token) -storepass 123456 -alias Tomcat -keyalg RSA -dname CN=Web,O=x", ""),
        ("-genkeypair \(added) -storepass 123456 -alias tomcat -keyalg EC -dname CN=lower,O=x -v", ""),
        ("-genkeypair \(token) -storepass 123456 -alias Tomcat -keyalg EC -dname CN=again", ""),
        ("-genkeypair \(token) -storepass 123456 -alias x -keyalg EC -dname CN=x -keypass abcdef", ""),
        ("-list \(added) -storepass 123456", ""),
        ("-list \(token) -storepass 123456 -v", ""),
        ("-list \(token) -storepass 123456 -rfc -alias Tomcat", ""),
        ("-list \(token) -storepass 123456 -alias TOMCAT", ""),
        ("-list \(token)", "123456\n"),
        ("-certreq \(token) -storepass 123456 -alias Tomcat", ""),
        ("-certreq \(token) -storepass 123456 -alias none", ""),
        ("-exportcert \(token) -storepass 123456 -alias tomcat -rfc", ""),
        ("-exportcert \(token) -storepass 123456 -alias tomcat -file cert.der", ""),
        ("-importcert \(token) -storepass 123456 -alias Root -file cert.der -noprompt", ""),
        ("-delete \(token)", "tomcat\n"),
        ("-delete \(token) -storepass 123456 -alias tomcat -v", ""),
        ("-delete \(token) -storepass 123456 -alias tomcat", ""),
        ("-list -storetype PKCS11 -addprovider SunPKCS11 -providerarg p11.cfg -storepass 123456", ""),
        ("-list -keystore NONE -storetype PKCS11 -storepass 123456", ""),
        ("-list -keystore file -storetype PKCS11 -storepass 123456", ""),
        ("-list \(token) -storepass 123456 -providername SunPKCS11-Other", ""),
        ("-list -keystore NONE -storetype PKCS11 -storepass 123456 -addprovider Foo -providerarg p11.cfg", ""),
        ("-list -keystore NONE -storetype PKCS11 -storepass 123456 -providerclass foo.Bar -providerarg p11.cfg", ""),
        ("-list -keystore NONE -storetype PKCS11 -storepass 123456 -addprovider SunPKCS11", ""),
    ]

    @Test("The same command lines give the same answers")
    func differential() async throws {
        let jdk = try await TokenFolder()
        let serval = try await TokenFolder()
        for (line, input) in Self.lines {
            let expected = try await jdk.run(.jdk, line, input: input)
            let actual = try await serval.run(.serval, line, input: input)
            #expect(actual.masked == expected.masked, "\(line)")
        }
    }

    @Test("Each tool uses the keys that the other has made")
    func exchange() async throws {
        let place = try await TokenFolder()
        for (tool, alias) in [(Tool.jdk, "fromJDK"), (.serval, "fromServal")] {
            let made = try await place.run(tool, "-genkeypair \(Self.token) -storepass 123456 -alias \(alias) -keyalg RSA -dname CN=\(alias)")
            #expect(made.status == 0, "\(made)")
        }
        let lists = [
            try await place.run(.jdk, "-list \(Self.token) -storepass 123456"), try await place.run(.serval, "-list \(Self.token) -storepass 123456"),
        ]
        #expect(lists[0] == lists[1])
        #expect(lists[0].output.contains("contains 2 entries"))
        for (tool, alias) in [(Tool.serval, "fromJDK"), (.jdk, "fromServal")] {
            let request = try await place.run(tool, "-certreq \(Self.token) -storepass 123456 -alias \(alias) -file \(alias).csr")
            #expect(request.status == 0, "\(request)")
            let verified = try await Tool.openssl.run("req -in \(alias).csr -noout -verify", in: place.folder)
            #expect(verified.status == 0, "\(verified)")
            #expect(try await place.run(tool, "-delete \(Self.token) -storepass 123456 -alias \(alias)").status == 0)
        }
        #expect(try await place.run(.jdk, "-list \(Self.token) -storepass 123456").output.contains("contains 0 entries"))
    }

    private static let destination =
        "-destkeystore NONE -deststoretype PKCS11 -addprovider SunPKCS11 -providerarg p11.cfg -deststorepass 123456"

    @Test("Stores are imported into a token, and what is in it is renamed, with the same answers")
    func stores() async throws {
        let places = [try await TokenFolder(), try await TokenFolder()]
        for line in [
            "-alias web -keystore s.p12 -keyalg EC", "-alias rsa -keystore s.p12 -keyalg RSA", "-alias ed -keystore s.p12 -keyalg Ed25519",
            "-alias jks -keystore s.jks -storetype JKS -keyalg EC -keypass secret1",
        ] {
            #expect(try await places[0].run(.serval, "-genkeypair \(line) -dname CN=x -storepass changeit").status == 0)
        }
        for name in ["s.p12", "s.jks"] { try places[1].folder.write(bytes: Array(try places[0].folder.read(name)), to: name) }
        let source = "-importkeystore -srckeystore s.p12 -srcstorepass changeit \(Self.destination)"
        let keys = "-importkeystore -srckeystore s.jks -srcstorepass changeit \(Self.destination)"
        for line in [
            "\(source) -srcalias web -destalias FromStore", "\(source) -srcalias nope", "\(keys) -srcalias jks -srckeypass secret1",
            "\(keys) -srcalias jks -destalias other -srckeypass wrong12",
            "-changealias \(Self.added) -storepass 123456 -alias FromStore -destalias New",
            "-changealias \(Self.added) -storepass 123456 -alias New -destalias jks",
            "-keypasswd \(Self.added) -storepass 123456 -alias New -new abcdef",
            "-storepasswd \(Self.added) -storepass 123456 -new 654321", "-selfcert \(Self.added) -storepass 123456 -alias New -dname CN=self",
            "-list \(Self.added) -storepass 123456",
        ] {
            let expected = try await places[1].run(.jdk, line)
            #expect(try await places[0].run(.serval, line).masked == expected.masked, "\(line)")
        }
        // All of a store: what the token cannot hold is left out.
        let all = try await places[0].run(.serval, source)
        #expect(all.status == 0)
        #expect(all.errors.contains("Problem importing entry for alias ed: java.security.KeyStoreException: unsupported key type: "), "\(all)")
        #expect(all.errors.hasSuffix("Import command completed:  2 entries successfully imported, 1 entries failed or cancelled\n"), "\(all)")
        #expect(try await places[0].run(.jdk, "-list \(Self.added) -storepass 123456").output.contains("contains 4 entries"))
        // What came from a file signs in the token.
        let request = try await places[0].run(.serval, "-certreq \(Self.added) -storepass 123456 -alias New -file new.csr")
        #expect(request.status == 0)
        #expect(try await Tool.openssl.run("req -in new.csr -noout -verify", in: places[0].folder).status == 0)
    }

    @Test("A token gives no keys away")
    func source() async throws {
        let place = try await TokenFolder()
        let run = try await place.run(
            .serval,
            "-importkeystore -srckeystore NONE -srcstoretype PKCS11 -addprovider SunPKCS11 -providerarg p11.cfg -srcstorepass 123456 -destkeystore s "
                + "-deststorepass changeit"
        )
        #expect(run.status == 1)
        #expect(run.output.hasPrefix("keytool error: java.security.KeyStoreException: Keys do not leave a PKCS#11 token"), "\(run)")
        #expect(!place.folder.exists("s"))
    }

    @Test("A key made in the token gets its certificate from an authority, and the chain is found again")
    func reply() async throws {
        let place = try await TokenFolder()
        let uri = "'pkcs11:token=token?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-value=123456'"
        #expect(try await place.run(.serval, "-genkeypair -keystore \(uri) -alias Web -keyalg EC -dname CN=www.example.org").status == 0)
        #expect(try await place.run(.serval, "-certreq -keystore \(uri) -alias Web -file web.csr").status == 0)
        for line in [
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=Authority -days 30",
            "x509 -req -in web.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out web.pem -days 30",
        ] {
            try #require(try await Tool.openssl.run(line, in: place.folder).status == 0)
        }
        try place.folder.write(try place.folder.text("ca.pem") + place.folder.text("web.pem"), to: "reply.pem")
        let imported = try await place.run(.serval, "-importcert -keystore \(uri) -alias Web -file reply.pem -noprompt")
        #expect(imported.errors.contains("Certificate reply was installed in keystore"))
        #expect(try await place.run(.jdk, "-list \(Self.token) -storepass 123456 -alias Web -v").output.contains("Certificate chain length: 2"))
        #expect(try await place.run(.serval, "-list -keystore \(uri) -alias Web -v").output.contains("Certificate chain length: 2"))
    }

    @Test(
        "What is wrong is told where the JDK says only that something is",
        arguments: [
            ("\(token) -storepass 999999", "java.io.IOException: The PIN of token [token] is wrong"),
            ("\(token) -protected", "java.io.IOException: load failed: the token [token] shows its keys only with its PIN"),
            (
                token.replacingOccurrences(of: "p11.cfg", with: "library.cfg") + " -storepass 123456",
                "java.security.ProviderException: The PKCS#11 module"
            ),
            (
                token.replacingOccurrences(of: "p11.cfg", with: "none.cfg") + " -storepass 123456",
                "java.lang.Exception: Provider \"sun.security.pkcs11.SunPKCS11\" not found"
            ),
            (
                "-keystore pkcs11:token=x?module-path=/usr/lib/softhsm/libsofthsm2.so -storepass 123456",
                "java.security.ProviderException: Initialization failed"
            ),
        ]
    )
    func failures(arguments: String, words: String) async throws {
        let place = try await TokenFolder()
        let run = try await place.run(.serval, "-list " + arguments)
        #expect(run.status == 1)
        #expect(run.output.hasPrefix("keytool error: \(words)"), "\(run.output)")
        #expect(run.errors.isEmpty)
    }

    @Test("A key that cannot be made, or not be saved, leaves nothing in the token")
    func unfinished() async throws {
        let place = try await TokenFolder()
        #expect(try await place.run(.serval, "-genkeypair \(Self.token) -storepass 123456 -alias e -keyalg Ed25519 -dname CN=e").status == 1)
        #expect(
            try await place.run(.serval, "-genkeypair \(Self.token) -storepass 123456 -alias e -keyalg EC -dname CN=e -sigalg SHA256withRSA").status
                == 1
        )
        let objects = try await Tool(path: "/usr/bin/env", leadingArguments: ["pkcs11-tool"])
            .run("--module /usr/lib/softhsm/libsofthsm2.so --login --pin 123456 -O", in: place.folder, environment: place.environment)
        #expect(!objects.output.contains("Key Object"), "\(objects)")
    }
}
