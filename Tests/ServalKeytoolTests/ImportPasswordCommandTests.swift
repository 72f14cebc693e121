import Testing

/// `-importpass` beside the JDK's.
@Suite struct ImportPasswordCommandTests {
    private let pair = ToolPair()

    @Test func usage() async throws {
        try await pair.compare("-importpass -bogus")
    }

    @Test(arguments: ["PKCS12", "JCEKS", "JKS"]) func onAPipe(type: String) async throws {
        let store = "-storetype \(type) -keystore s -storepass changeit"
        try await pair.compare("-importpass -alias Mail -keypass changeit \(store)", input: "secretpw\n")
        try await pair.compare("-importpass -alias mail -keypass changeit \(store)", input: "secretpw\n")
        try await pair.compare("-importpass \(type == "JKS" ? "" : "-v") -alias v -keypass changeit \(store)", input: "secretpw\n")
        try await pair.compare("-importpass -alias bad -keypass changeit \(store)", input: "pässwörd\n")
        try await pair.compare("-importpass -alias aes -keyalg AES -keysize 128 -keypass changeit \(store)", input: "secretpw\n")
        if type != "JKS" { try await pair.compare("-list \(store)") }
    }

    @Test func theOneReadsWhatTheOtherKept() async throws {
        for (tool, name) in [(Tool.serval, "ours"), (Tool.jdk, "theirs")] {
            #expect(try await tool.run("-importpass -keystore \(name) -storepass changeit", input: "secretpw\n", in: pair.ours).status == 0)
        }
        // Into a JCEKS store the password comes decrypted, and encrypted anew.
        for (tool, name) in [(Tool.jdk, "ours"), (Tool.serval, "theirs")] {
            let run = try await tool.run(
                "-importkeystore -srckeystore \(name) -srcstorepass changeit -destkeystore \(name).jck -deststoretype JCEKS -deststorepass changeit",
                in: pair.ours
            )
            #expect(run.errors.contains("Entry for alias mykey successfully imported."))
        }
    }

    @Test(.timeLimit(.minutes(5))) func onATerminal() async throws {
        try await pair.converse(
            "-importpass -alias a -keystore s",
            [
                ("keystore password:", "changeit"), ("Re-enter new password:", "changeit"), ("password to be stored:", "secret"),
                ("Re-enter password:", "secrxt"), ("password to be stored:", "secret"), ("Re-enter password:", "secret"),
            ]
        )
        try await pair.converse(
            "-importpass -alias b -keystore s -storepass changeit",
            [
                ("password to be stored:", "a"), ("Re-enter password:", "b"), ("password to be stored:", "a"), ("Re-enter password:", "b"),
                ("password to be stored:", "a"), ("Re-enter password:", "b"),
            ]
        )
        try await pair.compare("-list -keystore s -storepass changeit")
    }
}
