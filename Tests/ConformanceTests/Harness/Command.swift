import Foundation
import TestPrograms

/// What a finished process said.
struct CommandResult: Sendable {
    var exitCode: Int32
    var output: String
    var errors: String
}

/// Runs real programs.
enum Command {
    /// The folder with the binaries of this build.
    static let products: String = {
        // The test bundle lies beside the executables: .build/debug/servalPackageTests.xctest.
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let path = String(decoding: buffer[..<max(0, count)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return URL(fileURLWithPath: path).deletingLastPathComponent().path
    }()

    static var serval: String { self.products + "/serval" }
    static var keytool: String { self.products + "/serval-keytool" }

    /// The program of this name in `PATH`.
    static func path(of name: String) -> String? {
        if name.hasPrefix("/") { return name }
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        return path.split(separator: ":").map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// Runs a program to its end.
    ///
    /// - Parameter timeout: after how many seconds it counts as stuck; on a busy machine a program takes many times as long as it should.
    /// - Throws: ``CommandStuck``, after the program was killed.
    static func run(
        _ program: String,
        _ arguments: [String],
        input: String = "",
        environment: [String: String] = [:],
        directory: String? = nil,
        timeout: Double = 300
    ) async throws -> CommandResult {
        guard let path = self.path(of: program) else { throw CommandMissing(name: program) }
        return try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                do {
                    continuation.resume(returning: try self.runBlocking(path, arguments, input, environment, directory, timeout))
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        }
    }

    private static func runBlocking(
        _ path: String,
        _ arguments: [String],
        _ input: String,
        _ environment: [String: String],
        _ directory: String?,
        _ timeout: Double
    ) throws -> CommandResult {
        let process = ChildProcess()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
        let folder = try TemporaryFolder()
        let outputPath = folder.path + "/out"
        let errorPath = folder.path + "/err"
        let inputPath = folder.path + "/in"
        try Data(input.utf8).write(to: URL(fileURLWithPath: inputPath))
        for path in [outputPath, errorPath] { try Data().write(to: URL(fileURLWithPath: path)) }
        process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: inputPath))
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: outputPath))
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errorPath))
        func text(_ path: String) -> String { String(decoding: (try? Data(contentsOf: URL(fileURLWithPath: path))) ?? Data(), as: UTF8.self) }
        try process.run()
        let deadline = Date.now.addingTimeInterval(timeout)
        while process.isRunning, Date.now < deadline { usleep(5000) }
        if process.isRunning {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            throw CommandStuck(command: ([path] + arguments).joined(separator: " "), seconds: timeout, output: text(outputPath) + text(errorPath))
        }
        return CommandResult(exitCode: process.terminationStatus, output: text(outputPath), errors: text(errorPath))
    }
}

/// A program did not end.
struct CommandStuck: Error, CustomStringConvertible {
    var command: String
    var seconds: Double
    var output: String
    var description: String { "\(self.command) has not ended in \(self.seconds) s: \(self.output)" }
}

/// A program that the test needs is not installed; `make test` installs it.
struct CommandMissing: Error, CustomStringConvertible {
    var name: String
    var description: String { "\(self.name) is not installed; scripts/prepare test installs it" }
}

/// A folder that is removed with its last reference.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        var template = Array(URL(fileURLWithPath: NSTemporaryDirectory()).appendingPathComponent("serval-test-XXXXXX").path.utf8CString)
        guard mkdtemp(&template) != nil else { throw CocoaError(.fileWriteUnknown) }
        self.path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: self.path) }

    func write(_ text: String, to name: String) throws {
        let url = URL(fileURLWithPath: self.path + "/" + name)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
    }

    func read(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: self.path + "/" + name)), as: UTF8.self)
    }
}
