import Foundation
import ServalKeyStore
import TestPrograms
import Testing

/// A key store that is written is always the old one or the new one, whatever happens to the program, the disk, or the store meanwhile.
@Suite struct AtomicReplacementTests {
    private let folder = Folder()
    private let options = "-keystore s -storepass changeit"

    private var aliases: [String] {
        get throws { try KeyStore(contentsOf: folder.path("s"), password: "changeit").aliases }
    }

    private var names: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted() }
    }

    private func make(_ alias: String, _ more: String = "") async throws {
        let run = try await Tool.serval.run("-genkeypair -alias \(alias) -keyalg EC -dname CN=a -nowarn \(more) \(options)", in: folder)
        #expect(run.status == 0, "\(run)")
    }

    @Test(.timeLimit(.minutes(2))) func killedAtAnyMoment() async throws {
        try await make("a", "-storetype JKS -keypass changeit")
        var completed = 0
        var renamed = 0
        for round in 0..<100 {
            let before = try #require(try aliases.first)
            let process = ChildProcess()
            process.executableURL = URL(fileURLWithPath: Tool.serval.path)
            process.arguments =
                ["-changealias", "-alias", before, "-destalias", before == "a" ? "b" : "a"] + options.split(separator: " ").map(String.init)
            process.currentDirectoryURL = folder.url
            process.standardError = FileHandle.nullDevice
            try process.run()
            // From before its first step to after its last one, at an even pace.
            usleep(UInt32(round) * 500)
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            if process.terminationStatus == 0 { completed += 1 }
            let after = try aliases
            #expect(after == ["a"] || after == ["b"])
            if after != [before] { renamed += 1 }
        }
        // Otherwise the moments were badly chosen, and the test has shown nothing.
        #expect(completed < 100)
        #expect(renamed >= completed)
        let run = try await Tool.serval.run("-list -nowarn \(options)", in: folder)
        #expect(run.output.contains("1 entry"))
    }

    @Test func aFullDisk() async throws {
        for index in 0..<4 { try await make("key\(index)") }
        let before = try folder.read("s")
        #expect(before.count > 2048)
        for command in [
            "-changealias -alias key0 -destalias x", "-storepasswd -new changed1", "-delete -alias key1", "-genseckey -keyalg AES -keysize 128",
            "-importkeystore -srckeystore s -srcstorepass changeit -deststoretype JCEKS",
        ] {
            let line = "ulimit -f 1; exec '\(Tool.serval.path)' \(command) \(options)"
            let run = try await Tool(path: "/bin/sh").run(["-c", line], in: folder)
            #expect(run.status == 1, "\(command)")
            #expect(run.output.contains("File too large\n"), "\(command): \(run)")
            #expect(try folder.read("s") == before)
            #expect(try names == ["s"])
        }
    }

    @Test(.timeLimit(.minutes(2))) func severalAtOnceLoseNothing() async throws {
        try await make("a")
        let succeeded = try await withThrowingTaskGroup(of: Int32.self) { group in
            for index in 0..<8 {
                group.addTask { try await Tool.serval.run("-genseckey -alias k\(index) -keyalg AES -keysize 128 \(options)", in: folder).status }
            }
            return try await group.reduce(0) { $0 + ($1 == 0 ? 1 : 0) }
        }
        // Who could not wait long enough was told so, and all the others are in the store.
        #expect(succeeded > 0)
        #expect(try aliases.count == 1 + succeeded)
        #expect(try names == ["s"])
    }

    @Test(.timeLimit(.minutes(2))) func aStoreThatChangesMeanwhileIsLeftAlone() async throws {
        try await make("a")
        try folder.copy("s", to: "other")
        // Waits for the question, changes the store as a program would that does not look for locks, and answers then.
        let script = """
            mkfifo answers
            '\(Tool.serval.path)' -storepasswd \(options) <answers 2>questions & tool=$!
            exec 3>answers
            until grep -q 'New keystore password' questions; do sleep 0.02; done
            sleep 0.05; cp other s
            printf 'changed1\\nchanged1\\n' >&3; exec 3>&-
            wait $tool
            """
        let run = try await Tool(path: "/bin/sh").run(["-c", script], in: folder)
        #expect(run.status == 1)
        #expect(
            run.output
                == "keytool error: java.io.IOException: s: another program has changed the file meanwhile; nothing was written, run the command again\n"
        )
        #expect(try folder.read("s") == folder.read("other"))
        #expect(try names == ["answers", "other", "questions", "s"])
    }

    @Test func linksStay() async throws {
        try FileManager.default.createSymbolicLink(atPath: folder.path("s"), withDestinationPath: "target")
        try await make("a")
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder.path("s")) == "target")
        try await make("b")
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder.path("s")) == "target")
        #expect(try aliases == ["a", "b"])
        let mode = try FileManager.default.attributesOfItem(atPath: folder.path("target"))[.posixPermissions] as? NSNumber
        #expect(mode?.intValue == 0o600)
    }

    @Test func placesThatCannotBeWritten() async throws {
        try await make("a")
        for place in [".", "/proc/new.p12", "s/new.p12"] {
            let run = try await Tool.serval.run("-genseckey -keyalg AES -keysize 128 -keystore \(place) -storepass changeit", in: folder)
            #expect(run.status == 1, "\(place)")
            #expect(run.output.hasPrefix("keytool error: java.io.FileNotFoundException: \(place) ("), "\(run)")
        }
        #expect(try names == ["s"])
    }

    @Test func migrationKeepsTheBackupAsPrivateAsTheStore() async throws {
        try await make("a", "-storetype JKS -keypass changeit")
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: folder.path("s"))
        let run = try await Tool.serval.run("-importkeystore -srckeystore s -srcstorepass changeit \(options)", in: folder)
        #expect(run.status == 0)
        for name in ["s", "s.old"] {
            let mode = try FileManager.default.attributesOfItem(atPath: folder.path(name))[.posixPermissions] as? NSNumber
            #expect(mode?.intValue == 0o640, "\(name)")
        }
    }
}
