import ServalServlet
import Synchronization

/// The applications of a host, for a servlet that tells of them.
final class HostDirectory: Sendable {
    private struct Place: Sendable {
        weak var context: Context?
    }

    /// The host's name.
    let name: String
    private let places = Mutex<[Place]>([])

    init(name: String) { self.name = name }

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
