import Foundation
import Serval
import ServalConfiguration
import Testing

/// Mistakes in the settings of the stores that Serval brings along, which are found before anything starts.
@Suite("Settings of session stores")
struct StoreSettingsTests {
    /// What is said of a `<Store>` in line 3 of conf/context.xml.
    private func report(_ store: String, _ least: Diagnostic.Severity) throws -> (lines: [String], isUsable: Bool) {
        let folder = FileManager.default.temporaryDirectory.appending(path: "serval-stores-\(UUID().uuidString)").resolvingSymlinksInPath()
        defer { try? FileManager.default.removeItem(at: folder) }
        let server =
            "<Server><Service name='Catalina'><Engine name='Catalina' defaultHost='localhost'><Host name='localhost'/></Engine></Service></Server>"
        let context = "<Context>\n<Manager className='org.apache.catalina.session.PersistentManager'>\n<Store \(store)/></Manager></Context>"
        for (name, text) in [("conf/server.xml", server), ("conf/context.xml", context), ("webapps/shop/x", ""), ("conf/empty", "")] {
            let file = folder.appending(path: name)
            try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        var registry = ComponentRegistry()
        registry.registerSessionStores()
        let loaded = ConfigurationLoader(base: folder.path, registry: registry).load()
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/data"), "a check makes nothing")
        let lines = loaded.diagnostics.filter { $0.severity >= least }.map { $0.description.replacingOccurrences(of: folder.path, with: "BASE") }
        return (lines, loaded.server != nil)
    }

    @Test(
        "What cannot work is an error at its place",
        arguments: [
            ("connectionURL='jdbc:postgresql://h/db?sslmode=verifyfull'", "sslmode"), ("connectionURL='redis://h/abc'", "has no number"),
            ("connectionURL='jdbc:sqlite:'", "does not name a file"), ("connectionURL='rediss://h/0?sslmode=disable'", "turns TLS off"),
            ("connectionURL='jdbc:mysql://h'", "does not name a database"),
            (
                "connectionURL='redis://h' serval.connectionPasswordFile='conf/none'",
                "[BASE/conf/none] of serval.connectionPasswordFile cannot be read: No such"
            ),
            ("connectionURL='jdbc:postgresql://h/db?sslmode=verify-full&amp;sslrootcert=conf/ca.pem'", "[BASE/conf/ca.pem] of 'sslrootcert'"),
            ("connectionURL='redis://h' serval.secretFile='conf/empty'", "does not hold 64 hexadecimal digits"),
        ]
    )
    func mistakes(_ store: String, _ message: String) throws {
        let (lines, isUsable) = try self.report(store, .error)
        #expect(lines.contains { $0.hasPrefix("conf/context.xml:3:") && $0.contains(": error: ") && $0.contains(message) }, "\(lines)")
        #expect(!isUsable, "the file is every application's")
    }

    @Test(
        "What has no effect is a warning at its place",
        arguments: [
            ("connectionURL='jdbc:postgresql://h/db?sslmod=require'", "sslmod"),
            ("connectionURL='redis://h' sessionTable='t' sessionIdCol='i'", "sessionTable, sessionIdCol"),
        ]
    )
    func withoutEffect(_ store: String, _ message: String) throws {
        let (lines, isUsable) = try self.report(store, .warning)
        #expect(isUsable && lines.count == 1, "\(lines)")
        #expect(lines.first?.hasPrefix("conf/context.xml:3:8: warning: ") == true && lines.first?.contains(message) == true, "\(lines)")
    }

    @Test("What is right is not talked about", arguments: ["connectionURL='jdbc:sqlite:data/sessions.db'", "connectionURL='jdbc:mariadb://h/db'"])
    func right(_ store: String) throws {
        let (lines, isUsable) = try self.report(store, .warning)
        #expect(isUsable && lines.isEmpty, "\(lines)")
    }
}
