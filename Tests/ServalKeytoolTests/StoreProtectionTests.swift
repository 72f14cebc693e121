import Foundation
import Testing

/// How PKCS12 files are protected, aliases and passwords of unusual characters and lengths.
@Suite struct StoreProtectionTests {
    private let folder = Folder()

    private func protection(of name: String) async throws -> String {
        let run = try await Tool.openssl.run("pkcs12 -in \(name) -info -noout -legacy -passin pass:changeit", in: folder)
        return run.errors + run.output
    }

    @Test(arguments: ["-J-Dkeystore.pkcs12.legacy", "-legacy"]) func legacy(option: String) async throws {
        let options = "-keystore s -storepass changeit"
        #expect(try await Tool.serval.run("-genkeypair -alias k -keyalg EC -dname CN=k \(option) \(options)", in: folder).status == 0)
        for command in ["", "-changealias -alias k -destalias k2", "-genseckey -alias aes -keyalg AES -keysize 128"] {
            // A change of one entry does not lock out the programs that read the file.
            if !command.isEmpty { #expect(try await Tool.serval.run("\(command) \(options)", in: folder).status == 0) }
            let text = try await protection(of: "s")
            #expect(text.contains("MAC: sha1"), "\(text)")
            #expect(text.contains("pbeWithSHA1And3-KeyTripleDES-CBC"), "\(text)")
            #expect(!text.contains("PBES2"), "\(text)")
        }
        #expect(try await Tool.jdk.run("-certreq -alias k2 \(options)", in: folder).status == 0)
        let copy = "-importkeystore -srckeystore s -srcstorepass changeit -destkeystore d -deststorepass changeit"
        #expect(try await Tool.serval.run(copy, in: folder).status == 0)
        #expect(try await protection(of: "d").contains("PBES2"))
    }

    @Test func aTrustStoreThatOpensWithoutAPasswordStaysSo() async throws {
        let none = "-J-Dkeystore.pkcs12.certProtectionAlgorithm=NONE -J-Dkeystore.pkcs12.macAlgorithm=NONE"
        let options = "-keystore t -storepass changeit"
        _ = try await Tool.serval.run("-genkeypair -alias k -keyalg EC -dname CN=k -keystore s -storepass changeit", in: folder)
        _ = try await Tool.serval.run("-exportcert -alias k -file c -keystore s -storepass changeit", in: folder)
        #expect(try await Tool.serval.run("-importcert -noprompt -alias one -file c \(none) \(options)", in: folder).status == 0)
        #expect(try await Tool.serval.run("-importcert -noprompt -alias two -file c \(options)", in: folder).status == 0)
        for tool in [Tool.serval, Tool.jdk] {
            let list = try await tool.run("-list -keystore t", input: "\n", in: folder)
            #expect(list.output.contains("2 entries"), "\(list)")
        }
    }

    @Test(arguments: ["PKCS12", "JKS", "JCEKS"]) func longAndStrangeAliases(type: String) async throws {
        let options = "-keystore s -storepass changeit"
        let make = "-genkeypair -keyalg EC -dname CN=k -storetype \(type) -keypass changeit -nowarn \(options)"
        #expect(try await Tool.serval.run("\(make) -alias Ünï", in: folder).status == 0)
        #expect(try await Tool.serval.run("\(make) -alias 'a\u{1B}[2J\u{7}\nb'", in: folder).status == 0)
        let before = try folder.read("s")
        // Strings of JKS have a length of two bytes.
        let long = try await Tool.serval.run("\(make) -alias \(String(repeating: "a", count: 1 << 16))", in: folder)
        #expect(long.status == (type == "PKCS12" ? 0 : 1))
        if type != "PKCS12" { #expect(try folder.read("s") == before) }
        let rename = try await Tool.serval.run("-changealias -alias ÜNÏ -destalias 名前 -keypass changeit -nowarn \(options)", in: folder)
        #expect(rename == ToolRun(status: 0, output: "", errors: ""))
        let list = try await Tool.serval.run("-list -nowarn \(options)", in: folder)
        #expect(list.output.contains("名前, "))
        #expect(!list.output.contains("\u{1B}"))
        let reference = try await Tool.jdk.run("-list -nowarn -alias 名前 \(options)", in: folder)
        #expect(reference.output.contains("名前, "))
    }

    @Test func passwordsThatAreNotASCII() async throws {
        // A store whose password was typed into the JDK's tool opens with what was typed, and so does one whose password came from an option.
        let command = "-genkeypair -alias k -keyalg EC -dname CN=k -storetype JKS -nowarn"
        #expect(try await Tool.jdk.run("\(command) -keystore typed", input: "pässwörd\npässwörd\n\n", in: folder).status == 0)
        #expect(try await Tool.jdk.run("\(command) -keystore given -storepass pässwörd -keypass pässwörd", in: folder).status == 0)
        for name in ["typed", "given"] {
            let run = try await Tool.serval.run("-list -nowarn -keystore \(name)", input: "pässwörd\n", in: folder)
            #expect(run.output.contains("k, "), "\(name)")
        }
        try folder.write("pässwörd\nsecond line\n", to: "password")
        for source in ["-storepass:file password", "-storepass:env SECRET", "-storepass pässwörd"] {
            let run = try await Tool.serval.run("-list -nowarn -keystore given \(source)", in: folder, environment: ["SECRET": "pässwörd"])
            #expect(run.output.contains("k, "), "\(source)")
        }
    }

    @Test func passwordsFromFilesAndVariables() async throws {
        for (name, text) in [("a", "changeit"), ("b", "changed1"), ("k", "keypass1"), ("n", "keypass2")] { try folder.write(text + "\n", to: name) }
        let variables = ["A": "changeit", "B": "changed1", "K": "keypass1", "N": "keypass2"]
        for line in [
            "-genkeypair -alias k -keyalg EC -dname CN=k -storetype JKS -keystore s -storepass:file a -keypass:env K",
            "-keypasswd -alias k -keystore s -storepass:env A -keypass:file k -new:env N",
            "-storepasswd -keystore s -storepass:file a -new:file b",
            "-importkeystore -srckeystore s -srcstorepass:env B -destkeystore d -deststorepass:file a -srcalias k -srckeypass:file n -destkeypass:env A",
            "-certreq -alias k -keystore d -storepass:env A",
        ] {
            let run = try await Tool.serval.run(line, in: folder, environment: variables)
            #expect(run.status == 0, "\(line): \(run)")
        }
        let missing = try await Tool.serval.run("-storepasswd -keystore s -storepass:env NONE -new:file b", in: folder)
        #expect(missing.status == 1)
        #expect(missing.errors.hasPrefix("Cannot find environment variable: NONE\n"))
    }
}
