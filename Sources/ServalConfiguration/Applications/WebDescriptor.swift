import ServalSessions

/// What one `web.xml` says, with places; class names are not looked up yet.
struct WebDescriptor {
    /// A place in a file.
    struct Origin {
        var scope: FileScope
        var element: XMLElement

        /// The attribute that it is about, where there is one.
        var attribute: String?

        func report(_ severity: Diagnostic.Severity, _ message: String, suggestion: String? = nil) {
            let place = self.attribute.flatMap { self.element.attribute($0) }
            self.scope.report(
                severity,
                message,
                at: place?.position ?? self.element.position,
                element: self.element.name,
                attribute: place?.name,
                suggestion: suggestion
            )
        }
    }

    /// A setting of the session cookie, for its place in a file.
    typealias CookieSetting = SessionCookieConfiguration.Problem.Setting

    struct Component {
        var name: String
        /// `nil` for a servlet that is a JSP page.
        var className: String?
        var initParameters: [String: String] = [:]
        var loadOnStartup: Int?
        var isEnabled = true
        var origin: Origin
    }

    struct ServletMapping {
        var name: String
        var pattern: String
        var origin: Origin
    }

    struct FilterMapping {
        var name: String
        var patterns: [String] = []
        var servletNames: [String] = []
        var origin: Origin
    }

    struct ErrorPage {
        var status: Int?
        var exceptionType: String?
        var location: String
    }

    struct Listener {
        var className: String
        var origin: Origin
    }

    /// `<session-config>`; `nil` is what it does not say.
    struct SessionConfiguration {
        /// In minutes; 0 and less never.
        var timeout: Int?
        var cookieName: String?
        var cookieDomain: String?
        var cookiePath: String?
        var isHTTPOnly: Bool?
        var isSecure: Bool?
        var maxAge: Int?
        var cookieAttributes: [String: String] = [:]
        var trackingModes: Set<String> = []
        var origin: Origin?
        /// Where the settings of the cookie stand.
        var cookieOrigins: [CookieSetting: Origin] = [:]

        var saysSomethingAboutCookies: Bool {
            self.cookieName != nil || self.cookieDomain != nil || self.cookiePath != nil || self.isHTTPOnly != nil || self.isSecure != nil
                || self.maxAge != nil
                || !self.cookieAttributes.isEmpty
        }
    }

    /// `<login-config>`.
    struct Login {
        /// `<auth-method>`, in capitals.
        var method: String
        var origin: Origin

        var usesClientCertificates: Bool { self.method == "CLIENT-CERT" || self.method == "CLIENT_CERT" }
    }

    var displayName: String?
    var login: Login?
    /// `<distributable>`.
    var isDistributable = false
    var contextParameters: [String: String] = [:]
    var servlets: [Component] = []
    var servletMappings: [ServletMapping] = []
    var filters: [Component] = []
    var filterMappings: [FilterMapping] = []
    var listeners: [Listener] = []
    var welcomeFiles: [String] = []
    var errorPages: [ErrorPage] = []
    var mimeMappings: [String: String] = [:]
    var session = SessionConfiguration()
    var constraints: [SecurityConstraint] = []
    var constraintOrigins: [Origin] = []
    var deniesUncoveredMethods = false

    /// Adds what the server's `conf/web.xml` says, which is the weaker one: names, patterns, extensions and settings that the application has stay its own.
    mutating func merge(defaults: WebDescriptor) {
        self.displayName = self.displayName ?? defaults.displayName
        self.login = self.login ?? defaults.login
        self.isDistributable = self.isDistributable || defaults.isDistributable
        self.contextParameters.merge(defaults.contextParameters) { own, _ in own }
        let names = Set(self.servlets.map(\.name))
        self.servlets += defaults.servlets.filter { !names.contains($0.name) }
        let patterns = Set(self.servletMappings.map(\.pattern))
        self.servletMappings += defaults.servletMappings.filter { !patterns.contains($0.pattern) }
        let filterNames = Set(self.filters.map(\.name))
        self.filters += defaults.filters.filter { !filterNames.contains($0.name) }
        self.filterMappings += defaults.filterMappings
        let listenerNames = Set(self.listeners.map(\.className))
        self.listeners += defaults.listeners.filter { !listenerNames.contains($0.className) }
        if self.welcomeFiles.isEmpty { self.welcomeFiles = defaults.welcomeFiles }
        for page in defaults.errorPages
        where !self.errorPages.contains(where: { $0.status == page.status && $0.exceptionType == page.exceptionType }) {
            self.errorPages.append(page)
        }
        self.mimeMappings.merge(defaults.mimeMappings) { own, _ in own }
        self.session.merge(defaults: defaults.session)
        self.constraints += defaults.constraints
        self.constraintOrigins += defaults.constraintOrigins
        self.deniesUncoveredMethods = self.deniesUncoveredMethods || defaults.deniesUncoveredMethods
    }
}

extension WebDescriptor.SessionConfiguration {
    mutating func merge(defaults: Self) {
        self.timeout = self.timeout ?? defaults.timeout
        self.cookieName = self.cookieName ?? defaults.cookieName
        self.cookieDomain = self.cookieDomain ?? defaults.cookieDomain
        self.cookiePath = self.cookiePath ?? defaults.cookiePath
        self.isHTTPOnly = self.isHTTPOnly ?? defaults.isHTTPOnly
        self.isSecure = self.isSecure ?? defaults.isSecure
        self.maxAge = self.maxAge ?? defaults.maxAge
        self.cookieAttributes.merge(defaults.cookieAttributes) { own, _ in own }
        if self.trackingModes.isEmpty { self.trackingModes = defaults.trackingModes }
        self.origin = self.origin ?? defaults.origin
        self.cookieOrigins.merge(defaults.cookieOrigins) { own, _ in own }
    }
}
