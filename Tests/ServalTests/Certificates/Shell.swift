import Foundation
import TestPrograms

/// Runs lines of a shell to their end.
enum Shell {
    /// What the line writes to its standard output.
    static func run(_ line: String) async throws -> String {
        try await ChildProcess.output(of: "sh", ["-c", line])
    }
}
