import Foundation
import ServalConfiguration

/// A base directory for one test, deleted when the test is over.
final class TemporaryBase {
    let path: String

    /// Writes the files; names are relative to the base.
    init(_ files: [String: String] = [:]) throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("serval-configuration-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        self.path = directory.resolvingSymlinksInPath().path
        for (name, text) in files { try self.write(name, text) }
    }

    deinit { try? FileManager.default.removeItem(atPath: self.path) }

    func write(_ name: String, _ text: String) throws {
        let url = URL(fileURLWithPath: self.path).appendingPathComponent(name)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
    }

    func makeDirectory(_ name: String) throws {
        try FileManager.default.createDirectory(at: URL(fileURLWithPath: self.path).appendingPathComponent(name), withIntermediateDirectories: true)
    }

    /// Loads the base, with the home directory inside of it so that no test depends on who runs it.
    func load(registry: ComponentRegistry = ComponentRegistry(), properties: [String: String] = [:]) -> LoadedConfiguration {
        var properties = properties
        properties["user.home"] = properties["user.home"] ?? self.path + "/home"
        return ConfigurationLoader(base: self.path, properties: properties, registry: registry).load()
    }

    /// Text without the directory's random name.
    func normalized(_ text: String) -> String { text.replacingOccurrences(of: self.path, with: "BASE") }
}

extension LoadedConfiguration {
    /// The diagnostics, one a line, with the base directory's name replaced.
    func report(_ base: TemporaryBase, _ least: Diagnostic.Severity = .info) -> String {
        base.normalized(self.diagnostics.filter { $0.severity >= least }.map(\.description).joined(separator: "\n"))
    }
}

/// A server.xml around connectors.
func serverXML(connectors: String = "", engine: String = "", host: String = "") -> String {
    """
    <Server port="8005" shutdown="SHUTDOWN">
      <Service name="Catalina">
    \(connectors)
        <Engine name="Catalina" defaultHost="localhost">
    \(engine)
          <Host name="localhost" appBase="webapps">
    \(host)
          </Host>
        </Engine>
      </Service>
    </Server>
    """
}
