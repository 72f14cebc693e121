import Foundation
import Testing

/// `-importkeystore` beside the JDK's: all directions, questions, failures, and stores that are migrated in their place.
@Suite struct ImportKeyStoreCommandTests {
    private let pair = ToolPair()

    /// A store of ours with a key, a key that has its own password where the format allows it, a certificate, and a secret key.
    private func makeSource(_ type: String) async throws {
        var lines = [
            "-genkeypair -alias k -keyalg EC -dname CN=k -storetype \(type) -storepass changeit -keypass changeit -nowarn",
            "-genkeypair -alias own -keyalg EC -dname CN=own -storepass changeit -keypass keypass1 -nowarn",
        ]
        if type != "JKS" { lines.append("-genseckey -alias aes -keyalg AES -keysize 128 -storepass changeit -keypass changeit -nowarn") }
        try await pair.make("s", lines)
        lines = ["-exportcert -alias k -file c -storepass changeit", "-importcert -noprompt -alias Root -file c -storepass changeit"]
        try await pair.make("s", lines)
    }

    @Test func usage() async throws {
        try await pair.compare("-importkeystore -bogus")
    }

    @Test(arguments: ["PKCS12", "JKS", "JCEKS"], ["PKCS12", "JKS", "JCEKS"])
    func everyDirection(from source: String, to destination: String) async throws {
        try await makeSource(source)
        let command = "-importkeystore -srckeystore s -srcstorepass changeit -destkeystore d -deststorepass changed1"
        // The answers are for the key's own password, and for the question whether to go on without the secret key.
        let input = source == "PKCS12" ? "no\n" : "keypass1\nno\n"
        try await pair.compare("\(command) -deststoretype \(destination)", input: input)
        let list = try await pair.compare("-list -keystore d -storepass changed1")
        #expect(list.output.contains("k, "))
        // The JDK signs with the key that ours has copied.
        let password = destination == "PKCS12" ? "changed1" : source == "PKCS12" ? "changeit" : "keypass1"
        let request = "-certreq -alias own -keystore d -storepass changed1 -keypass \(password)"
        #expect(try await Tool.jdk.run(request, in: pair.ours).status == 0)
        if destination != "JKS", source != "JKS" {
            let copy = "-importkeystore -srckeystore d -srcstorepass changed1 -srcalias aes -destkeystore copy -deststorepass changeit"
            #expect(try await Tool.jdk.run(copy, input: "changeit\n", in: pair.ours).status == 0)
            #expect(pair.ours.exists("copy"))
        }
    }

    @Test func conflicts() async throws {
        try await makeSource("PKCS12")
        let command = "-importkeystore -srckeystore s -srcstorepass changeit -destkeystore d -deststorepass changeit"
        try await pair.compare(command)
        try await pair.compare("\(command) -noprompt")
        try await pair.compare("\(command) -srcalias k", input: "yes\n")
        try await pair.compare("\(command) -srcalias K -destalias Other")
        try await pair.compare("-list -keystore d -storepass changeit")
    }

    @Test func passwordsOfSingleEntries() async throws {
        try await makeSource("JKS")
        let command = "-importkeystore -srckeystore s -srcstorepass changeit -deststorepass changeit -nowarn"
        try await pair.compare("\(command) -srcalias own -srckeypass keypass1 -destkeystore d1 -destkeypass changeit")
        try await pair.compare("\(command) -srcalias own -srckeypass wrong77 -destkeystore d2")
        try await pair.compare("\(command) -srcalias own -destkeystore d2", input: "wrong77\n")
        try await pair.compare("\(command) -srcalias own -destkeystore d3 -destkeypass another1", input: "keypass1\n")
        try await pair.compare("\(command) -destkeystore d4 -deststoretype JKS -destkeypass newpass1 -noprompt", input: "keypass1\n")
        try await pair.compare("\(command) -destkeystore d5")
        #expect(!pair.ours.exists("d5"))
        let request = "-certreq -alias own -keystore d4 -storepass changeit -keypass newpass1"
        #expect(try await Tool.jdk.run(request, in: pair.ours).status == 0)
    }

    @Test func refusals() async throws {
        try await makeSource("PKCS12")
        for folder in [pair.ours, pair.theirs] {
            try folder.write("", to: "empty")
            try folder.write("this is no key store\n", to: "text")
        }
        for line in [
            "-destkeystore d -deststorepass changeit", "-srckeystore nothere -destkeystore d -deststorepass changeit",
            "-srckeystore empty -destkeystore d -deststorepass changeit",
            "-srckeystore text -srcstorepass changeit -destkeystore d -deststorepass changeit",
            "-srckeystore text -srcstoretype jks -srcstorepass changeit -destkeystore d -deststorepass changeit",
            "-srckeystore s -srcstoretype foo -srcstorepass changeit -destkeystore d -deststorepass changeit",
            "-srckeystore s -srcstorepass changeit -destkeystore empty -deststorepass changeit",
            "-srckeystore s -srcstorepass changeit -destkeystore d -deststorepass abc",
            "-srckeystore s -srcstorepass wrongpw -destkeystore d -deststorepass changeit",
            "-srckeystore s -srcstorepass changeit -destkeystore d -deststorepass changeit -srcalias nope",
            "-srckeystore s -srcstorepass changeit -destkeystore d -deststorepass changeit -destalias x",
            "-srckeystore s -srcstorepass changeit -destkeystore d -deststorepass changeit -destkeypass abc",
            "-srckeystore s -srcprotected -srcstorepass changeit -destkeystore d -deststorepass changeit",
        ] { try await pair.compare("-importkeystore \(line)") }
        try await pair.compare("-importkeystore -srckeystore s -destkeystore d", input: "abc\nchangeit\nchangeit\nwrongpw\n")
        #expect(!pair.ours.exists("d"))
    }

