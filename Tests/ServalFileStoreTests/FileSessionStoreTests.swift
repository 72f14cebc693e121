import Foundation
import Logging
import ServalSessions
import Synchronization
import Testing

@testable import ServalFileStore

/// What the contract's suite does not see: the files.
@Suite("File store")
struct FileSessionStoreTests {
    let folder = FileManager.default.temporaryDirectory.path + "/serval-files-\(UUID().uuidString)"

    private func store(_ namespace: String = "/shop", directory: String? = nil) -> FileSessionStore {
        var configuration = FileSessionStore.Configuration(directory: directory ?? self.folder + "/a/b")
        configuration.namespace = namespace
        configuration.timeout = .milliseconds(300)
        return FileSessionStore(configuration: configuration)
    }

    private func session(_ id: String, deadline: Timestamp? = nil) -> StoredSession {
        StoredSession(
            key: StoredSessionKey(SessionID(rawValue: id), namespace: "/shop"),
            version: 1,
            lastAccessed: .now,
            deadline: deadline,
            principal: nil,
            head: [1],
            attributes: ["a": .init(version: 1, bytes: [1])]
        )
    }

    private var sessions: String { self.folder + "/a/b/sessions_shop" }

    private func path(_ session: StoredSession) -> String { "\(self.sessions)/\(session.key.hexadecimal.prefix(2))/\(session.key.hexadecimal)" }

    private func mode(_ path: String) -> UInt32 {
        var information = stat()
        lstat(path, &information)
        return information.st_mode & 0o777
    }

    private func with(_ store: FileSessionStore, _ body: (FileSessionStore) async throws -> Void) async throws {
        try await store.start()
        do {
            try await body(store)
        } catch {
            await store.stop()
            throw error
        }
        await store.stop()
    }

    private func clean() { try? FileManager.default.removeItem(atPath: self.folder) }

    @Test("Files are the owner's alone and named after digests")
    func files() async throws {
        defer { self.clean() }
        let session = self.session("SECRETID")
        try await self.with(self.store()) { store async throws in
            #expect(try await store.insert(session))
            let names = FileManager.default.enumerator(atPath: self.folder)?.compactMap { $0 as? String } ?? []
            #expect(names.contains { $0.hasSuffix(session.key.hexadecimal) })
            for name in names {
                let mode = self.mode(self.folder + "/" + name)
                let isFile = name.hasSuffix("/lock") || name.hasSuffix(session.key.hexadecimal)
                #expect(mode == (isFile ? 0o600 : 0o700), "\(name)")
                #expect(!name.contains("SECRETID"))
            }
            let contents = try Data(contentsOf: URL(fileURLWithPath: self.path(session)))
            let encoded = try session.encoded()
            #expect(Array(contents) == encoded)
        }
    }

    @Test("What is not the store's own stays")
    func foreignFiles() async throws {
        defer { self.clean() }
        let session = self.session("A")
        let shard = "\(self.sessions)/\(session.key.hexadecimal.prefix(2))"
        try FileManager.default.createDirectory(atPath: shard, withIntermediateDirectories: true)
        let upper = session.key.hexadecimal.uppercased()
        let foreign = ["README", "x.new", ".hidden", upper, session.key.hexadecimal + ".bak", "\(session.key.hexadecimal).new.old", "ab.move"]
        for name in foreign { try Data("mine".utf8).write(to: URL(fileURLWithPath: "\(shard)/\(name)")) }
        let leftovers = [session.key.hexadecimal + ".new", session.key.hexadecimal + ".move.new"]
        for name in leftovers { try Data("half".utf8).write(to: URL(fileURLWithPath: "\(shard)/\(name)")) }
        try await self.with(self.store()) { store async throws in
            #expect(try await store.count() == 0)
            #expect(try await store.insert(session))
            try await store.removeAll()
            #expect(try await store.load(session.key, unless: nil) == .absent)
        }
        let left = try Set(FileManager.default.contentsOfDirectory(atPath: shard))
        #expect(left == Set(foreign + ["lock"]), "leftovers of a crash are gone, and nothing else")
    }

