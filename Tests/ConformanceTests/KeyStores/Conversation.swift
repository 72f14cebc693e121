import Foundation

/// A person at a terminal: waits for a text, then types a line.
enum Conversation {
    struct Step: Codable {
        let awaited: String
        let typed: String

        init(_ awaited: String, _ typed: String) {
            self.awaited = awaited
            self.typed = typed
        }
    }

    /// Runs a program on a pseudo-terminal of its own; what appeared on the screen is the result's output.
    static func run(_ program: String, _ arguments: [String], _ steps: [Step], in folder: TemporaryFolder) async throws -> CommandResult {
        try folder.write(driver, to: "conversation.py")
        let script = String(decoding: try JSONEncoder().encode(steps), as: UTF8.self)
        return try await Command.run(
            "/usr/bin/python3",
            [folder.path + "/conversation.py", script, program] + arguments,
            environment: ["HOME": folder.path, "LC_ALL": "C.UTF-8"],
            directory: folder.path
        )
    }

    /// Waits until the echo is off before a password is typed: a person is never faster than the program.
    private static let driver = """
        import json, os, pty, select, sys, termios, time

        steps = json.loads(sys.argv[1])
        child, terminal = pty.fork()
        if child == 0:
            os.execv(sys.argv[2], sys.argv[2:])
        screen, position, deadline = "", 0, time.monotonic() + 50
        while time.monotonic() < deadline:
            if not select.select([terminal], [], [], 1)[0]:
                continue
            try:
                data = os.read(terminal, 4096)
            except OSError:
                break
            if not data:
                break
            screen += data.decode(errors="replace").replace("\\r\\n", "\\n")
            while steps and steps[0]["awaited"] in screen[position:]:
                step = steps.pop(0)
                position = screen.index(step["awaited"], position) + len(step["awaited"])
                for _ in range(500):
                    if "password" not in step["awaited"] or not termios.tcgetattr(terminal)[3] & termios.ECHO:
                        break
                    time.sleep(0.01)
                os.write(terminal, (step["typed"] + "\\n").encode())
        sys.stdout.write(screen)
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """
}
