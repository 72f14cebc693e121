import Foundation

extension ChildProcess {
    /// What a program writes to its standard output until it ends.
    ///
    /// - Parameter program: its name, which is looked for in `PATH`.
    public static func output(of program: String, _ arguments: [String]) async throws -> String {
        let process = ChildProcess()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.standardOutput = output
        try process.run()
        return await withCheckedContinuation { continuation in
            // Read while it runs: what does not fit into the pipe would keep it from ending.
            Thread.detachNewThread {
                let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
                process.waitUntilExit()
                continuation.resume(returning: text)
            }
        }
    }

    /// What `curl` prints; it says errors, and gives up after 30 seconds.
    public static func curl(_ arguments: [String]) async throws -> String {
        try await self.output(of: "curl", ["-sS", "--max-time", "30"] + arguments)
    }
}
