import Foundation
import Testing

/// What happens before a command does anything: the words of the command line.
@Suite struct GrammarTests {
    private let folder = Folder()

    @Test func noArgumentPrintsTheListOfCommands() async throws {
        let run = try await Tool.serval.run("", in: folder)
        #expect(run.status == 0)
        #expect(run.output.isEmpty)
        #expect(run.errors.hasPrefix("Key and Certificate Management Tool\n\nCommands:\n\n -certreq            Generates a certificate request\n"))
        #expect(run.errors.contains("\n -list               Lists entries in a keystore\n"))
        for option in ["-help", "--help", "-h", "-?", "-HELP"] {
            #expect(try await Tool.serval.run([option], in: folder) == run)
        }
    }

    @Test func helpListsOnlyCommandsThatExist() async throws {
        let help = try await Tool.serval.run("-help", in: folder).errors
        let names = help.split(separator: "\n").filter { $0.hasPrefix(" -") }.compactMap { $0.split(separator: " ").first }
        #expect(!names.isEmpty)
        for name in names {
            let run = try await Tool.serval.run("\(name) -help", in: folder)
            #expect(run.status == 0)
            #expect(run.errors.hasPrefix("keytool \(name) [OPTION]..."))
        }
    }

    @Test(arguments: ["-bogus", "-g", "-lis", "foo", "--version", "-genk", "list"])
    func unknownWordsAreIllegalOptions(word: String) async throws {
        let run = try await Tool.serval.run([word], in: folder)
        #expect(run.status == 1)
        #expect(run.output.isEmpty)
        #expect(run.errors.hasPrefix("Illegal option:  \(word)\nKey and Certificate Management Tool\n"))
    }

    @Test func theUsageIsThatOfTheCommandWhereverItStands() async throws {
        let run = try await Tool.serval.run("-bogus -list", in: folder)
        #expect(run.status == 1)
        #expect(run.errors.hasPrefix("Illegal option:  -bogus\nkeytool -list [OPTION]...\n"))
    }

    @Test(arguments: ["-list -storepass", "-list -storepass:env", "-list -alias", "-list -keystore x -storetype"])
    func anOptionWithoutItsValueIsNamed(line: String) async throws {
        let run = try await Tool.serval.run(line, in: folder)
        let option = line.split(separator: " ").last ?? ""
        #expect(run.status == 1)
        #expect(run.errors.hasPrefix("Command option \(option) needs an argument.\nkeytool -list [OPTION]...\n"))
    }

    @Test(arguments: [
        ("-genkeypair -list", "-genkeypair", "-list"), ("-EXPORT -import", "-exportcert", "-importcert"), ("-list -printcert", "-list", "-printcert"),
    ])
    func twoCommandsAreOneTooMany(line: String, first: String, second: String) async throws {
        let run = try await Tool.serval.run(line, in: folder)
        #expect(run.status == 1)
        #expect(run.errors.isEmpty)
        #expect(run.output == "keytool error: java.lang.Exception: Only one command is allowed: both \(first) and \(second) were specified.\n")
    }

    @Test func optionsWithoutACommand() async throws {
        let run = try await Tool.serval.run("-alias x", in: folder)
        #expect(run.status == 1)
        #expect(run.errors.hasPrefix("Usage error: no command provided\nKey and Certificate Management Tool\n"))
    }

    @Test func aCommandsNameCanBeAValue() async throws {
        let run = try await Tool.serval.run("-list -alias -export -keystore nothing -storepass changeit", in: folder)
        #expect(run.output == "keytool error: java.lang.Exception: Keystore file does not exist: nothing\n")
    }

