import Testing

/// `-storepasswd` beside the JDK's.
@Suite struct StorePasswordCommandTests {
    private let pair = ToolPair()

    @Test func usage() async throws {
        try await pair.compare("-storepasswd -bogus")
    }

    @Test(arguments: ["PKCS12", "JKS", "JCEKS"]) func theStoreGetsAnotherPassword(type: String) async throws {
        var lines = ["-genkeypair -alias k -keyalg EC -dname CN=k -storetype \(type) -storepass changeit -keypass changeit"]
        if type != "JKS" { lines.append("-genseckey -alias aes -keyalg AES -keysize 128 -storepass changeit -keypass changeit") }
        try await pair.make("s", lines)
        try await pair.compare("-storepasswd -v -keystore s -storepass changeit -new changeit2")
        try await pair.compare("-storepasswd -keystore s", input: "changeit2\nchangeit2\nchangeit3\nchangeit3\n")
        try await pair.compare("-list -keystore s -storepass changeit3")
        try await pair.compare("-list -keystore s -storepass changeit")
        // In PKCS12 the keys have the new password, elsewhere the old one; the JDK reads what ours wrote.
        let keyPassword = type == "PKCS12" ? "changeit3" : "changeit"
        let request = "-certreq -alias k -keystore s -storepass changeit3 -keypass \(keyPassword) -file r"
        #expect(try await Tool.jdk.run(request, in: pair.ours).status == 0)
        let copy = "-importkeystore -srckeystore s -srcstorepass changeit3 -destkeystore copy -deststorepass changeit3"
        #expect(try await Tool.jdk.run(copy, input: "changeit\nchangeit\n", in: pair.ours).status == 0)
    }

    @Test func refusals() async throws {
        try await pair.make("s", ["-genkeypair -alias k -keyalg EC -dname CN=k -storepass changeit"])
        for (line, input) in [
            ("-keystore s -storepass wrongpw -new changeit2", ""), ("-keystore s -storepass changeit -new abc", ""),
            ("-keystore s", "wrongpw\n"), ("-keystore s", "changeit\nchangeit\nabc\n"), ("-keystore s", "changeit\n"), ("-keystore s", ""),
            ("-keystore missing -storepass changeit -new changeit2", ""), ("-keystore NONE -storetype PKCS11 -new changeit2", ""),
            ("-keystore s -storepass changeit -new changeit", ""),
        ] { try await pair.compare("-storepasswd \(line)", input: input) }
        try await pair.compare("-list -keystore s -storepass changeit")
    }

    @Test(.timeLimit(.minutes(5))) func onATerminal() async throws {
        try await pair.make("s", ["-genkeypair -alias k -keyalg EC -dname CN=k -storepass changeit"])
        try await pair.converse(
            "-storepasswd -keystore s",
            [
                ("Enter keystore password:", "changeit"), ("New keystore password:", "changeit"), ("New keystore password:", "changeit2"),
                ("Re-enter new keystore password:", "changeit3"), ("New keystore password:", "changeit2"),
                ("Re-enter new keystore password:", "changeit2"),
            ]
        )
    }
}
