import ServalContainer
import ServalServlet
import ServalSessions

/// Reads one `<Context>` element on top of weaker ones.
struct ContextReader {
    let context: LoadingContext
    let scope: FileScope

    func read(_ element: XMLElement, into definition: inout ContextDefinition, _ parts: inout ContextParts) {
        let attributes = CheckedAttributes(element, table: .context, scope: self.scope)
        let used: Set<String> = ["Manager", "CookieProcessor", "Parameter", "Valve"]
        self.scope.checkChildren(of: element, known: used.union(FileScope.unusedContextParts))
        self.scope.readUnusedContainerParts(of: element)
        self.apply(attributes, to: &definition)
        if let name = attributes.nonEmpty("serval.application") { parts.application = (name, attributes) }
        for child in element.children("Parameter") { self.readParameter(child, &parts) }
        if let child = element.child("CookieProcessor") { self.readCookieProcessor(child, &definition) }
        if let child = element.child("Manager") { parts.manager = ManagerReader(scope: self.scope).read(child) ?? parts.manager }
        let valves = element.children("Valve").filter { !self.readAuthenticator($0, &parts) }
        definition.valves += ValveReader(context: self.context, scope: self.scope).read(valves).valves
    }

    /// `SSLAuthenticator`, which says how users sign in, whatever `<login-config>` says; false for other valves.
    private func readAuthenticator(_ element: XMLElement, _ parts: inout ContextParts) -> Bool {
        guard let name = element.attribute("className"),
            self.scope.resolve(name.value, at: name.position).trimmingWhitespace() == AttributeTable.sslAuthenticator.className
        else { return false }
        _ = CheckedAttributes(element, table: .sslAuthenticator, scope: self.scope)
        parts.signsInByCertificates = true
        return true
    }

    private func apply(_ attributes: CheckedAttributes, to definition: inout ContextDefinition) {
        func set(_ name: String, _ field: WritableKeyPath<ContextDefinition, Bool>) {
            if let value = attributes.boolean(name) { definition[keyPath: field] = value }
        }
        set("cookies", \.usesCookies)
        set("sessionCookiePathUsesTrailingSlash", \.sessionCookiePathUsesTrailingSlash)
        set("useHttpOnly", \.usesHTTPOnly)
        set("usePartitioned", \.usesPartitioned)
        set("validateClientProvidedNewSessionId", \.validatesClientProvidedNewSessionID)
        set("mapperContextRootRedirectEnabled", \.redirectsContextRoot)
        set("mapperDirectoryRedirectEnabled", \.redirectsDirectories)
        set("useRelativeRedirects", \.usesRelativeRedirects)
        set("allowMultipleLeadingForwardSlashInPath", \.allowsMultipleLeadingSlashes)
        definition.sessionCookieName = attributes.nonEmpty("sessionCookieName") ?? definition.sessionCookieName
        definition.sessionCookieDomain = attributes.nonEmpty("sessionCookieDomain") ?? definition.sessionCookieDomain
        definition.sessionCookiePath = attributes.nonEmpty("sessionCookiePath") ?? definition.sessionCookiePath
    }

    private func readParameter(_ element: XMLElement, _ parts: inout ContextParts) {
        let attributes = CheckedAttributes(element, table: .parameter, scope: self.scope)
        guard let name = attributes.nonEmpty("name"), let value = attributes.text("value") else { return }
        parts.parameters[name] = (value, attributes.boolean("override") ?? true)
    }

    private func readCookieProcessor(_ element: XMLElement, _ definition: inout ContextDefinition) {
        let attributes = CheckedAttributes(element, table: .cookieProcessor, scope: self.scope)
        if let word = attributes.choice("sameSiteCookies") {
            definition.sameSiteCookies = Cookie.SameSite.allCases.first { $0.rawValue.lowercased() == word }
        }
        if let value = attributes.boolean("partitioned") { definition.usesPartitioned = definition.usesPartitioned || value }
    }
}

/// Reads `<Manager>`.
struct ManagerReader {
    let scope: FileScope

    /// What becomes of the sessions of a context.
    struct Result {
        var configuration = StandardSessionManager.Configuration()
        var idLength = 16
        var route: String?
        var processExpiresFrequency = 6
        var isDisabled = false
        /// Whether Tomcat would copy the sessions to other nodes.
        var isReplicated = false

