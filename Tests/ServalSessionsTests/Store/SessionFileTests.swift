import Foundation
import Logging
import Synchronization
import Testing

@testable import ServalSessions

/// Sessions of a manager without a store, over a restart.
@Suite("The file of sessions")
struct SessionFileTests {
    private enum Name: SessionAttributeKey {
        typealias Value = String
        static let name = "userName"
    }

    private enum Cache: TransientSessionKey {
        typealias Value = String
        static let name = "cache"
    }

    /// A folder, and what is logged about the file in it.
    private final class Place {
        let folder = FileManager.default.temporaryDirectory.appending(path: "serval-sessions-\(UUID().uuidString)")
        let log = EventLog()
        let events = EventLog()
        let clock = ManualClock()
        /// In a folder that nobody has made yet.
        var path: String { self.folder.path + "/Catalina/localhost/shop/SESSIONS.ser" }

        deinit { try? FileManager.default.removeItem(at: self.folder) }

        func manager(secret: UInt8 = 1, encrypts: Bool = false, filter: SessionAttributeFilter? = nil) throws -> StandardSessionManager {
            var configuration = StandardSessionManager.Configuration()
            configuration.clock = { [clock] in clock.now }
            configuration.attributeFilter = filter
            configuration.maximumNewSessions = nil
            configuration.file = SessionFile(
                path: self.path,
                namespace: "/Catalina/localhost/shop",
                sealer: try SessionSealer(secret: [UInt8](repeating: secret, count: 32), encryptsAttributes: encrypts),
                logger: self.logger
            )
            let manager = StandardSessionManager(configuration: configuration)
            manager.addListener(RecordingListener(log: self.events))
            return manager
        }

        var logger: Logger { self.log.logger }

        /// A manager that has stopped with `count` sessions of two attributes; their ids.
        func save(_ count: Int, _ manager: StandardSessionManager) async throws -> [SessionID] {
            try await manager.start()
            var ids: [SessionID] = []
            for number in 0..<count {
                let session = try await manager.create(id: nil)
                session[Visits.self] = number
                session[Name.self] = "n\(number)"
                session.endAccess()
                ids.append(session.id)
            }
            await manager.stop()
            return ids
        }

        var bytes: [UInt8] {
            get { (try? Data(contentsOf: URL(filePath: self.path))).map(Array.init) ?? [] }
            set { try? Data(newValue).write(to: URL(filePath: self.path)) }
        }

        func exists(_ suffix: String = "") -> Bool { FileManager.default.fileExists(atPath: self.path + suffix) }
        func warnings() -> [String] { self.log.all.filter { $0.hasPrefix("warning") } }
    }

    @Test("M01, M04: sessions are saved at the stop and are back after the start, as they were", arguments: [false, true])
    func restart(encrypts: Bool) async throws {
        let place = Place()
        let first = try place.manager(encrypts: encrypts)
        try await first.start()
        let session = try await first.create(id: nil)
        session[Visits.self] = 7
        session[Name.self] = "Łukasz"
        session[Cache.self] = "not to be saved"
        session.maxInactiveInterval = .seconds(600)
        try await session.signOn(as: "alice")
        session.endAccess()
        let (id, creation) = (session.id, session.creationTime)
        place.clock.advance(by: .seconds(10))
        await first.stop()
        #expect(place.exists() && !place.exists(".new"))
        #expect(place.events.all == ["created", "changed really"], "nobody is told of an end")
        #expect(String(decoding: place.bytes, as: UTF8.self).contains("Łukasz") == !encrypts)
        let mode = try FileManager.default.attributesOfItem(atPath: place.path)[.posixPermissions] as? Int
        #expect(mode == 0o600)

        let second = try place.manager(encrypts: encrypts)
        try await second.start()
        #expect(!place.exists(), "the file goes when its sessions are in memory")
        let found = try #require(try await second.find(id))
        #expect(found[Visits.self] == 7)
        #expect(found[Name.self] == "Łukasz")
        #expect(found[Cache.self] == nil)
        #expect(found.creationTime == creation && found.maxInactiveInterval == .seconds(600) && !found.isNew)
        #expect(try await second.sessions(ofPrincipal: "alice").count == 1)
        #expect(second.statistics.activeSessions == 1)
        await second.stop()

        // Once more, with values that nobody has asked for.
        let third = try place.manager(encrypts: encrypts)
        try await third.start()
        let again = try #require(try await third.find(id))
        #expect(try again.decode(Visits.self) == 7)
        #expect(throws: SessionError.self) { try again.decode(VisitsAsText.self) }
        place.clock.advance(by: .seconds(700))
        #expect(try await third.find(id) == nil, "idle time goes on while the server is stopped")
        await third.stop()
        #expect(place.warnings() == [])
    }