    @Test("Symbolic links are not followed")
    func symbolicLinks() async throws {
        defer { self.clean() }
        let (session, other) = (self.session("A"), self.session("B"))
        try #require(session.key.hexadecimal.prefix(2) != other.key.hexadecimal.prefix(2))
        let outside = self.folder + "/outside"
        let shard = "\(self.sessions)/\(session.key.hexadecimal.prefix(2))"
        for path in [shard, outside] { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
        try Data(try session.encoded()).write(to: URL(fileURLWithPath: outside + "/session"))
        try FileManager.default.createSymbolicLink(atPath: self.path(session), withDestinationPath: outside + "/session")
        try FileManager.default.createSymbolicLink(atPath: "\(self.sessions)/\(other.key.hexadecimal.prefix(2))", withDestinationPath: outside)
        try FileManager.default.createSymbolicLink(atPath: shard + "/\(session.key.hexadecimal).new", withDestinationPath: outside + "/made")
        // A folder that is a link stops the start: nobody knows what it was meant for.
        let error = await #expect(throws: SessionError.self) { try await self.store().start() }
        #expect(error?.code == .storeUnavailable)
        try FileManager.default.removeItem(atPath: "\(self.sessions)/\(other.key.hexadecimal.prefix(2))")
        try await self.with(self.store()) { store async throws in
            #expect(try await store.load(session.key, unless: nil) == .absent)
            #expect(try await store.count() == 1, "a name is counted, whatever it is")
            #expect(try await store.insert(session))
            #expect(try await store.load(session.key, unless: nil) == .found(session))
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: outside) == ["session"])
        try FileManager.default.createSymbolicLink(atPath: self.folder + "/a/b/sessions_linked", withDestinationPath: outside)
        let refused = await #expect(throws: SessionError.self) { try await self.store("/linked").start() }
        #expect(refused?.code == .illegalSetting && refused?.message.contains("sessions_linked") == true)
    }

    @Test("A pipe in place of a file keeps nobody waiting")
    func pipe() async throws {
        defer { self.clean() }
        let session = self.session("A", deadline: .now)
        try await self.with(self.store()) { store async throws in
            #expect(try await store.insert(session))
            try FileManager.default.removeItem(atPath: self.path(session))
            #expect(mkfifo(self.path(session), 0o600) == 0)
            #expect(try await store.load(session.key, unless: nil) == .absent)
            #expect(try await !store.remove(session.key))
            #expect(try await store.claimExpired(at: Timestamp.now.advanced(by: .seconds(5)), limit: 5, lease: .seconds(5)).isEmpty)
        }
    }

