/// Reads one `web.xml`.
///
/// Sources: Servlet 6.1 §14; Tomcat for what is forgiven.
struct WebDescriptorReader {
    let scope: FileScope

    private static let used: Set<String> = [
        "display-name", "context-param", "servlet", "servlet-mapping", "filter", "filter-mapping", "listener", "welcome-file-list", "error-page",
        "mime-mapping", "session-config", "security-constraint", "login-config", "security-role", "deny-uncovered-http-methods", "distributable",
    ]
    private static let accepted: Set<String> = [
        "absolute-ordering", "administered-object", "connection-factory", "data-source", "default-context-path", "description",
        "ejb-local-ref",
        "ejb-ref", "env-entry", "icon", "jms-connection-factory", "jms-destination", "jsp-config", "locale-encoding-mapping-list", "mail-session",
        "message-destination", "message-destination-ref", "module-name", "persistence-context-ref", "persistence-unit-ref", "post-construct",
        "pre-destroy",
        "request-character-encoding", "resource-env-ref", "resource-ref", "response-character-encoding", "service-ref", "taglib",
    ]

    func read(_ element: XMLElement) -> WebDescriptor {
        var descriptor = WebDescriptor()
        self.scope.checkChildren(of: element, known: Self.used.union(Self.accepted))
        let ignored = Set(element.children.map(\.name)).intersection(Self.accepted).subtracting(["description", "icon"])
        if !ignored.isEmpty {
            self.scope.report(.info, "elements of web.xml that have no effect here are ignored: \(ignored.sorted().joined(separator: ", "))", element)
        }
        for child in element.children { self.read(child, into: &descriptor) }
        let sessions = element.children("session-config")
        if let second = sessions.dropFirst().first {
            self.scope.report(.error, "<session-config> element is limited to 1 occurrence", second)
        }
        self.checkMappings(descriptor)
        return descriptor
    }

    private func read(_ child: XMLElement, into descriptor: inout WebDescriptor) {
        switch child.name {
        case "display-name": descriptor.displayName = self.text(child)
        case "context-param": self.readParameter(child, into: &descriptor.contextParameters)
        case "servlet": self.readServlet(child, &descriptor)
        case "servlet-mapping": self.readServletMapping(child, &descriptor)
        case "filter": self.readFilter(child, &descriptor)
        case "filter-mapping": self.readFilterMapping(child, &descriptor)
        case "listener":
            if let name = self.required("listener-class", in: child) {
                descriptor.listeners.append(.init(className: name, origin: .init(scope: self.scope, element: child)))
            }
        case "welcome-file-list":
            for file in child.children("welcome-file") {
                let name = self.text(file)
                if !name.isEmpty { descriptor.welcomeFiles.append(name) }
            }
        case "error-page": self.readErrorPage(child, &descriptor)
        case "mime-mapping":
            if let ending = self.required("extension", in: child), let type = self.required("mime-type", in: child) {
                descriptor.mimeMappings[ending.lowercased()] = type
            }
        case "session-config": SessionConfigurationReader(scope: self.scope).read(child, into: &descriptor.session)
        case "security-constraint":
            if let constraint = SecurityConstraintReader(scope: self.scope).read(child) {
                descriptor.constraints.append(constraint)
                descriptor.constraintOrigins.append(.init(scope: self.scope, element: child))
            }
        case "login-config": self.readLogin(child, &descriptor)
        case "distributable": descriptor.isDistributable = true
        case "deny-uncovered-http-methods": descriptor.deniesUncoveredMethods = true
        default: break
        }
    }

    private func readLogin(_ element: XMLElement, _ descriptor: inout WebDescriptor) {
        self.scope.checkChildren(of: element, known: ["auth-method", "realm-name", "form-login-config"])
        guard descriptor.login == nil else {
            self.scope.report(.error, "<login-config> element is limited to 1 occurrence", element)
            return
        }
        let method = element.child("auth-method").map { self.text($0).uppercased() } ?? ""
        let login = WebDescriptor.Login(method: method, origin: .init(scope: self.scope, element: element))
        if !login.usesClientCertificates {
            self.scope.ignored(element, because: "users cannot sign in yet, but with CLIENT-CERT")
        }
        descriptor.login = login
    }

