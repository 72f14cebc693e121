import Foundation
import ServalContainer
import ServalSessions
import Testing

@testable import ServalConfiguration

/// Where sessions are kept, and what is found out about it before an application starts.
@Suite("Places of sessions")
struct SessionPlaceTests {
    private static let persistent = "<Manager className='org.apache.catalina.session.PersistentManager' "

    private func base(_ context: String, _ files: [String: String] = [:]) throws -> TemporaryBase {
        let base = try TemporaryBase(["conf/server.xml": serverXML(), "webapps/shop/META-INF/context.xml": "<Context>\(context)</Context>"])
        for (name, text) in files { try base.write(name, text) }
        return base
    }

    private func paths(_ loaded: LoadedConfiguration) -> [String] { loaded.server?.services[0].engine.hosts[0].contexts.map(\.path) ?? [] }

    private static func registry(_ store: MemorySessionStore, check: SessionStoreCheck? = nil) -> ComponentRegistry {
        var registry = ComponentRegistry()
        let database = AttributeTable(element: "Store", summary: "", attributes: [AttributeDefinition("connectionURL", .secret)])
        registry.register(sessionStoreScheme: "redis", attributes: database, check: check) { _ in store }
        return registry
    }

    @Test("serval.encrypt and serval.secretFile are obeyed on the <Manager> of a store, and those on its <Store> are stronger")
    func secretOfManager() async throws {
        for (manager, element, encrypts, file) in [
            ("serval.encrypt='true' serval.secretFile='conf/own.key'", "", true, "own.key"), ("", "", false, "session-store.key"),
            ("serval.encrypt='true' serval.secretFile='conf/a.key'", "serval.encrypt='false' serval.secretFile='conf/b.key'", false, "b.key"),
        ] {
            let store = MemorySessionStore()
            let base = try self.base(Self.persistent + "\(manager)><Store connectionURL='redis://h' \(element)/></Manager>")
            let loaded = base.load(registry: Self.registry(store))
            #expect(loaded.report(base, .warning) == "")
            let context = try #require(loaded.server?.services[0].engine.hosts[0].contexts.first)
            let made = try #require(try context.makeSessionManager?(nil))
            #expect(FileManager.default.fileExists(atPath: base.path + "/conf/" + file))
            try await made.start()
            let session = try await made.create(id: nil)
            session[Secret.self] = "visible"
            session.endAccess()
            await made.stop()
            let later = Timestamp.now.advanced(by: .seconds(36000))
            let record = try #require(try await store.claimExpired(at: later, limit: 1, lease: .seconds(1)).first)
            let bytes = record.attributes.values.flatMap(\.bytes)
            #expect(String(decoding: bytes, as: UTF8.self).contains("visible") != encrypts, "\(manager)")
        }
    }