    @Test func aSourceWithoutItsPassword() async throws {
        try await makeSource("JKS")
        try await pair.compare(
            "-importkeystore -srckeystore s -destkeystore d -deststorepass changeit",
            input: "\nchangeit\nkeypass1\n"
        )
    }

    @Test func migrationInPlace() async throws {
        try await makeSource("JKS")
        let original = try pair.ours.read("s")
        let command = "-importkeystore -srckeystore s -srcstorepass changeit -deststorepass changeit"
        try await pair.compare("\(command) -destkeystore ./s -deststoretype pkcs12", input: "keypass1\n")
        #expect(try pair.ours.read("s.old") == original)
        try await pair.compare("-list -keystore s -storepass changeit")
        try await pair.compare("\(command) -destkeystore s")
        try await pair.compare("\(command) -destkeystore s -deststoretype jks -srcalias k -destalias kk")
        for (name, type) in [("s", "JKS"), ("s.old2", "PKCS12"), ("s.old3", "PKCS12")] {
            #expect(try await Tool.serval.run("-list -keystore \(name) -storepass changeit", in: pair.ours).output.contains("type: \(type)\n"))
        }
        let before = try pair.ours.read("s")
        try await pair.compare("-importkeystore -srckeystore s -srcstorepass wrongpw -destkeystore s -deststorepass changeit")
        try await pair.compare("\(command) -destkeystore s -srcalias nope")
        #expect(try pair.ours.read("s") == before)
        #expect(!pair.ours.exists("s.old4"))
    }

    @Test func questionsWithoutAConsole() async throws {
        try await makeSource("PKCS12")
        let command = "-importkeystore -srckeystore s -srcstorepass changeit -destkeystore d -deststorepass changeit"
        #expect(try await Tool.serval.run(command, in: pair.ours).status == 0)
        // A new name that is taken as well is asked about again; the end of the input leaves everything else as it is.
        let run = try await Tool.serval.run(command, input: "no\nown\nno\nthird\nyes\n", in: pair.ours)
        #expect(run.status == 0)
        #expect(
            run.errors == """
                Importing keystore s to d...
                Existing entry alias k exists, overwrite? [no]:  Enter new alias name\t(RETURN to cancel import for this entry):  \
                Existing entry alias own exists, overwrite? [no]:  Enter new alias name\t(RETURN to cancel import for this entry):  \
                Entry for alias k successfully imported.
                Existing entry alias own exists, overwrite? [no]:  Entry for alias own successfully imported.
                Existing entry alias aes exists, overwrite? [no]:  Enter new alias name\t(RETURN to cancel import for this entry):  \
                Entry for alias aes not imported.
                Existing entry alias root exists, overwrite? [no]:  Enter new alias name\t(RETURN to cancel import for this entry):  \
                Entry for alias root not imported.
                Import command completed:  2 entries successfully imported, 2 entries failed or cancelled

                """
        )
    }

    @Test(.timeLimit(.minutes(5))) func onATerminal() async throws {
        try await makeSource("PKCS12")
        try await pair.converse(
            "-importkeystore -srckeystore s -destkeystore d",
            [
                ("destination keystore password:", "changeit"), ("Re-enter new password:", "changeit"),
                ("source keystore password:", "changeit"),
            ]
        )
        try await pair.converse(
            "-importkeystore -srckeystore s -destkeystore d",
            [
                ("destination keystore password:", "changeit"), ("source keystore password:", "changeit"), ("k exists, overwrite? [no]:", "maybe"),
                ("k exists, overwrite? [no]:", "yes"), ("own exists, overwrite? [no]:", "no"), ("for this entry):", ""),
                ("aes exists, overwrite? [no]:", ""), ("for this entry):", "other"), ("root exists, overwrite? [no]:", "y"),
            ]
        )
        try await pair.converse(
            "-importkeystore -srckeystore s -destkeystore j -deststoretype JKS",
            [
                ("destination keystore password:", "changeit"), ("Re-enter new password:", "changeit"),
                ("source keystore password:", "changeit"), ("quit the import process? [no]:", "yes"),
            ]
        )
    }
}
