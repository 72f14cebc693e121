import Foundation
import TestPrograms

/// Runs the real tools that key stores are exchanged with.
enum Tool {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// What a command printed on both streams; throws when it fails.
    @discardableResult
    static func run(_ command: [String], input: [UInt8] = []) throws -> String {
        let process = ChildProcess()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        // A locale of the machine must not change what the tools print or how they read passwords.
        process.environment = ProcessInfo.processInfo.environment.merging(["LC_ALL": "C.UTF-8", "TZ": "UTC"]) { $1 }
        let (inputPipe, output) = (Pipe(), Pipe())
        process.standardInput = inputPipe
        process.standardOutput = output
        process.standardError = output
        try process.run()
        try inputPipe.fileHandleForWriting.write(contentsOf: Data(input))
        try inputPipe.fileHandleForWriting.close()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(description: "\(command.joined(separator: " ")): exit \(process.terminationStatus)\n\(text)")
        }
        return text
    }

    @discardableResult
    static func keytool(_ arguments: String...) throws -> String {
        try keytool(arguments)
    }

    @discardableResult
    static func keytool(_ arguments: [String]) throws -> String {
        try run(["keytool", "-J-XX:+UseSerialGC", "-J-XX:TieredStopAtLevel=1", "-J-Duser.language=en"] + arguments)
    }

    /// Runs a script with the system's Python, which has `jks` and `cryptography`.
    @discardableResult
    static func python(_ script: String, _ arguments: String...) throws -> String {
        try run(["/usr/bin/python3", "-W", "ignore", "-c", script] + arguments)
    }

    @discardableResult
    static func openssl(_ arguments: String...) throws -> String {
        try run(["openssl"] + arguments)
    }
}

/// A folder for one test's files, removed with the value.
final class Folder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "/serval-keystore-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    func callAsFunction(_ name: String) -> String { path + "/" + name }

    func bytes(_ name: String) throws -> [UInt8] {
        try Array(Data(contentsOf: URL(fileURLWithPath: self(name))))
    }

    func write(_ bytes: some Sequence<UInt8>, _ name: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: self(name)))
    }
}