    @Test("A file that several applications would write belongs to the first; in the others' own folders each has its own")
    func sharedFile() throws {
        let shared = "<Context>\n<Manager pathname='${catalina.base}/all.ser'/></Context>"
        let base = try self.base("", ["conf/context.xml": shared, "webapps/two/x": ""])
        let loaded = base.load()
        let report = loaded.report(base, .error)
        #expect(self.paths(loaded).count == 1)
        #expect(
            report.contains(
                "conf/context.xml:2:10: error: the file [BASE/all.ser] of pathname is already that of the sessions of /Catalina/localhost/"
            )
        )
        try base.write("conf/context.xml", "<Context><Manager pathname='all.ser'/></Context>")
        #expect(self.paths(base.load()).count == 2)
    }

    @Test(
        "A place that is somebody else's, or that cannot be written, keeps the application from starting",
        arguments: [
            ("../../../../conf/web.xml", "is there already and is not one of saved sessions"),
            ("../../../../conf", "cannot be read: it is not a regular file"),
            ("../../../../conf/web.xml/x", "cannot be written: Not a directory"),
        ]
    )
    func unusableFile(_ pathname: String, _ message: String) throws {
        let text = "<web-app></web-app>"
        let base = try self.base("<Manager pathname='\(pathname)'/>", ["conf/web.xml": text])
        let loaded = base.load()
        let report = loaded.report(base, .error)
        #expect(report.contains("webapps/shop/META-INF/context.xml:1:19: error: the sessions cannot be kept in the file of pathname"), "\(report)")
        #expect(report.contains(message), "\(report)")
        #expect(self.paths(loaded) == [])
        #expect(try String(contentsOfFile: base.path + "/conf/web.xml", encoding: .utf8) == text)
    }

    @Test(
        "A secret that cannot be used is told with file and line",
        arguments: [
            (
                "<Manager pathname='S' serval.secretFile='conf'/>", "",
                "1:32: error: the file [BASE/conf] of serval.secretFile cannot be read: It is not a regular"
            ),
            (
                "<Manager pathname='S'/>", "",
                "1:10: error: the file [BASE/conf/session-store.key] of serval.secretFile does not hold 64 hexadecimal digits"
            ),
            ("<Manager pathname='S'/>", "12zz", "does not hold 64 hexadecimal digits"),
            ("<Manager pathname='S' serval.secretFile='none/key'/>", "", "[BASE/none/key] of serval.secretFile cannot be made: No such file"),
            (
                persistent + "serval.secretFile='conf'><Store connectionURL='redis://h'/></Manager>", "",
                "error: the file [BASE/conf] of serval.secretFile"
            ),
            (
                persistent + "><Store connectionURL='redis://h' serval.secretFile='conf'/></Manager>", "",
                "error: the file [BASE/conf] of serval.secretFile"
            ),
        ]
    )
    func badSecret(_ manager: String, _ key: String, _ message: String) throws {
        let base = try self.base(manager, ["conf/session-store.key": key])
        let loaded = base.load(registry: Self.registry(MemorySessionStore()))
        let report = loaded.report(base, .error)
        #expect(report.contains(message) && report.contains("webapps/shop/META-INF/context.xml:1:"), "\(report)")
        #expect(self.paths(loaded) == [])
        #expect(!FileManager.default.fileExists(atPath: base.path + "/none"))
    }

    @Test("What a store's check finds out is told at its attribute")
    func storeCheck() throws {
        let manager = Self.persistent + ">\n<Store connectionURL='redis://h'/></Manager>"
        let base = try self.base(manager)
        let warned = base.load(registry: Self.registry(MemorySessionStore()) { _ in ["a parameter is not known"] })
        #expect(warned.report(base, .warning).hasSuffix("META-INF/context.xml:2:8: warning: a parameter is not known"))
        #expect(self.paths(warned) == ["/shop"])
        let refused = base.load(
            registry: Self.registry(MemorySessionStore()) { settings in
                throw SessionError(code: .illegalSetting, message: "no \(settings.attributes["connectionURL"] ?? "")")
            }
        )
        #expect(refused.report(base, .error).contains("META-INF/context.xml:2:8: error: no redis://h"))
        #expect(self.paths(refused) == [])
    }

    @Test(
        "Settings without effect deserve a line",
        arguments: [
            ("<Manager serval.maxMemory='100'/>", "100 bytes hold no more than some empty sessions"),
            ("<Manager/><Manager maxActiveSessions='1'/>", "<Context> has one <Manager>; of several the first is obeyed"),
            ("<CookieProcessor/><CookieProcessor sameSiteCookies='lax'/>", "<Context> has one <CookieProcessor>"),
            ("<Valve className='org.apache.catalina.valves.PersistentValve'/>", "a PersistentValve does nothing without a PersistentManager"),
            ("<Valve className='org.apache.catalina.authenticator.SingleSignOn'/>", "SingleSignOn belongs into <Host>"),
            (persistent + "minIdleSwap='9' maxIdleSwap='5'><Store connectionURL='redis://h'/></Manager>", "minIdleSwap is longer than maxIdleSwap"),
        ]
    )
    func withoutEffect(_ element: String, _ message: String) throws {
        let base = try self.base(element)
        let loaded = base.load(registry: Self.registry(MemorySessionStore()))
        #expect(loaded.report(base, .warning).contains(message), "\(loaded.report(base))")
        #expect(self.paths(loaded) == ["/shop"])
    }
}

private enum Secret: SessionAttributeKey {
    typealias Value = String
    static let name = "secret"
}
