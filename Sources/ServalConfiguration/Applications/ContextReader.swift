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
        self.scope.warnOfRepetition(in: element, of: ["Manager", "CookieProcessor"])
        self.apply(attributes, to: &definition)
        for (name, setting) in Self.cookieSettings where attributes.has(name) {
            parts.cookieOrigins[setting] = .init(scope: self.scope, element: element, attribute: name)
        }
        if let name = attributes.nonEmpty("serval.application") { parts.application = (name, attributes) }
        for child in element.children("Parameter") { self.readParameter(child, &parts) }
        if let child = element.child("CookieProcessor") { self.readCookieProcessor(child, &definition, &parts) }
        parts.dataSources.add(element, self.scope)
        if let child = element.child("Manager") {
            var context = self.context
            context.dataSources.add(parts.dataSources)
            parts.manager = ManagerReader(context: context, scope: self.scope).read(child) ?? parts.manager
        }
        for valve in element.children("Valve")
        where valve.attribute("className")?.value.trimmingWhitespace() == SessionValveRegistrations.singleSignOn.className {
            self.scope.report(.warning, "SingleSignOn belongs into <Host>: here it knows one application only", valve)
        }
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
        set("alwaysAccessSession", \.alwaysAccessesSession)
        set("cookies", \.usesCookies)
        set("sessionCookiePathUsesTrailingSlash", \.sessionCookiePathUsesTrailingSlash)
        set("privileged", \.isPrivileged)
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

    private static let cookieSettings: [(String, WebDescriptor.CookieSetting)] = [
        ("sessionCookieName", .name), ("sessionCookieDomain", .domain), ("sessionCookiePath", .path), ("usePartitioned", .partitioned),
    ]

    private func readCookieProcessor(_ element: XMLElement, _ definition: inout ContextDefinition, _ parts: inout ContextParts) {
        let attributes = CheckedAttributes(element, table: .cookieProcessor, scope: self.scope)
        for (name, setting) in [("sameSiteCookies", WebDescriptor.CookieSetting.sameSite), ("partitioned", .partitioned)] where attributes.has(name) {
            parts.cookieOrigins[setting] = .init(scope: self.scope, element: element, attribute: name)
        }
        if let word = attributes.choice("sameSiteCookies") {
            definition.sameSiteCookies = Cookie.SameSite.allCases.first { $0.rawValue.lowercased() == word }
        }
        if let value = attributes.boolean("partitioned") { definition.usesPartitioned = definition.usesPartitioned || value }
    }
}
