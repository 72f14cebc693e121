import Testing

/// `-keypasswd` beside the JDK's.
@Suite struct KeyPasswordCommandTests {
    private let pair = ToolPair()

    @Test func usage() async throws {
        try await pair.compare("-keypasswd -bogus")
    }

    @Test(arguments: ["JKS", "JCEKS"]) func keysHavePasswords(type: String) async throws {
        try await pair.make(
            "s",
            [
                "-genkeypair -alias k -keyalg EC -dname CN=k -storetype \(type) -storepass changeit -keypass changeit",
                "-genkeypair -alias own -keyalg EC -dname CN=own -storepass changeit -keypass keypass1",
            ]
        )
        let command = "-keypasswd -keystore s -storepass changeit"
        try await pair.compare("\(command) -v -alias k -new keypass2")
        try await pair.compare("\(command) -alias own -keypass keypass1 -new keypass3")
        try await pair.compare("\(command) -alias own", input: "keypass3\nkeypass3\nabc\nkeypass5\nkeypass5\n")
        try await pair.compare("\(command) -alias own")
        // For JCEKS the JDK speaks of a "block not properly padded".
        for (line, input) in [("-alias own -keypass wrong77 -new keypass4", ""), ("-alias own", "wrong77\n")] {
            let run = try await Tool.serval.run("\(command) \(line)", input: input, in: pair.ours)
            #expect(run.output == "keytool error: java.security.UnrecoverableKeyException: Cannot recover key\n")
            if type == "JKS" { try await pair.compare("\(command) \(line)", input: input) }
        }
        for key in ["k -keypass keypass2", "own -keypass keypass5"] {
            let request = "-certreq -keystore s -storepass changeit -alias \(key)"
            #expect(try await Tool.jdk.run(request, in: pair.ours).status == 0)
        }
    }

    @Test func refusals() async throws {
        try await pair.make("s", ["-genkeypair -alias k -keyalg EC -dname CN=k -storetype JKS -storepass changeit -keypass changeit"])
        try await pair.make("p", ["-genkeypair -alias k -keyalg EC -dname CN=k -storepass changeit"])
        for line in [
            "-keystore s -storepass changeit -alias nope -new keypass1", "-keystore s -storepass changeit -new keypass1",
            "-keystore s -storepass changeit -alias k -new abc", "-keystore s -storepass wrongpw -alias k -new keypass1",
            "-keystore s -storetype pkcs12 -storepass changeit -alias k -new keypass1", "-keystore p -storepass changeit -alias k -new keypass1",
            "-keystore missing -storepass changeit -alias k -new keypass1", "-keystore NONE -storetype PKCS11 -alias k",
            "-protected -alias k -keystore s -new keypass1",
        ] { try await pair.compare("-keypasswd \(line)") }
    }

    @Test func aCertificateHasNoKey() async throws {
        try await pair.make("s", ["-genkeypair -alias k -keyalg EC -dname CN=k -storetype JKS -storepass changeit -keypass changeit"])
        try await pair.compare("-exportcert -alias k -file c -nowarn -keystore s -storepass changeit")
        try await pair.compare("-importcert -noprompt -alias c -file c -nowarn -keystore s -storepass changeit")
        try await pair.compare("-keypasswd -alias c -new keypass1 -keystore s -storepass changeit")
    }

    @Test(.timeLimit(.minutes(5))) func onATerminal() async throws {
        try await pair.make("s", ["-genkeypair -alias k -keyalg EC -dname CN=k -storetype JKS -storepass changeit -keypass keypass1"])
        try await pair.converse(
            "-keypasswd -alias k -keystore s",
            [
                ("keystore password:", "changeit"), ("Enter key password for <k>", "keypass1"), ("New key password for <k>:", "keypass2"),
                ("Re-enter new key password for <k>:", "keypass3"), ("New key password for <k>:", "keypass2"),
                ("Re-enter new key password for <k>:", "keypass2"),
            ]
        )
    }
}