    // MARK: Servlets and filters

    private func readServlet(_ element: XMLElement, _ descriptor: inout WebDescriptor) {
        guard let name = self.required("servlet-name", in: element) else { return }
        if descriptor.servlets.contains(where: { $0.name == name }) {
            self.scope.report(.error, "there are two servlets with the name \"\(name)\"", element)
            return
        }
        var servlet = WebDescriptor.Component(name: name, origin: .init(scope: self.scope, element: element))
        servlet.className = element.child("servlet-class").map { self.text($0) }
        if servlet.className == nil, element.child("jsp-file") == nil {
            self.scope.report(.error, "the servlet \"\(name)\" has no <servlet-class>", element)
        }
        for parameter in element.children("init-param") { self.readParameter(parameter, into: &servlet.initParameters) }
        if let load = element.child("load-on-startup") {
            let text = self.text(load)
            servlet.loadOnStartup = text.isEmpty ? 0 : Int(text)
            if servlet.loadOnStartup == nil { self.scope.report(.error, "<load-on-startup> has to be a number, found \"\(text)\"", load) }
        }
        servlet.isEnabled = element.child("enabled").map { self.text($0).lowercased() != "false" } ?? true
        descriptor.servlets.append(servlet)
    }

    private func readFilter(_ element: XMLElement, _ descriptor: inout WebDescriptor) {
        guard let name = self.required("filter-name", in: element) else { return }
        if descriptor.filters.contains(where: { $0.name == name }) {
            self.scope.report(.error, "there are two filters with the name \"\(name)\"", element)
            return
        }
        var filter = WebDescriptor.Component(name: name, origin: .init(scope: self.scope, element: element))
        filter.className = self.required("filter-class", in: element)
        for parameter in element.children("init-param") { self.readParameter(parameter, into: &filter.initParameters) }
        descriptor.filters.append(filter)
    }

    private func readServletMapping(_ element: XMLElement, _ descriptor: inout WebDescriptor) {
        guard let name = self.required("servlet-name", in: element) else { return }
        let patterns = element.children("url-pattern").compactMap { self.pattern($0) }
        if element.children("url-pattern").isEmpty { self.scope.report(.error, "<servlet-mapping> for \"\(name)\" has no <url-pattern>", element) }
        for pattern in patterns {
            if let other = descriptor.servletMappings.first(where: { $0.pattern == pattern }) {
                if other.name != name {
                    self.scope.report(
                        .error,
                        "The servlets named [\(other.name)] and [\(name)] are both mapped to the url-pattern [\(pattern)] which is not permitted",
                        element
                    )
                }
                continue
            }
            descriptor.servletMappings.append(.init(name: name, pattern: pattern, origin: .init(scope: self.scope, element: element)))
        }
    }

    private func readFilterMapping(_ element: XMLElement, _ descriptor: inout WebDescriptor) {
        guard let name = self.required("filter-name", in: element) else { return }
        let dispatchers = element.children("dispatcher").map { self.text($0).uppercased() }
        for word in dispatchers where !["REQUEST", "FORWARD", "INCLUDE", "ERROR", "ASYNC"].contains(word) {
            self.scope.report(.error, "<dispatcher> has to be one of REQUEST, FORWARD, INCLUDE, ERROR, ASYNC, found \"\(word)\"", element)
        }
        guard dispatchers.isEmpty || dispatchers.contains("REQUEST") else {
            self.scope.report(
                .warning,
                "the mapping of the filter \"\(name)\" has no effect: filters run for requests only, not for \(dispatchers.joined(separator: ", "))",
                element
            )
            return
        }
        var mapping = WebDescriptor.FilterMapping(name: name, origin: .init(scope: self.scope, element: element))
        mapping.patterns = element.children("url-pattern").compactMap { self.pattern($0) }
        mapping.servletNames = element.children("servlet-name").map { self.text($0) }
        if let index = mapping.servletNames.firstIndex(of: "*") {
            mapping.servletNames.remove(at: index)
            mapping.patterns.append("/*")
        }
        if mapping.patterns.isEmpty, mapping.servletNames.isEmpty {
            self.scope.report(.error, "<filter-mapping> for \"\(name)\" has neither <url-pattern> nor <servlet-name>", element)
        }
        descriptor.filterMappings.append(mapping)
    }