    @Test func passwordsFromFilesAndVariables() async throws {
        try folder.write("changeit\r\nsecond line\n", to: "pw.txt")
        _ = try await Tool.serval.run("-genkeypair -alias a -keyalg EC -dname CN=a -keystore s.p12 -storepass changeit", in: folder)
        #expect(try await Tool.serval.run("-list -keystore s.p12 -storepass:file pw.txt", in: folder).status == 0)
        #expect(try await Tool.serval.run("-list -keystore s.p12 -STOREPASS:env KSPW", in: folder, environment: ["KSPW": "changeit"]).status == 0)
        #expect(try await Tool.serval.run("-list -keystore s.p12 -storepass:FILE pw.txt", in: folder).status == 0)
        #expect(try await Tool.serval.run("-list -keystore s.p12 -storepass:Env KSPW", in: folder, environment: ["KSPW": "changeit"]).status == 0)

        let missing = try await Tool.serval.run("-list -keystore s.p12 -storepass:file nope.txt", in: folder)
        #expect(missing.status == 1)
        #expect(missing.errors.hasPrefix("Cannot find file: nope.txt\nkeytool -list [OPTION]...\n"))
        let unset = try await Tool.serval.run("-list -keystore s.p12 -storepass:env NOPE", in: folder)
        #expect(unset.status == 1)
        #expect(unset.errors.hasPrefix("Cannot find environment variable: NOPE\nkeytool -list [OPTION]...\n"))
        let strange = try await Tool.serval.run("-list -keystore s.p12 -storepass:foo bar", in: folder)
        #expect(strange.errors.hasPrefix("Unknown password type: foo\n"))
    }

    @Test func passwordsOfTheSourceFromFilesAndVariables() async throws {
        try folder.write("source1", to: "source.txt")
        try folder.write("destination\n", to: "destination.txt")
        for type in ["JKS", "PKCS12"] {
            let keyPassword = type == "JKS" ? "-keypass secret1" : ""
            let made = "-genkeypair -alias a -keyalg EC -dname CN=a -keystore s.\(type) -storetype \(type) -storepass source1 \(keyPassword)"
            #expect(try await Tool.serval.run(made, in: folder).status == 0)
            let run = try await Tool.serval.run(
                "-importkeystore -srckeystore s.\(type) -destkeystore d.\(type) -srcalias a -srcstorepass:file source.txt -srckeypass:env KEYPASS "
                    + "-deststorepass:file destination.txt",
                in: folder,
                environment: ["KEYPASS": type == "JKS" ? "secret1" : "source1"]
            )
            #expect(run.status == 0, "\(run)")
            let key = try await Tool.serval.run("-certreq -alias a -keystore d.\(type) -storepass destination", in: folder)
            #expect(key.output.hasPrefix("-----BEGIN NEW CERTIFICATE REQUEST-----"), "\(key)")
        }
        let missing = try await Tool.serval.run("-importkeystore -srckeystore s.JKS -destkeystore e -srcstorepass:file nope", in: folder)
        #expect(missing.status == 1)
        #expect(missing.errors.hasPrefix("Cannot find file: nope\nkeytool -importkeystore [OPTION]...\n"))
    }

    @Test func optionsThatTheJDKLacksStandBehindTheOthers() async throws {
        let help = try await Tool.serval.run("-importcert -help", in: folder).errors
        let parts = help.components(separatedBy: "\n\nOptions that the JDK's tool does not have:\n\n")
        #expect(parts.count == 2)
        #expect(parts.last?.hasPrefix(" -certfile <file>") == true)
        #expect(parts.last?.contains("\n -dryrun ") == true)
        let jdk = try await Tool.jdk.run("-importcert -help", in: folder).errors
        #expect(jdk.hasPrefix(parts[0] + "\n\nUse "))
    }

    @Test func theLastOfEqualOptionsCounts() async throws {
        let run = try await Tool.serval.run(
            "-J-Xmx64m -GenKeyPair -alias a -Alias b -KeyAlg ec -dname CN=a -keystore d.p12 -storepass changeit -providername SUN",
            in: folder
        )
        #expect(run.status == 0)
        #expect(run.errors.hasSuffix("\n\nWarning:\nThe -alias option is specified multiple times. All except the last one will be ignored.\n"))
        #expect(try await Tool.serval.run("-list -keystore d.p12 -storepass changeit", in: folder).output.contains("\nb, "))
        let silent = try await Tool.serval.run("-list -alias a -alias b -nowarn -keystore d.p12 -storepass changeit", in: folder)
        #expect(silent.errors.isEmpty)
        #expect(silent.output.hasPrefix("b, "))
    }

    @Test func verboseAndRFCExcludeEachOther() async throws {
        let run = try await Tool.serval.run("-list -v -rfc -keystore x", in: folder)
        #expect(run.status == 1)
        #expect(run.errors.hasPrefix("Must not specify both -v and -rfc with 'list' command\nkeytool -list [OPTION]...\n"))
    }
}
