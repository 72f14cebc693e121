public import ServalServlet

/// An application at a path: `<Context>`, `context.xml` and `web.xml` merged, with every class name resolved.
public struct ContextDefinition: Sendable {
    /// The context path; `""` for the root.
    public var path: String
    /// The folder with static files, absolute; `nil` for none.
    public var documentRoot: String?
    /// The application in Swift that registers servlets, filters and listeners; runs before the descriptor's are added.
    public var application: WebApplication?
    /// `web.xml`, merged with the server's defaults.
    public var descriptor = ApplicationDescriptor()
    /// The context's valves, in order.
    public var valves: [any Valve] = []
    /// Whether its servlets may see the host's other applications: `privileged`.
    ///
    /// Default `false`.
    public var isPrivileged = false
    /// Whether requests can come over TLS, here or at a proxy in front; without, tracking by TLS sessions keeps the context from starting.
    ///
    /// Default true, for those who do not know.
    public var hasSecureConnector = true

    /// Whether ids may travel in cookies: `cookies`.
    ///
    /// Default `true`.
    public var usesCookies = true
    /// `sessionCookieName`, `…Domain`, `…Path`: override the descriptor's.
    public var sessionCookieName: String?
    /// See ``sessionCookieName``.
    public var sessionCookieDomain: String?
    /// See ``sessionCookieName``.
    public var sessionCookiePath: String?
    /// `sessionCookiePathUsesTrailingSlash`.
    ///
    /// Default `false`.
    public var sessionCookiePathUsesTrailingSlash = false
    /// `useHttpOnly`.
    ///
    /// Default `true`.
    public var usesHTTPOnly = true
    /// `usePartitioned`.
    ///
    /// Default `false`.
    public var usesPartitioned = false
    /// `sameSiteCookies` of the `CookieProcessor`.
    ///
    /// Default none.
    public var sameSiteCookies: Cookie.SameSite?
    /// `validateClientProvidedNewSessionId`.
    ///
    /// Default `true`.
    public var validatesClientProvidedNewSessionID = true
    /// `alwaysAccessSession`: each request with an id counts as use of its session, whether or not the application asks for it.
    ///
    /// Default `false`.
    public var alwaysAccessesSession = false
    /// `mapperContextRootRedirectEnabled`: `/app` redirects to `/app/`.
    ///
    /// Default `true`.
    public var redirectsContextRoot = true
    /// `mapperDirectoryRedirectEnabled`.
    ///
    /// Default `false`: the default servlet does it.
    public var redirectsDirectories = false
    /// `useRelativeRedirects`.
    ///
    /// Default `true`.
    public var usesRelativeRedirects = true
    /// `allowMultipleLeadingForwardSlashInPath`.
    ///
    /// Default `false`.
    public var allowsMultipleLeadingSlashes = false
    /// Makes the session manager: `<Manager>`.
    ///
    /// `nil` takes ``StandardSessionManager`` with its defaults.
    public var makeSessionManager: (@Sendable (_ jvmRoute: String?) throws -> any SessionManager)?
    /// `processExpiresFrequency` of the manager: sweeps once in that many background runs.
    ///
    /// Default 6.
    public var processExpiresFrequency = 6

    /// A context.
    public init(path: String) { self.path = path }
}

/// What a `web.xml` says.
///
/// Source: Servlet 6.1 §14.
public struct ApplicationDescriptor: Sendable {
    /// `<servlet>`.
    public struct ServletDeclaration: Sendable {
        /// `<servlet-name>`.
        public var name: String
        /// Makes the servlet that `<servlet-class>` names.
        public var make: @Sendable () throws -> any Servlet
        /// `<init-param>`s.
        public var initParameters: [String: String] = [:]
        /// `<load-on-startup>`; servlets start in this order, those without one last.
        public var loadOnStartup: Int?
        /// A declaration.
        public init(name: String, make: @escaping @Sendable () throws -> any Servlet) {
            self.name = name
            self.make = make
        }
    }

    /// `<filter>`.
    public struct FilterDeclaration: Sendable {
        /// `<filter-name>`.
        public var name: String
        /// Makes the filter that `<filter-class>` names.
        public var make: @Sendable () throws -> any Filter
        /// `<init-param>`s.
        public var initParameters: [String: String] = [:]
        /// A declaration.
        public init(name: String, make: @escaping @Sendable () throws -> any Filter) {
            self.name = name
            self.make = make
        }
    }

    /// `<filter-mapping>`.
    public struct FilterMapping: Sendable, Hashable {
        /// `<filter-name>`.
        public var filterName: String
        /// `<url-pattern>`s.
        public var patterns: [String] = []
        /// `<servlet-name>`s.
        public var servletNames: [String] = []
        /// A mapping.
        public init(filterName: String) { self.filterName = filterName }
    }

    /// `<error-page>`.
    public struct ErrorPage: Sendable, Hashable {
        /// `<error-code>`.
        public var status: Int?
        /// `<exception-type>`.
        public var exceptionType: String?
        /// `<location>`, a path in the application.
        public var location: String
        /// An error page.
        public init(status: Int? = nil, exceptionType: String? = nil, location: String) {
            self.status = status
            self.exceptionType = exceptionType
            self.location = location
        }
    }

    /// `<display-name>`.
    public var displayName: String?
    /// `<context-param>`s, and `<Parameter>`s of the context.
    public var contextParameters: [String: String] = [:]
    /// `<servlet>`s.
    public var servlets: [ServletDeclaration] = []
    /// `<servlet-mapping>`s, as (name, pattern) in order.
    public var servletMappings: [(name: String, pattern: String)] = []
    /// `<filter>`s.
    public var filters: [FilterDeclaration] = []
    /// `<filter-mapping>`s in order.
    public var filterMappings: [FilterMapping] = []
    /// `<listener>`s: makes each listener.
    public var contextListeners: [any ServletContextListener] = []
    /// `<listener>`s that listen to sessions.
    public var sessionListeners: [any HTTPSessionListener] = []
    /// `<welcome-file>`s in order.
    public var welcomeFiles: [String] = []
    /// `<error-page>`s.
    public var errorPages: [ErrorPage] = []
    /// `<mime-mapping>`s: lower-case extension without dot → type.
    public var mimeMappings: [String: String] = [:]
    /// `<session-timeout>`: the outer `nil` means that it is not given; the inner that sessions never expire.
    public var sessionTimeout: Duration??
    /// `<cookie-config>`, on top of the defaults.
    public var sessionCookie: SessionCookieConfiguration?
    /// `<tracking-mode>`s; `nil` where there are none.
    public var trackingModes: Set<SessionTrackingMode>?

    /// An empty descriptor.
    public init() {}
}
