import Foundation
import TestPrograms

/// What a program that has ended leaves behind.
struct ToolRun: Equatable {
    var status: Int32
    var output: String
    var errors: String
}

/// A program that tests start.
struct Tool {
    let path: String
    var leadingArguments: [String] = []

    /// The tool under test, from the folder where the tests' own binary was built.
    static let serval = Tool(path: builtProducts.appendingPathComponent("serval-keytool").path)
    /// The JDK's keytool, told to start as fast as it can.
    ///
    /// The tool under test ignores the `-J` options.
    static let jdk = Tool(
        path: "/usr/bin/env",
        leadingArguments: ["keytool", "-J-XX:TieredStopAtLevel=1", "-J-Duser.language=en", "-J-Duser.country=US"]
    )
    static let openssl = Tool(path: "/usr/bin/env", leadingArguments: ["openssl"])

    private static let builtProducts = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()

    /// Runs the program to its end.
    ///
    /// Files stand in for pipes, so that neither side waits for the other.
    func run(_ arguments: [String], input: String = "", in folder: Folder, environment: [String: String] = [:]) async throws -> ToolRun {
        let scratch = Folder()
        let files = ["in", "out", "err"].map { scratch.url.appendingPathComponent($0) }
        for file in files { try Data(file.lastPathComponent == "in" ? Array(input.utf8) : []).write(to: file) }
        let process = ChildProcess()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = leadingArguments + arguments
        process.currentDirectoryURL = folder.url
        var variables = [
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "HOME": folder.url.path, "LANG": "C.UTF-8", "TZ": "UTC",
        ]
        variables.merge(environment) { $1 }
        process.environment = variables
        process.standardInput = try FileHandle(forReadingFrom: files[0])
        process.standardOutput = try FileHandle(forWritingTo: files[1])
        process.standardError = try FileHandle(forWritingTo: files[2])
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            process.terminationHandler = { _ in continuation.resume() }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
        return ToolRun(
            status: process.terminationStatus,
            output: String(decoding: try Data(contentsOf: files[1]), as: UTF8.self),
            errors: String(decoding: try Data(contentsOf: files[2]), as: UTF8.self)
        )
    }

    /// Runs a command line written as one text; words are separated by blanks, and `'…'` keeps blanks in a word.
    func run(_ line: String, input: String = "", in folder: Folder, environment: [String: String] = [:]) async throws -> ToolRun {
        try await run(Self.words(line), input: input, in: folder, environment: environment)
    }

    private static func words(_ line: String) -> [String] {
        var words: [String] = []
        var word: String?
        var isQuoted = false
        for character in line {
            switch character {
            case "'":
                isQuoted.toggle()
                word = word ?? ""
            case " " where !isQuoted:
                if let complete = word { words.append(complete) }
                word = nil
            default: word = (word ?? "") + String(character)
            }
        }
        return words + (word.map { [$0] } ?? [])
    }
}

/// A fresh folder that goes away with its last user.
final class Folder: Sendable {
    let url: URL

    init() {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("serval-keytool-\(UUID().uuidString)")
        try? FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }

    func path(_ name: String) -> String { url.appendingPathComponent(name).path }
    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }
    func read(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path(name))) }
    func text(_ name: String) throws -> String { String(decoding: try read(name), as: UTF8.self) }
    func write(_ text: String, to name: String) throws { try Data(text.utf8).write(to: URL(fileURLWithPath: path(name))) }

    func write(bytes: [UInt8], to name: String) throws { try Data(bytes).write(to: URL(fileURLWithPath: path(name))) }

    func copy(_ name: String, to other: String) throws {
        try FileManager.default.copyItem(atPath: path(name), toPath: path(other))
    }
}