    @Test("Without sessions there is no file, and what has expired is not saved")
    func nothingToSave() async throws {
        let place = Place()
        let manager = try place.manager()
        try await manager.start()
        let session = try await manager.create(id: nil)
        session.endAccess()
        place.clock.advance(by: .seconds(1800))
        await manager.stop()
        #expect(!place.exists() && !place.exists(".new"))
        #expect(place.events.all.count == 2, "it ended: \(place.events.all)")
    }

    @Test("A file that Tomcat wrote stays where it is until there is another one, then beside it")
    func javaFile() async throws {
        let place = Place()
        try FileManager.default.createDirectory(atPath: (place.path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        let java: [UInt8] = [0xAC, 0xED, 0x00, 0x05, 0x73]
        place.bytes = java
        let manager = try place.manager()
        try await manager.start()
        #expect(place.bytes == java)
        #expect(place.warnings().count == 1 && place.warnings()[0].contains("Java"))
        await manager.stop()
        #expect(place.bytes == java)
        let ids = try await place.save(1, manager)
        #expect(place.bytes != java && FileManager.default.contents(atPath: place.path + ".tomcat") == Data(java))
        let next = try place.manager()
        try await next.start()
        #expect(try await next.find(ids[0]) != nil)
    }

    @Test(
        "Of a damaged file what can be read is kept, and the rest put aside",
        arguments: ["cut", "changed", "length", "mark", "empty", "secret", "end"]
    )
    func damage(_ kind: String) async throws {
        let place = Place()
        let ids = try await place.save(50, try place.manager())
        var bytes = place.bytes
        switch kind {
        case "cut": bytes.removeLast(bytes.count / 2)
        case "changed": bytes[bytes.count / 2] ^= 0x40
        case "length": bytes.replaceSubrange(18..<22, with: [0xFF, 0xFF, 0xFF, 0xFF])
        case "mark": bytes = Array(bytes.prefix(5))
        case "empty": bytes = []
        case "end": bytes.removeLast()
        default: break
        }
        place.bytes = bytes
        let manager = try place.manager(secret: kind == "secret" ? 2 : 1)
        try await manager.start()
        var found = 0
        for id in ids where try await manager.find(id)?[Name.self] != nil { found += 1 }
        switch kind {
        case "cut": #expect((20...26).contains(found))
        case "changed": #expect((1...49).contains(found))
        case "end": #expect(found == 50)
        default: #expect(found == 0)
        }
        #expect(place.warnings().count == 1, "\(place.log.all)")
        #expect(!place.exists() && place.exists(".bad"))
        #expect(try await manager.create(id: nil).isValid)
    }

    @Test("A file that is neither Serval's nor Tomcat's is left alone, and told of at the start and at the stop")
    func foreignFile() async throws {
        let place = Place()
        try FileManager.default.createDirectory(atPath: (place.path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        let foreign = Array("<web-app>somebody's</web-app>".utf8)
        place.bytes = foreign
        #expect(SessionFile.obstacle(at: place.path)?.contains("is not one of saved sessions") == true)
        _ = try await place.save(3, try place.manager())
        #expect(place.bytes == foreign && !place.exists(".bad") && !place.exists(".new"))
        #expect(place.warnings().count == 1 && place.warnings()[0].contains("is not a file of saved sessions"))
        #expect(place.log.all.contains { $0.hasPrefix("error") && $0.contains("could not be saved") })
    }

    @Test("What cannot be read is left alone, and told of at the start and at the stop")
    func unreadableFile() async throws {
        let place = Place()
        try FileManager.default.createDirectory(atPath: (place.path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        #expect(mkfifo(place.path, 0o600) == 0)
        #expect(SessionFile.obstacle(at: place.path)?.contains("it is not a regular file") == true)
        _ = try await place.save(3, try place.manager())
        var status = stat()
        #expect(lstat(place.path, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO)
        #expect(!place.exists(".new"))
        #expect(place.warnings().count == 1 && place.warnings()[0].contains("will end when the server stops"), "\(place.log.all)")
        #expect(place.log.all.contains { $0.hasPrefix("error") && $0.contains("could not be saved") })
    }

    @Test("A file that could not be read at the start and can be at the stop moves aside")
    func unreadFile() async throws {
        let place = Place()
        let ids = try await place.save(2, try place.manager())
        let bytes = place.bytes
        try FileManager.default.removeItem(atPath: place.path)
        #expect(mkfifo(place.path, 0o600) == 0)
        let manager = try place.manager()
        try await manager.start()
        try FileManager.default.removeItem(atPath: place.path)
        place.bytes = bytes
        let session = try await manager.create(id: nil)
        session.endAccess()
        await manager.stop()
        #expect(FileManager.default.contents(atPath: place.path + ".unread") == Data(bytes))
        #expect(place.warnings().last?.contains("it is now [\(place.path).unread]") == true, "\(place.log.all)")
        let next = try place.manager()
        try await next.start()
        #expect(try await next.find(session.id) != nil)
        #expect(try await next.find(ids[0]) == nil)
    }

    @Test("Nothing is removed that has the name of the file that is written first, but what a stop has left")
    func foreignTemporaryFile() async throws {
        let place = Place()
        try FileManager.default.createDirectory(atPath: (place.path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        let foreign = Data("somebody's".utf8)
        try foreign.write(to: URL(filePath: place.path + ".new"))
        #expect(SessionFile.obstacle(at: place.path)?.contains(".new], which is written first, is there already") == true)
        _ = try await place.save(3, try place.manager())
        #expect(!place.exists() && FileManager.default.contents(atPath: place.path + ".new") == foreign)
        #expect(place.log.all.first?.contains("cannot be saved when the server stops") == true, "\(place.log.all)")
        for left in ["", "Serval ses", "Serval sessions 1\nand more"] {
            try Data(left.utf8).write(to: URL(filePath: place.path + ".new"))
            #expect(SessionFile.obstacle(at: place.path) == nil)
            _ = try await place.save(3, try place.manager())
            #expect(place.exists() && !place.exists(".new"))
        }
    }

    @Test("A place that cannot be written is told of at the start")
    func unwritablePlace() async throws {
        let place = Place()
        try FileManager.default.createDirectory(atPath: place.folder.path, withIntermediateDirectories: true)
        try Data("a file".utf8).write(to: place.folder.appending(path: "Catalina"))
        #expect(SessionFile.obstacle(at: place.path)?.contains("cannot be written: Not a directory") == true)
        let manager = try place.manager()
        try await manager.start()
        let told = place.log.all
        #expect(told.count == 1 && told[0].hasPrefix("error") && told[0].contains("cannot be saved when the server stops"), "\(told)")
        await manager.stop()
    }

    @Test("Sessions of the file outlive that encryption is switched on and off", arguments: [false, true])
    func encryptionSwitched(encrypts: Bool) async throws {
        let place = Place()
        let ids = try await place.save(3, try place.manager(encrypts: encrypts))
        let manager = try place.manager(encrypts: !encrypts)
        try await manager.start()
        for (number, id) in ids.enumerated() { #expect(try await manager.find(id)?[Name.self] == "n\(number)") }
        await manager.stop()
        #expect(String(decoding: place.bytes, as: UTF8.self).contains("n1") == encrypts)
        #expect(place.warnings() == [])
    }

    @Test("M11, M12, M13: attributes that the filters keep out, and the lines about them")
    func filters() async throws {
        for (names, types, warns, left) in [
            ("(userName|sessionHistory)", "", true, ["userName"]), ("user", "", true, []),
            ("", "java\\.lang\\.(?:Boolean|Integer|Long|Number|String)", true, ["userName", "visits"]),
            ("", "java\\.lang\\.String", false, ["userName"]), ("", "Swift\\.Int", false, ["visits"]), ("", "Array<String>", false, ["cart"]),
        ] {
            let place = Place()
            let filter = try SessionAttributeFilter(names: names, types: types, warns: warns, logger: place.logger)
            let first = try place.manager(filter: filter)
            try await first.start()
            let session = try await first.create(id: nil)
            session[Visits.self] = 1
            session[Name.self] = "a"
            session[Cart.self] = ["b"]
            session.endAccess()
            await first.stop()
            let second = try place.manager(filter: filter)
            try await second.start()
            let found = try #require(try await second.find(session.id))
            #expect(found.attributeNames == left, "\(names) \(types)")
            #expect(place.warnings().count == (warns ? 3 - left.count : 0), "\(place.log.all)")
            #expect(!warns || place.log.all.contains { $0.contains("Skipped session attribute named [cart]") })
        }
        #expect(throws: SessionError.self) { try SessionAttributeFilter(names: "(") }
    }

    @Test("N08: the filters hold for stores as well; what they keep out stays in this server's memory")
    func filteredStore() async throws {
        let nodes = try SessionNodes { $0.sessions.attributeFilter = try? SessionAttributeFilter(names: "visits") }
        let id = try await {
            let session = try await nodes[0].create(id: nil)
            session[Visits.self] = 1
            session[Cart.self] = ["a"]
            try await nodes[0].save(session)
            session.endAccess()
            return session.id
        }()
        _ = try await nodes.request(1, id) { $0.update(Visits.self, default: 0) { $0 += 1 } }
        let here = try #require(try await nodes[0].find(id))
        #expect(here[Visits.self] == 2)
        #expect(here[Cart.self] == ["a"])
        #expect(try await nodes[1].find(id)?[Cart.self] == nil)
    }

    @Test("M04: many sessions are saved and loaded, in many pieces of the file")
    func many() async throws {
        let place = Place()
        let ids = try await place.save(10_000, try place.manager())
        let manager = try place.manager()
        try await manager.start()
        #expect(manager.statistics.activeSessions == 10_000)
        for number in stride(from: 0, to: ids.count, by: 997) {
            #expect(try await manager.find(ids[number])?[Visits.self] == number)
        }
        #expect(place.warnings() == [])
    }
}
