import Foundation
import ServalSessions
import TestPrograms
import Testing

@testable import SessionStoreWriter

/// A process that writes to a store is killed at any moment: what it was told is stored is there, and nothing else but the step that was under way.
@Suite("Session stores, killed and hindered")
struct KilledWriterTests {
    /// How often a writer is killed.
    ///
    /// `SERVAL_STORE_ROUNDS=200` is the long form, on every store: scripts/test-stores. The short form has fewer rounds where each takes seconds.
    static func rounds(_ short: Int) -> Int { ProcessInfo.processInfo.environment["SERVAL_STORE_ROUNDS"].flatMap { Int($0) } ?? short }

    static var kinds: [LocalStore] { LocalStore.allCases.filter { $0.store(at: "/nowhere") != nil } }

    @Test("Every acknowledged write survives", arguments: kinds)
    func kill(_ kind: LocalStore) async throws {
        for _ in 0..<Self.rounds(15) {
            let folder = try StoreFolder()
            let path = folder.path + "/store"
            let writer = try Writer(kind, path)
            // Once it writes, and then at any moment.
            try await writer.waitForSteps(1)
            try await Task.sleep(for: .milliseconds(Int.random(in: 0...150)))
            let steps = await writer.kill()
            try await Self.verify(kind, path, steps)
        }
    }

    @Test("Every acknowledged write survives the writer, in PostgreSQL")
    func killWithDatabase() async throws {
        let server = try await DatabaseServer.shared(.postgreSQL)
        for round in 0..<Self.rounds(5) {
            let path = "writer_\(round)@\(server.url)"
            let writer = try Writer(.postgreSQL, path)
            try await writer.waitForSteps(1)
            try await Task.sleep(for: .milliseconds(Int.random(in: 0...150)))
            let steps = await writer.kill()
            try await Self.verify(.postgreSQL, path, steps)
        }
    }

    @Test("Every acknowledged write survives the database server, which is killed")
    func killDatabase() async throws {
        let server = try await DatabaseServer.start(.postgreSQL)
        for round in 0..<Self.rounds(2) {
            let path = "server_\(round)@\(server.url)"
            let writer = try Writer(.postgreSQL, path)
            try await writer.waitForSteps(20)
            try await Task.sleep(for: .milliseconds(Int.random(in: 0...150)))
            server.kill()
            let steps = await writer.kill()
            try await server.start()
            try await Self.verify(.postgreSQL, path, steps)
        }
    }

    @Test("A store that may not write says so", arguments: kinds, ["unprivileged", "small-files"])
    func hindered(_ kind: LocalStore, _ hindrance: String) async throws {
        // As root a file's mode hinders nobody, so the program gives its rights up; SQLite's files are open by then.
        guard kind == .file || hindrance == "small-files" else { return }
        let folder = try StoreFolder()
        let path = folder.path + "/store"
        if hindrance == "unprivileged" {
            let store = try #require(kind.store(at: path))
            try await store.start()
            await store.stop()
            if geteuid() != 0 { chmod(path + "/sessions_writer", 0o500) }
        }
        let writer = try Writer(kind, path, [hindrance])
        let (steps, message) = await writer.end()
        if hindrance == "unprivileged" { chmod(path + "/sessions_writer", 0o700) }
        #expect(message.contains("SessionError.storeUnavailable"), "\(message)")
        #expect(message.contains(path), "the message names the place: \(message)")
        try await Self.verify(kind, path, steps)
        let left = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String }.filter { $0.hasSuffix(".new") } ?? []
        #expect(left.isEmpty, "no file is left over")
    }

    /// Compares a store with one in memory to which the same steps were done.
    static func verify(_ kind: LocalStore, _ path: String, _ steps: [Int: Int]) async throws {
        let store = try #require(kind.store(at: path))
        try await store.start()
        var total = 0
        for worker in 0..<Workload.workers {
            let workload = Workload(worker: worker)
            let acknowledged = steps[worker] ?? 0
            let model = MemorySessionStore()
            for step in 0..<acknowledged { try await workload.perform(step, on: model) }
            var stored: [StoredSession] = []
            for key in workload.keys(after: acknowledged) {
                if case .found(let session) = try await store.load(key, unless: nil) { stored.append(session) }
            }
            let before = try await Self.sessions(workload, acknowledged, model)
            try await workload.perform(acknowledged, on: model)
            let after = try await Self.sessions(workload, acknowledged, model)
            #expect(stored == before || stored == after, "worker \(worker) had \(acknowledged) steps acknowledged")
            total += stored.count
        }
        let count = try await store.count()
        #expect(count == total, "there is nothing that nobody wrote")
        // It goes on where it was.
        let next = StoredSession(
            key: StoredSessionKey(SessionID(rawValue: "next"), namespace: Workload.namespace),
            version: 1,
            lastAccessed: .now,
            deadline: nil,
            principal: nil,
            head: [],
            attributes: [:]
        )
        #expect(try await store.insert(next))
        await store.stop()
    }

    private static func sessions(_ workload: Workload, _ steps: Int, _ store: any SessionStore) async throws -> [StoredSession] {
        var sessions: [StoredSession] = []
        for key in workload.keys(after: steps) { if case .found(let session) = try await store.load(key, unless: nil) { sessions.append(session) } }
        return sessions
    }
}

/// The program that writes.
private final class Writer: Sendable {
    private let process = ChildProcess()
    private let output: FileHandle
    private let errors: FileHandle
    private let files: StoreFolder

    init(_ kind: LocalStore, _ path: String, _ options: [String] = []) throws {
        self.files = try StoreFolder()
        for name in ["output", "errors"] { _ = FileManager.default.createFile(atPath: self.files.path + "/" + name, contents: nil) }
        self.output = try #require(FileHandle(forUpdatingAtPath: self.files.path + "/output"))
        self.errors = try #require(FileHandle(forUpdatingAtPath: self.files.path + "/errors"))
        self.process.executableURL = URL(fileURLWithPath: Command.products + "/SessionStoreWriter")
        self.process.arguments = [kind.rawValue, path] + options
        self.process.standardOutput = self.output
        self.process.standardError = self.errors
        try self.process.run()
    }

    private var lines: [String] {
        (try? String(contentsOfFile: self.files.path + "/output", encoding: .utf8))?.split(separator: "\n").map(String.init) ?? []
    }

    func waitForSteps(_ count: Int) async throws {
        let end = ContinuousClock.now + .seconds(60)
        while self.lines.count < count, ContinuousClock.now < end, self.process.isRunning { try await Task.sleep(for: .milliseconds(5)) }
        try #require(self.lines.count >= count, "the writer did not begin")
    }

    /// Kills it.
    ///
    /// - Returns: how many steps of each worker were acknowledged.
    func kill() async -> [Int: Int] {
        if self.process.isRunning { Glibc.kill(self.process.processIdentifier, SIGKILL) }
        self.process.waitUntilExit()
        return self.steps
    }

    /// Waits for its end.
    func end() async -> ([Int: Int], message: String) {
        let end = ContinuousClock.now + .seconds(60)
        while self.process.isRunning, ContinuousClock.now < end { try? await Task.sleep(for: .milliseconds(10)) }
        let steps = await self.kill()
        return (steps, (try? String(contentsOfFile: self.files.path + "/errors", encoding: .utf8)) ?? "")
    }

    private var steps: [Int: Int] {
        var steps: [Int: Int] = [:]
        for line in self.lines {
            let parts = line.split(separator: " ").compactMap { Int($0) }
            if parts.count == 2 { steps[parts[0]] = max(steps[parts[0]] ?? 0, parts[1] + 1) }
        }
        return steps
    }
}