    /// Every mapping needs something to map to; the server's defaults may have it, too, so only filters are checked here.
    private func checkMappings(_ descriptor: WebDescriptor) {
        let filters = Set(descriptor.filters.map(\.name))
        for mapping in descriptor.filterMappings where !filters.contains(mapping.name) {
            mapping.origin.report(
                .error,
                "<filter-mapping> names the filter \"\(mapping.name)\", which is not declared",
                suggestion: NearestName.find(mapping.name, among: filters.sorted())
            )
        }
    }

    // MARK: Error pages

    private func readErrorPage(_ element: XMLElement, _ descriptor: inout WebDescriptor) {
        guard let location = self.required("location", in: element) else { return }
        guard location.hasPrefix("/") else {
            self.scope.report(.error, "the <location> of an error page has to begin with a slash, found \"\(location)\"", element)
            return
        }
        var page = WebDescriptor.ErrorPage(location: location)
        if let code = element.child("error-code") {
            let text = self.text(code)
            guard let status = Int(text), (100...999).contains(status) else {
                self.scope.report(.error, "<error-code> has to be a status code, found \"\(text)\"", code)
                return
            }
            page.status = status
        }
        page.exceptionType = element.child("exception-type").map { self.text($0) }
        descriptor.errorPages.append(page)
    }

    // MARK: Text

    private func readParameter(_ element: XMLElement, into parameters: inout [String: String]) {
        guard let name = self.required("param-name", in: element) else { return }
        guard let value = element.child("param-value") else {
            self.scope.report(.error, "the parameter \"\(name)\" has no <param-value>", element)
            return
        }
        parameters[name] = self.text(value)
    }

    private func pattern(_ element: XMLElement) -> String? { self.scope.urlPattern(element) }

    private func text(_ element: XMLElement) -> String { self.scope.resolve(element.trimmedText, at: element.position) }

    private func required(_ name: String, in element: XMLElement) -> String? {
        guard let child = element.child(name) else {
            self.scope.report(.error, "<\(element.name)> needs <\(name)>", element)
            return nil
        }
        let text = self.text(child)
        guard !text.isEmpty else {
            self.scope.report(.error, "<\(name)> is empty", child)
            return nil
        }
        return text
    }
}

extension FileScope {
    /// The text of a `<url-pattern>`: exact (`/a`), path (`/a/*`), extension (`*.a`), default (`/`) or root (empty).
    ///
    /// Source: Servlet 6.1 §12.2.
    func urlPattern(_ element: XMLElement) -> String? {
        var pattern = self.resolve(element.trimmedText, at: element.position)
        if pattern.isEmpty || pattern.hasPrefix("/") && !pattern.contains("*.") { return self.withoutLineBreaks(pattern, element) }
        if pattern.hasPrefix("*."), pattern.utf8.count > 2, !pattern.contains("/"), !pattern.dropFirst(2).contains("*") {
            return self.withoutLineBreaks(pattern, element)
        }
        if !pattern.hasPrefix("*"), !pattern.contains("*.") {
            self.report(.warning, "the pattern \"\(pattern)\" has no leading slash; \"/\(pattern)\" is taken", element)
            pattern = "/" + pattern
            return self.withoutLineBreaks(pattern, element)
        }
        self.report(.error, "the pattern \"\(pattern)\" is none of /exact, /path/*, *.extension, / and the empty pattern", element)
        return nil
    }

    private func withoutLineBreaks(_ pattern: String, _ element: XMLElement) -> String? {
        guard !pattern.utf8.contains(where: { $0 < 0x20 }) else {
            self.report(.error, "a pattern must not contain line breaks or other control characters", element)
            return nil
        }
        return pattern
    }
}
