public import Logging
import Synchronization

/// The application that servlets, filters and listeners belong to.
///
/// Servlets, filters and listeners are added while the application starts; afterwards the registrations are fixed.
public final class ServletContext: Sendable {
    /// The context path; `""` for the root context.
    public let path: String
    /// The context path as it stands in URLs.
    package let encodedPath: String
    /// The application's logger.
    public let logger: Logger
    /// The `<context-param>`s.
    public let initParameters: [String: String]
    /// The `<display-name>`, or the path.
    public let displayName: String

    private let registry: Mutex<Registry>

    /// A context that nothing is registered in; made by the container, and by tests.
    public init(path: String, displayName: String? = nil, initParameters: [String: String] = [:], logger: Logger) {
        self.path = path
        self.encodedPath = PathEncoding.encoded(path.utf8)
        self.displayName = displayName ?? (path.isEmpty ? "/" : path)
        self.initParameters = initParameters
        self.logger = logger
        self.registry = Mutex(Registry())
    }

    /// What stands for the context of a request that is not mapped yet.
    package static let unmapped = ServletContext(path: "", displayName: "unmapped", logger: Logger(label: "serval.unmapped"))

    // MARK: Registration

    /// Adds URL patterns to a servlet or filter.
    public struct Mapping: Sendable {
        let context: ServletContext
        let name: String
        let isFilter: Bool

        /// Adds a URL pattern: exact (`/a/b`), path (`/a/*`), extension (`*.ext`), default (`/`) or root (empty).
        ///
        /// Source: Servlet 6.1 §12.2.
        @discardableResult public func map(_ pattern: String) -> Mapping {
            self.context.registry.withLock { registry in
                if self.isFilter {
                    registry.filterMappings.append(.init(name: self.name, target: .pattern(pattern)))
                } else {
                    registry.servletMappings.append(.init(name: self.name, pattern: pattern))
                }
            }
            return self
        }

        /// For filters: also runs before the servlet of this name.
        @discardableResult public func map(servletNamed servletName: String) -> Mapping {
            guard self.isFilter else { return self }
            self.context.registry.withLock { $0.filterMappings.append(.init(name: self.name, target: .servlet(servletName))) }
            return self
        }
    }

    /// Adds a servlet.
    ///
    /// A servlet of the same name that was added before, for example by `web.xml`, is replaced and keeps its mappings.
    @discardableResult
    public func addServlet(_ name: String, _ servlet: some Servlet, initParameters: [String: String] = [:]) -> Mapping {
        self.registry.withLock { registry in
            registry.servlets.removeAll { $0.name == name }
            registry.servlets.append(.init(name: name, servlet: servlet, initParameters: initParameters))
        }
        return Mapping(context: self, name: name, isFilter: false)
    }

    /// Adds a filter.
    ///
    /// Filters run in the order of their mappings, patterns before servlet names.
    @discardableResult
    public func addFilter(_ name: String, _ filter: some Filter, initParameters: [String: String] = [:]) -> Mapping {
        self.registry.withLock { registry in
            registry.filters.removeAll { $0.name == name }
            registry.filters.append(.init(name: name, filter: filter, initParameters: initParameters))
        }
        return Mapping(context: self, name: name, isFilter: true)
    }

    /// Adds a listener of the application's life.
    public func addListener(_ listener: some ServletContextListener) { self.registry.withLock { $0.contextListeners.append(listener) } }

    /// Adds a listener of its sessions' lives.
    public func addListener(_ listener: some HTTPSessionListener) { self.registry.withLock { $0.sessionListeners.append(listener) } }

    // MARK: Sessions

    /// How session ids travel.
    ///
    /// Default: cookie and URL; see ``setSessionTrackingModes(_:)``.
    public var sessionTrackingModes: Set<SessionTrackingMode> { self.registry.withLock { $0.trackingModes } }

    /// Sets how session ids travel, while the application starts.
    ///
    /// - Throws: ``ConfigurationError`` `incompatibleTrackingModes` for `.ssl` together with another mode.
    public func setSessionTrackingModes(_ modes: Set<SessionTrackingMode>) throws(ConfigurationError) {
        guard !modes.contains(.ssl) || modes.count == 1 else {
            throw ConfigurationError(code: .incompatibleTrackingModes, message: "tracking mode SSL excludes every other mode")
        }
        self.registry.withLock { $0.trackingModes = modes }
    }

    /// The settings of the session cookie; to be changed only while the application starts.
    public var sessionCookie: SessionCookieConfiguration {
        get { self.registry.withLock { $0.sessionCookie } }
        set { self.registry.withLock { $0.sessionCookie = newValue } }
    }

    /// The idle time of new sessions; `nil` for no limit.
    ///
    /// Default 30 minutes.
    public var sessionTimeout: Duration? {
        get { self.registry.withLock { $0.sessionTimeout } }
        set { self.registry.withLock { $0.sessionTimeout = newValue } }
    }

    // MARK: Resources

    /// The application's folder with static files, if it has one.
    public var documentRoot: String? { self.registry.withLock { $0.documentRoot } }

    /// The MIME type for a file name by its extension, or `nil`.
    public func mimeType(forFile name: String) -> String? {
        guard let dot = name.lastIndex(of: ".") else { return nil }
        let type = name[name.index(after: dot)...].lowercased()
        return self.registry.withLock { $0.mimeTypes[type] }
    }

    // MARK: The container's side

    /// Everything that is registered.
    package struct Registry: Sendable {
        package struct ServletRegistration: Sendable {
            package var name: String
            package var servlet: any Servlet
            package var initParameters: [String: String]
        }

        package struct FilterRegistration: Sendable {
            package var name: String
            package var filter: any Filter
            package var initParameters: [String: String]
        }

        package struct ServletMapping: Sendable {
            package var name: String
            package var pattern: String
        }

        package struct FilterMapping: Sendable {
            package enum Target: Sendable {
                case pattern(String)
                case servlet(String)
            }

            package var name: String
            package var target: Target
        }

        package var servlets: [ServletRegistration] = []
        package var filters: [FilterRegistration] = []
        package var servletMappings: [ServletMapping] = []
        package var filterMappings: [FilterMapping] = []
        package var contextListeners: [any ServletContextListener] = []
        package var sessionListeners: [any HTTPSessionListener] = []
        package var trackingModes: Set<SessionTrackingMode> = [.cookie, .url]
        package var sessionCookie = SessionCookieConfiguration()
        package var sessionTimeout: Duration? = .seconds(1800)
        package var documentRoot: String?
        /// Lower-case extension without dot → type.
        package var mimeTypes: [String: String] = [:]
    }

    /// Reads or changes the registrations in one step.
    package func withRegistry<Result: Sendable>(_ body: (inout sending Registry) -> sending Result) -> Result { self.registry.withLock(body) }
}