    @Test("A damaged file is no session, and stays for whoever wants to look at it")
    func damage() async throws {
        defer { self.clean() }
        let session = self.session("A", deadline: Timestamp.now.advanced(by: .seconds(-10)))
        let log = LogLines()
        var configuration = FileSessionStore.Configuration(directory: self.folder + "/a/b")
        configuration.namespace = "/shop"
        configuration.logger = Logger(label: "test") { _ in log }
        try await self.with(FileSessionStore(configuration: configuration)) { store async throws in
            #expect(try await store.insert(session))
            let bytes = try session.encoded()
            try Data(bytes.dropLast()).write(to: URL(fileURLWithPath: self.path(session)))
            #expect(try await store.load(session.key, unless: nil) == .absent)
            #expect(try await !store.remove(session.key))
            for _ in 0..<2 { #expect(try await store.claimExpired(at: .now, limit: 5, lease: .seconds(5)).isEmpty) }
            #expect(FileManager.default.fileExists(atPath: self.path(session)))
        }
        let lines = log.lines.value.withLock { $0 }
        #expect(lines.count == 1, "once, however often it is looked at: \(lines)")
        #expect(lines.first?.contains("warning the file '\(self.path(session))' of the session store is damaged") == true)
    }

    @Test("Files whose times were lost in a copy expire when they should")
    func lostTimes() async throws {
        defer { self.clean() }
        let now = Timestamp.now
        let alive = self.session("A", deadline: now.advanced(by: .seconds(60)))
        let (expired, eternal) = (self.session("B", deadline: now), self.session("C"))
        try await self.with(self.store()) { store async throws in
            for session in [alive, expired, eternal] { #expect(try await store.insert(session)) }
        }
        for session in [alive, expired, eternal] {
            try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSince1970: 1)], ofItemAtPath: self.path(session))
        }
        try await self.with(self.store()) { store async throws in
            #expect(try await store.claimExpired(at: now.advanced(by: .seconds(1)), limit: 5, lease: .seconds(5)) == [expired])
            #expect(try await store.claimExpired(at: now.advanced(by: .seconds(61)), limit: 5, lease: .seconds(5)).map(\.key).contains(alive.key))
        }
    }

    @Test("Claims hold on file systems that cut times off", arguments: [0, 1, 10, 1000, 1999, 2000, 2001, -1])
    func coarseTimes(cut: Int64) async throws {
        defer { self.clean() }
        let now = Timestamp.now
        let session = self.session("A", deadline: now)
        try await self.with(self.store()) { store async throws in
            #expect(try await store.insert(session))
            #expect(try await store.claimExpired(at: now.advanced(by: .seconds(1)), limit: 5, lease: .seconds(60)) == [session])
            let end = now.advanced(by: .seconds(61))
            let time = end.millisecondsSince1970 - cut
            var times = [timespec](repeating: timespec(tv_sec: Int(time / 1000), tv_nsec: Int(time % 1000) * 1_000_000), count: 2)
            #expect(utimensat(AT_FDCWD, self.path(session), &times, 0) == 0)
            let isHeld = (0...2000).contains(cut)
            #expect(try await store.renewClaim(session.key, until: end, to: end.advanced(by: .seconds(10))) == isHeld)
            #expect(try await store.removeClaimed(session.key, until: isHeld ? end.advanced(by: .seconds(10)) : end) == isHeld)
        }
    }

    @Test("Settings that cannot work are refused, and a stopped store says that it is stopped")
    func settings() async throws {
        defer { self.clean() }
        try FileManager.default.createDirectory(atPath: self.folder, withIntermediateDirectories: true)
        try Data().write(to: URL(fileURLWithPath: self.folder + "/file"))
        // The message names the folder that cannot be made, which may be one on the way.
        let impossible = ["/file": "/file", "/file/below": "/file/below"].map { (self.folder + $0, self.folder + $1) }
        for (directory, place) in impossible + [("/proc/serval/sessions", "/proc/serval")] {
            let error = await #expect(throws: SessionError.self) { try await self.store(directory: directory).start() }
            #expect(error?.code == .illegalSetting && error?.message.contains("'\(place)'") == true, "\(error?.message ?? "")")
        }
        let store = self.store()
        let early = await #expect(throws: SessionError.self) { try await store.count() }
        #expect(early?.code == .storeUnavailable)
        try await store.start()
        let twice = await #expect(throws: SessionError.self) { try await store.start() }
        #expect(twice?.code == .illegalSetting)
        await store.stop()
        let late = await #expect(throws: SessionError.self) { try await store.insert(self.session("A")) }
        #expect(late?.code == .storeUnavailable)
        try await store.start()
        #expect(try await store.insert(self.session("A")))
        await store.stop()
    }

    @Test("A folder that another process keeps locked is an error in time")
    func locked() async throws {
        defer { self.clean() }
        let session = self.session("A")
        try await self.with(self.store()) { store async throws in
            #expect(try await store.insert(session))
            let lock = open("\(self.sessions)/\(session.key.hexadecimal.prefix(2))/lock", O_RDWR)
            defer { close(lock) }
            #expect(flock(lock, LOCK_EX) == 0)
            let error = await #expect(throws: SessionError.self) { try await store.load(session.key, unless: nil) }
            #expect(error?.code == .storeUnavailable && error?.message.contains("lock") == true)
        }
    }

    @Test("Namespaces have folders of their own")
    func namespaces() {
        let names = [
            "", "/", "/a", "a", "/a_b", "/a/b", "/ä", "/a%2Fb", "a=b", "~", String(repeating: "/x", count: 500), String(repeating: "/y", count: 500),
        ]
        let folders = names.map { FileSessionStore.folderName(ofNamespace: $0) }
        #expect(Set(folders).count == names.count, "\(folders)")
        #expect(folders.allSatisfy { $0.utf8.count <= 255 && !$0.contains("/") && $0.hasPrefix("sessions") })
        #expect(FileSessionStore.folderName(ofNamespace: "/Catalina/localhost/shop") == "sessions_Catalina_localhost_shop")
    }
}

private struct LogLines: LogHandler {
    final class Box: Sendable { let value = Mutex<[String]>([]) }

    let lines = Box()
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }
    func log(event: LogEvent) { self.lines.value.withLock { $0.append("\(event.level) \(event.message)") } }
}
