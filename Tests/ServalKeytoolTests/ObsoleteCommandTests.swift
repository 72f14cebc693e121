import Testing

/// `-keyclone`, `-selfcert` and `-identitydb`, which the JDK does not list and still knows.
@Suite struct ObsoleteCommandTests {
    private let pair = ToolPair()

    @Test(arguments: ["-keyclone", "-selfcert", "-identitydb"]) func usage(command: String) async throws {
        try await pair.compare("\(command) -help")
    }

    @Test func clones() async throws {
        try await pair.make(
            "j",
            [
                "-genkeypair -alias k -keyalg EC -dname CN=k -storetype JKS -storepass changeit -keypass changeit",
                "-genkeypair -alias own -keyalg EC -dname CN=own -storepass changeit -keypass keypass1",
            ]
        )
        try await pair.make("p", ["-genkeypair -alias k -keyalg EC -dname CN=k -storepass changeit"])
        let command = "-keyclone -keystore j -storepass changeit"
        try await pair.compare("\(command) -alias k -dest c1 -new keypass2")
        try await pair.compare("\(command) -alias k -destalias c1 -new keypass2")
        try await pair.compare("\(command) -alias nope -destalias c2")
        try await pair.compare("\(command) -alias k -destalias c2", input: "abc\nabc\nabc\n")
        try await pair.compare("\(command) -alias own -destalias c3", input: "keypass1\nkeypass3\nkeypass3\n")
        try await pair.compare("-list -nowarn -keystore j -storepass changeit")
        try await pair.compare("-keyclone -keystore p -storepass changeit -alias k -destalias c -new keypass1")
        for key in ["c1 -keypass keypass2", "c3 -keypass keypass3"] {
            #expect(try await Tool.jdk.run("-certreq -keystore j -storepass changeit -alias \(key)", in: pair.ours).status == 0)
        }
    }

    @Test func selfSigned() async throws {
        try await pair.make("p", ["-genkeypair -alias k -keyalg EC -dname CN=k -ext bc:c -storepass changeit"])
        let command = "-selfcert -keystore p -storepass changeit"
        try await pair.compare("\(command) -alias k")
        try await pair.compare("\(command) -alias k -dname CN=new -validity 10 -sigalg SHA512withECDSA -startdate 2030/01/01")
        try await pair.compare("-list -v -keystore p -storepass changeit")
        for options in ["-alias nope", "-alias k -sigalg FOO", "-alias k -dname BAD", "-alias k -validity 0"] {
            try await pair.compare("\(command) \(options)")
        }
    }

    @Test func identityDatabases() async throws {
        try pair.ours.write("anything", to: "f")
        try pair.theirs.write("anything", to: "f")
        try await pair.compare("-identitydb -file f -keystore i", input: "changeit\nchangeit\n")
        try await pair.compare("-identitydb -file missing -keystore i -storepass changeit")
    }
}
