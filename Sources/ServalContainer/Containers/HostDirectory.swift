import ServalServlet
import Synchronization

/// The applications of a host, for a servlet that tells of them.
final class HostDirectory: Sendable {
    private struct Place: Sendable {
        weak var context: Context?
    }

    /// The host's name.
    let name: String
    /// Other names for it, perhaps with `*` as first label.
    let aliases: [String]
    private let places = Mutex<[Place]>([])

    init(name: String, aliases: [String] = []) {
        self.name = name
        self.aliases = aliases
    }

    /// Whether a request names this host, and not just came to it because it is the default.
    func isName(_ name: String) -> Bool {
        HostTable([([self.name] + self.aliases, true), ([], false)], fallback: false).target(for: Array(name.utf8)[...]) == true
    }

    func fill(_ contexts: [Context]) { self.places.withLock { $0 = contexts.map { Place(context: $0) } } }

    /// In the order of their paths.
    var contexts: [Context] { self.places.withLock { $0.compactMap(\.context) }.sorted { $0.path < $1.path } }
}

/// A servlet that may see the host's other applications if its own is `privileged`.
///
/// Source: Tomcat's `ContainerServlet`.
protocol ContainerServlet: Servlet {
    /// Called once, before the servlet starts.
    func attach(to directory: HostDirectory)
}
