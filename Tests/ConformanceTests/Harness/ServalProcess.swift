import Foundation
import TestPrograms

/// The `serval` binary running from a base directory of its own.
final class ServalProcess: Sendable {
    let base: TemporaryFolder
    /// The base directory: `base`, or a folder in it.
    let path: String
    private let process: ChildProcess
    private let log: String

    /// Lays down a base directory with ports that the system chooses, and runs the server until it is ready.
    ///
    /// - Parameters:
    ///   - serverXML: the whole file; `nil` keeps what `serval init` lays down, with free ports.
    ///   - prepare: changes the base directory before the start.
    static func start(
        serverXML: String? = nil,
        environment: [String: String] = [:],
        prepare: (TemporaryFolder) async throws -> Void = { _ in }
    ) async throws -> ServalProcess {
        let base = try await self.makeBase(serverXML: serverXML)
        try await prepare(base)
        let server = try ServalProcess(base: base, environment: environment)
        try await server.waitUntilReady()
        return server
    }

    /// Runs the server of a base directory until it is ready.
    static func start(base: TemporaryFolder) async throws -> ServalProcess {
        let server = try ServalProcess(base: base, environment: [:])
        try await server.waitUntilReady()
        return server
    }

    /// Runs the server from a base directory below `folder` as it is.
    static func start(in path: String, of folder: TemporaryFolder, environment: [String: String] = [:]) async throws -> ServalProcess {
        let server = try ServalProcess(base: folder, path: path, environment: environment)
        try await server.waitUntilReady()
        return server
    }

    /// A base directory as `serval init` makes it, but with free ports.
    static func makeBase(serverXML: String? = nil) async throws -> TemporaryFolder {
        let base = try TemporaryFolder()
        let result = try await Command.run(Command.serval, ["init", base.path])
        guard result.exitCode == 0 else { throw ServalProcessError(description: "serval init failed: \(result.errors)") }
        let xml = try serverXML ?? self.withFreePorts(base.read("conf/server.xml"))
        try base.write(xml, to: "conf/server.xml")
        return base
    }

    /// Replaces the usual ports by 0, which chooses a free one, and turns the shutdown port off.
    static func withFreePorts(_ serverXML: String) -> String {
        serverXML
            .replacingOccurrences(of: "port=\"8080\"", with: "port=\"0\" address=\"127.0.0.1\"")
            .replacingOccurrences(of: "port=\"8443\"", with: "port=\"0\" address=\"127.0.0.1\"")
            .replacingOccurrences(of: "port=\"8005\"", with: "port=\"-1\"")
    }

    private init(base: TemporaryFolder, path: String? = nil, environment: [String: String]) throws {
        self.base = base
        self.path = path ?? base.path
        self.log = self.path + "/stderr.log"
        try Data().write(to: URL(fileURLWithPath: self.log))
        let process = ChildProcess()
        process.executableURL = URL(fileURLWithPath: Command.serval)
        process.arguments = ["run", "--base", self.path]
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.currentDirectoryURL = URL(fileURLWithPath: "/")
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: self.log))
        try process.run()
        self.process = process
    }

    deinit {
        if self.process.isRunning { kill(self.process.processIdentifier, SIGKILL) }
    }

    var processID: Int32 { self.process.processIdentifier }

    /// What the server has said so far.
    var errors: String { String(decoding: (try? Data(contentsOf: URL(fileURLWithPath: self.log))) ?? Data(), as: UTF8.self) }

    private func waitUntilReady() async throws {
        for _ in 0..<3000 {
            if self.errors.contains("Server startup in [") { return }
            guard self.process.isRunning else { break }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw ServalProcessError(description: "the server did not start:\n\(self.errors)")
    }

    /// The port of the first connector of this kind, `http` or `https`.
    func port(_ kind: String) throws -> Int {
        let pattern = try Regex("[^a-z]\(kind)-([0-9]+)", as: (Substring, Substring).self)
        guard let match = self.errors.firstMatch(of: pattern), let port = Int(match.output.1) else {
            throw ServalProcessError(description: "no \(kind) connector in:\n\(self.errors)")
        }
        return port
    }

    func signal(_ signal: Int32) { kill(self.process.processIdentifier, signal) }

    /// Waits for the end of the process.
    func waitForExit(seconds: Double = 30) async throws -> Int32 {
        let deadline = Date.now.addingTimeInterval(seconds)
        while self.process.isRunning {
            guard Date.now < deadline else { throw ServalProcessError(description: "the server still runs:\n\(self.errors)") }
            try await Task.sleep(for: .milliseconds(10))
        }
        return self.process.terminationStatus
    }

    /// The resident memory, in bytes.
    var residentBytes: Int {
        let text = (try? String(contentsOfFile: "/proc/\(self.processID)/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
        return (Int(line.filter(\.isNumber)) ?? 0) * 1024
    }

    /// curl with the certificate that `serval init` made, and the host name that it is for.
    func curl(_ path: String, _ arguments: [String] = [], kind: String = "https") async throws -> CommandResult {
        let port = try self.port(kind)
        let trust = kind == "https" ? ["--cacert", self.base.path + "/conf/localhost.pem"] : []
        return try await Command.run(
            "curl",
            ["-sS", "--max-time", "30", "--resolve", "localhost:\(port):127.0.0.1"] + trust + arguments + ["\(kind)://localhost:\(port)\(path)"]
        )
    }
}

struct ServalProcessError: Error, CustomStringConvertible { var description: String }
