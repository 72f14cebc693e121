import Foundation
import TestPrograms

/// Runs lines of a shell to their end.
enum Shell {
    /// What the line writes to its standard output.
    static func run(_ line: String) async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            let process = ChildProcess()
            let output = Pipe()
            process.executableURL = URL(fileURLWithPath: "/bin/sh")
            process.arguments = ["-c", line]
            process.standardOutput = output
            process.terminationHandler = { _ in
                continuation.resume(returning: String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self))
            }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
    }
}
