import Foundation
import TestPrograms

/// Runs a command to its end, with its input from and its output into files, so that nobody waits for a full pipe.
enum Command {
    struct Result: Sendable {
        var status: Int32
        var output: Data

        var text: String { String(decoding: output, as: UTF8.self) }
    }

    static func run(_ arguments: [String], input: Data = Data(), seconds: Double = 300) async throws -> Result {
        let folder = try TemporaryFolder()
        let inputFile = folder.path("in")
        let outputFile = folder.path("out")
        try input.write(to: URL(fileURLWithPath: inputFile))
        try Data().write(to: URL(fileURLWithPath: outputFile))
        let process = ChildProcess()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: inputFile))
        let output = try FileHandle(forWritingTo: URL(fileURLWithPath: outputFile))
        process.standardOutput = output
        process.standardError = output
        let status = try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Int32, any Error>) in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do {
                try process.run()
            } catch {
                process.terminationHandler = nil
                continuation.resume(throwing: error)
                return
            }
            let identifier = process.processIdentifier
            DispatchQueue.global().asyncAfter(deadline: .now() + seconds) {
                if process.isRunning, process.processIdentifier == identifier { process.terminate() }
            }
        }
        try output.close()
        return Result(status: status, output: try Data(contentsOf: URL(fileURLWithPath: outputFile)))
    }

    /// Runs `openssl` and expects it to succeed.
    @discardableResult
    static func openssl(_ arguments: String...) async throws -> Data {
        let result = try await run(["openssl"] + arguments)
        guard result.status == 0 else { throw Failure(words: "openssl \(arguments): \(result.text)") }
        return result.output
    }

    /// Gives a file the mode 0600, or another one.
    static func makePrivate(_ path: String, mode: Int = 0o600) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    /// Starts a command that gets one line and then waits for more, which never comes.
    static func start(_ arguments: [String], line: String) throws -> Running {
        let process = ChildProcess()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        let input = Pipe()
        process.standardInput = input
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        input.fileHandleForWriting.write(Data(line.utf8))
        return Running(process: process, input: input)
    }

    struct Running {
        fileprivate let process: ChildProcess
        fileprivate let input: Pipe

        /// Makes the process do nothing any more.
        func stop() { _ = Foundation.kill(process.processIdentifier, SIGSTOP) }

        /// Ends the process without giving it time to say goodbye.
        func kill() {
            _ = Foundation.kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
    }

    struct Failure: Error { var words: String }
}

/// A folder that goes with its last reference.
final class TemporaryFolder: Sendable {
    let root: String

    init() throws {
        let made = FileManager.default.temporaryDirectory.appendingPathComponent("serval-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: made, withIntermediateDirectories: true)
        root = made.path
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    func path(_ name: String) -> String { root + "/" + name }

    func write(_ text: String, to name: String) throws -> String {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path(name)))
        return path(name)
    }
}
