import Foundation
import Logging
import ServalSessions
import Testing

@testable import ServalFileStore

/// A rename that stops at any of its steps, because the process or the system does: whoever comes next finds the session under one of the two keys.
@Suite("File store, interrupted renames")
struct InterruptedRenameTests {
    /// Where it stops.
    enum Stop: Int, CaseIterable, Sendable {
        case noted, forwardingPrepared, sessionPrepared, movePrepared, decided, forwardingPublished, sessionPublished, oldDeleted, moveDeleted

        var isDecided: Bool { self.rawValue >= Stop.decided.rawValue }
    }

    /// Who comes next.
    enum Finder: CaseIterable, Sendable {
        /// Another process that is running, by each key.
        case loadingOld, loadingNew, loadingForwarding, savingOld
        /// A start; with lock files as they are, or as an earlier state of the disk.
        case start, startWithoutNotes
    }

    private let path = FileManager.default.temporaryDirectory.path + "/serval-rename-\(UUID().uuidString)"

    private func key(_ name: String) -> StoredSessionKey { StoredSessionKey(SessionID(rawValue: name), namespace: "") }

    private func session(_ key: StoredSessionKey, head: UInt8) -> StoredSession {
        StoredSession(
            key: key,
            version: 3,
            lastAccessed: Timestamp(millisecondsSince1970: 4_000_000_000_000),
            deadline: nil,
            principal: nil,
            head: [head],
            attributes: [:]
        )
    }

    @Test("Never none, never both", arguments: Stop.allCases, Finder.allCases)
    func interrupted(_ stop: Stop, _ finder: Finder) async throws {
        defer { try? FileManager.default.removeItem(atPath: self.path) }
        let old = self.session(self.key("old"), head: 1)
        let new = self.session(self.key("new"), head: 2)
        let forwarding = self.session(self.key("forwarding"), head: 3)
        let configuration = FileSessionStore.Configuration(directory: self.path)
        let store = FileSessionStore(configuration: configuration)
        try await store.start()
        #expect(try await store.insert(old))

        try self.interrupt(stop, old, new, forwarding)
        switch finder {
        case .loadingOld: _ = try await store.load(old.key, unless: nil)
        case .loadingNew: _ = try await store.load(new.key, unless: nil)
        case .loadingForwarding: _ = try await store.load(forwarding.key, unless: nil)
        case .savingOld:
            let changes = StoredSessionChanges(writes: [:], head: nil, principal: nil, lastAccessed: old.lastAccessed, deadline: nil)
            let answer = try await store.save(changes, to: old.key)
            #expect(answer == (stop.isDecided ? .absent : .saved(version: 4)))
        case .start, .startWithoutNotes:
            await store.stop()
            if finder == .startWithoutNotes {
                for file in FileManager.default.enumerator(atPath: self.path)?.compactMap({ $0 as? String }) ?? [] where file.hasSuffix("/lock") {
                    try Data().write(to: URL(fileURLWithPath: self.path + "/" + file))
                }
            }
            try await store.start()
        }

        let stored = (
            try await store.load(old.key, unless: nil), try await store.load(new.key, unless: nil), try await store.load(forwarding.key, unless: nil)
        )
        if stop.isDecided {
            #expect(stored == (.absent, .found(new), .found(forwarding)))
        } else {
            #expect(stored.0 != .absent)
            #expect(stored.1 == .absent && stored.2 == .absent)
        }
        // All is as if nothing had happened; a restart sees the same.
        let renaming = StoredSessionRenaming(to: self.key("again"), head: [4], expectedHead: [2], principal: nil, forwarding: forwarding)
        let answer = try await store.rename(new.key, by: renaming)
        #expect(answer == (stop.isDecided ? .renamed(version: 4) : .absent))
        await store.stop()
        try await store.start()
        #expect(try await store.count() == (stop.isDecided ? 2 : 1))
        #expect(try await store.load(self.key("again"), unless: nil) == .absent || stop.isDecided)
        await store.stop()
        let files = FileManager.default.enumerator(atPath: self.path)?.compactMap { $0 as? String } ?? []
        #expect(!files.contains { $0.hasSuffix(".move") || $0.hasSuffix(".new") }, "\(files)")
    }

    /// Does what a rename does, up to a point.
    private func interrupt(_ stop: Stop, _ old: StoredSession, _ new: StoredSession, _ forwarding: StoredSession) throws {
        let folder = try SessionFolder(directory: self.path, name: "sessions", timeout: .seconds(5), logger: Logger(label: "test"))
        let (oldKey, newKey, forwardingKey) = (FileKey(old.key), FileKey(new.key), FileKey(forwarding.key))
        try #require(Set([oldKey.shard, newKey.shard, forwardingKey.shard]).count == 3)
        let shards = try folder.shards([oldKey.shard, newKey.shard, forwardingKey.shard], .exclusive, creating: true)
        let (from, to, forward) = (try #require(shards[oldKey.shard]), try #require(shards[newKey.shard]), try #require(shards[forwardingKey.shard]))
        let move = Move(from: oldKey, to: newKey, forwarding: forwardingKey)
        let steps: [(Stop, () throws -> Void)] = [
            (.noted, { for shard in shards.values { try shard.note(moving: newKey) } }),
            (.forwardingPrepared, { try forward.prepare(forwardingKey.name, try forwarding.encoded(), due: forwarding.due) }),
            (.sessionPrepared, { try to.prepare(newKey.name, try new.encoded(), due: new.due) }),
            (.movePrepared, { try to.prepare(newKey.moveName, move.bytes, due: nil) }),
            (.decided, { try to.publish(newKey.moveName) }),
            (.forwardingPublished, { try forward.publish(forwardingKey.name) }),
            (.sessionPublished, { try to.publish(newKey.name) }),
            (.oldDeleted, { try from.delete(oldKey.name) }),
            (.moveDeleted, { try to.delete(newKey.moveName) }),
        ]
        for (step, perform) in steps where step.rawValue <= stop.rawValue { try perform() }
    }
}
