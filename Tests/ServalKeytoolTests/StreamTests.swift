import Foundation
import Testing

/// Closed streams, full disks, pipes and folders that nothing can be written into.
@Suite struct StreamTests {
    private let folder = Folder()

    private func shell(_ line: String) async throws -> ToolRun {
        try await Tool(path: "/bin/sh").run(["-c", line.replacing("TOOL", with: "'\(Tool.serval.path)'")], in: folder)
    }

    private func makeStore() async throws {
        let made = try await Tool.serval.run("-genkeypair -alias a -keyalg EC -dname CN=a -keystore s -storepass changeit", in: folder)
        #expect(made.status == 0)
    }

    @Test func closedStreams() async throws {
        try await makeStore()
        // The lock on the store must not become the standard input, and the store's bytes the password.
        let run = try await shell("exec TOOL -delete -alias a -keystore s <&-")
        #expect(run.errors.contains("Too many failures - try later"), "\(run)")
        #expect(try await shell("exec TOOL -genkeypair -alias b -keyalg EC -dname CN=b -keystore s -storepass changeit <&- >&- 2>&-").status == 0)
        #expect(try await Tool.serval.run("-list -keystore s -storepass changeit", in: folder).output.contains("contains 2 entries"))
    }

    @Test func aResultThatCannotBeWrittenIsAnError() async throws {
        try await makeStore()
        for command in ["-exportcert -rfc -alias a", "-exportcert -alias a", "-list -v", "-certreq -alias a"] {
            let run = try await shell("exec TOOL \(command) -keystore s -storepass changeit >/dev/full")
            #expect(run.status == 1, "\(command)")
            #expect(run.errors.hasSuffix("keytool error: java.io.IOException: standard output: No space left on device\n"), "\(run)")
        }
        // A reader that has seen enough is none.
        let run = try await shell("{ TOOL -list -keystore s -storepass changeit; echo $? >status; } | true; cat status")
        #expect(run.output == "0\n")
    }

    @Test func aStoreThatIsAPipe() async throws {
        try await makeStore()
        let run = try await shell(
            "mkfifo p; TOOL -genkeypair -alias b -keyalg EC -dname CN=b -keystore p -storepass changeit; "
                + "cat s >p & TOOL -list -keystore p -storepass changeit"
        )
        #expect(run.output.hasPrefix("keytool error: java.lang.Exception: Keystore file exists, but is empty: p\nKeystore type: PKCS12\n"), "\(run)")
    }

    @Test(.timeLimit(.minutes(1))) func inspectedPipes() async throws {
        try await makeStore()
        let written = try await shell("mkfifo p; { sleep 0.3; cat s; } >p & TOOL -inspect p -storepass changeit")
        #expect(written.output.hasPrefix("p: PKCS12 key store"), "\(written)")
        for command in ["-inspect", "-lint"] {
            let run = try await Tool.serval.run("\(command) p", in: folder)
            #expect(run.status != 0)
            #expect(run.output.contains("p is a pipe into which nobody writes"), "\(run)")
        }
    }

    /// Even root cannot replace a file that is mounted in its place, nor make one in `/proc`; the owner of a file cannot in a folder of somebody else.
    @Test func aFolderThatCannotBeWrittenInto() async throws {
        try await makeStore()
        let run = try await shell(
            """
            mkdir f; mv s f/s; chmod 777 f/s; chmod 555 f
            if [ "$(id -u)" = 0 ]; then as="setpriv --reuid 65534 --clear-groups"; chmod 755 .; fi
            $as TOOL -changealias -alias a -destalias b -keystore f/s -storepass changeit
            code=$?; chmod 755 f; ls -A f; exit $code
            """
        )
        #expect(run.status == 1)
        #expect(
            run.output
                == "keytool error: java.io.FileNotFoundException: f/s: a new file cannot take its place in its folder, and it is not written in place "
                + "(Permission denied)\ns\n",
            "\(run)"
        )
    }
}