        func apply(to definition: inout ContextDefinition) {
            definition.processExpiresFrequency = self.processExpiresFrequency
            guard !self.isDisabled else {
                definition.makeSessionManager = { _ in DisabledSessionManager() }
                return
            }
            let result = self
            definition.makeSessionManager = { jvmRoute in
                var configuration = result.configuration
                configuration.idGenerator = try StandardSessionIDGenerator(length: result.idLength, route: result.route ?? jvmRoute)
                return StandardSessionManager(configuration: configuration)
            }
        }
    }

    func read(_ element: XMLElement) -> Result? {
        let attributes = CheckedAttributes(element, table: .manager, scope: self.scope, also: ["className"])
        self.scope.checkChildren(of: element, known: ["SessionIdGenerator", "Store"])
        guard self.checkClass(attributes) else { return nil }
        var result = Result()
        result.isDisabled = attributes.text("className") == KnownClassNames.disabledManager
        result.isReplicated = attributes.text("className")?.hasPrefix("org.apache.catalina.ha.") ?? false
        result.configuration.maxActiveSessions = attributes.integer("maxActiveSessions") ?? result.configuration.maxActiveSessions
        result.configuration.sessionActivityCheck = attributes.boolean("sessionActivityCheck") ?? result.configuration.sessionActivityCheck
        result.configuration.sessionLastAccessAtStart =
            attributes.boolean("sessionLastAccessAtStart") ?? result.configuration.sessionLastAccessAtStart
        if let frequency = attributes.integer("processExpiresFrequency"), frequency > 0 { result.processExpiresFrequency = frequency }
        if let length = attributes.integer("sessionIdLength") {
            attributes.report(.warning, "sessionIdLength belongs to <SessionIdGenerator> since Tomcat 8; it is obeyed", "sessionIdLength")
            result.idLength = length
        }
        if let pathname = attributes.nonEmpty("pathname"), !pathname.contains("/"), pathname.split(separator: ".").count >= 3 {
            attributes.report(.warning, "pathname is the name of a file, and \"\(pathname)\" looks like a class; did you mean className?", "pathname")
        }
        for child in element.children("Store") {
            self.scope.report(.warning, "stores for sessions are not available yet: sessions stay in memory and end with the server", child)
        }
        for child in element.children("SessionIdGenerator") { self.readGenerator(child, &result) }
        self.warnOfLength(result, element)
        return result
    }

    private func checkClass(_ attributes: CheckedAttributes) -> Bool {
        guard let name = attributes.nonEmpty("className"), name != KnownClassNames.standardManager else { return true }
        if KnownClassNames.otherManagers.contains(name) {
            attributes.report(
                .warning,
                "the session manager \"\(name)\" is not available yet: sessions stay in the memory of this server",
                "className"
            )
            return true
        }
        if name == KnownClassNames.disabledManager { return true }
        let names = KnownClassNames.otherManagers.union([KnownClassNames.standardManager, KnownClassNames.disabledManager])
        attributes.report(
            .error,
            "the session manager \"\(name)\" is not registered",
            "className",
            suggestion: NearestName.find(name, among: names.sorted())
        )
        return false
    }

    private func readGenerator(_ element: XMLElement, _ result: inout Result) {
        let attributes = CheckedAttributes(element, table: .sessionIdGenerator, scope: self.scope, also: ["className"])
        if let name = attributes.nonEmpty("className"), !KnownClassNames.sessionIDGenerators.contains(name) {
            attributes.report(
                .error,
                "the session id generator \"\(name)\" is not registered",
                "className",
                suggestion: NearestName.find(name, among: KnownClassNames.sessionIDGenerators.sorted())
            )
        }
        result.idLength = attributes.integer("sessionIdLength") ?? result.idLength
        guard let route = attributes.nonEmpty("jvmRoute") else { return }
        do {
            _ = try StandardSessionIDGenerator(route: route)
            result.route = route
        } catch {
            attributes.report(.error, error.message, "jvmRoute")
        }
    }

    private func warnOfLength(_ result: Result, _ element: XMLElement) {
        if result.idLength < 16 {
            self.scope.report(.warning, "session ids of \(result.idLength) bytes can be guessed; use 16 or more", element)
        }
    }
}
