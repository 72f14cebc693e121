import Testing

/// `-changealias` beside the JDK's, for every format and kind of entry.
@Suite struct ChangeAliasCommandTests {
    private let pair = ToolPair()
    private let options = "-keystore s -storepass changeit"

    @Test func usage() async throws {
        try await pair.compare("-changealias -bogus")
    }

    @Test func pkcs12() async throws {
        try await pair.make(
            "s",
            [
                "-genkeypair -alias k -keyalg EC -dname CN=k -storepass changeit",
                "-genseckey -alias aes -keyalg AES -keysize 128 -storepass changeit",
            ]
        )
        for line in [
            "-alias K -destalias New -v", "-alias nope -destalias q", "-alias new -destalias NEW", "-alias new -destalias aes",
            "-destalias x", "-alias aes -destalias AES2 -keypass another",
        ] { try await pair.compare("-changealias \(line) \(options)") }
        try await pair.compare("-changealias -alias new -destalias b -keystore s -storepass wrongpw")
        try await pair.compare("-changealias -alias new -destalias b -keystore missing")
        try await pair.compare("-changealias -alias new -keystore s", input: "\n")
        try await pair.compare("-list \(options)")
    }

    @Test(arguments: ["JKS", "JCEKS"]) func keysWithPasswordsOfTheirOwn(type: String) async throws {
        try await pair.make(
            "s",
            [
                "-genkeypair -alias k -keyalg EC -dname CN=k -storetype \(type) -storepass changeit -keypass changeit",
                "-genkeypair -alias own -keyalg EC -dname CN=own -storepass changeit -keypass keypass1",
            ]
        )
        try await pair.compare("-changealias -alias k -destalias k2 \(options)")
        try await pair.compare("-changealias -alias own -destalias Own2 \(options)", input: "keypass1\n")
        if type == "JKS" {
            try await pair.compare("-changealias -alias own2 -destalias own3 \(options)", input: "wrong77\n")
            try await pair.compare("-changealias -alias own2 -destalias own3 -keypass wrong77 \(options)", input: "keypass1\n")
        }
        try await pair.compare("-changealias -alias own2 -destalias own3 -keypass keypass1 \(options)")
        try await pair.compare("-list \(options)")
        // The key has moved with its password.
        #expect(try await Tool.jdk.run("-certreq -alias own3 -keypass keypass1 \(options)", in: pair.ours).status == 0)
    }

    @Test(.timeLimit(.minutes(5))) func onATerminal() async throws {
        try await pair.make("s", ["-genkeypair -alias k -keyalg EC -dname CN=k -storetype JKS -storepass changeit -keypass keypass1"])
        try await pair.converse(
            "-changealias -alias k -keystore s",
            [("destination alias name:", "moved"), ("keystore password:", "changeit"), ("key password for <k>", "keypass1")]
        )
        try await pair.converse("-changealias -alias moved -keystore s", [("destination alias name:", "")])
    }
}
