import ServalContainer
import ServalServlet
import ServalSessions

/// Turns a merged `web.xml` into the container's values: looks class names up and applies Tomcat's rules for what is missing.
struct WebDescriptorResolver {
    let context: LoadingContext
    /// The application's own file, for what has no place of its own.
    let scope: FileScope
    let connectors: ServiceConnectors
    let path: String
    /// Where the context's own settings of the session cookie stand.
    let cookieOrigins: [WebDescriptor.CookieSetting: WebDescriptor.Origin]
    /// Whether `<login-config>` or an `SSLAuthenticator` has clients sign in with their certificates.
    let signsInByCertificates: Bool

    func resolve(_ descriptor: WebDescriptor, parameters: [String: (value: String, mayBeOverridden: Bool)], into definition: inout ContextDefinition)
    {
        var result = ApplicationDescriptor()
        result.displayName = descriptor.displayName
        result.contextParameters = parameters.mapValues(\.value).merging(descriptor.contextParameters) { weak, own in own }
        for (name, parameter) in parameters where !parameter.mayBeOverridden { result.contextParameters[name] = parameter.value }
        self.resolveServlets(descriptor, &result)
        self.resolveFilters(descriptor, &result)
        for listener in descriptor.listeners { self.resolve(listener, &result) }
        result.welcomeFiles = descriptor.welcomeFiles
        result.mimeMappings = descriptor.mimeMappings
        result.errorPages = descriptor.errorPages.map { .init(status: $0.status, exceptionType: $0.exceptionType, location: $0.location) }
        self.resolveSession(descriptor.session, &result, definition)
        definition.descriptor = result
        self.addConstraints(descriptor, &definition)
    }

    // MARK: Servlets

    private func resolveServlets(_ descriptor: WebDescriptor, _ result: inout ApplicationDescriptor) {
        let registered = self.context.registry.servlets
        for servlet in descriptor.servlets where servlet.isEnabled {
            let make: @Sendable () throws -> any Servlet
            if let className = servlet.className, let factory = registered[className] {
                make = factory
            } else {
                make = { UnavailableServlet() }
                self.reportMissing(servlet, known: registered.keys.sorted())
            }
            var declaration = ApplicationDescriptor.ServletDeclaration(name: servlet.name, make: make)
            declaration.initParameters = servlet.initParameters
            declaration.loadOnStartup = servlet.loadOnStartup
            result.servlets.append(declaration)
        }
        let names = Set(descriptor.servlets.map(\.name))
        for mapping in descriptor.servletMappings {
            guard names.contains(mapping.name) else {
                mapping.origin.report(
                    .error,
                    "<servlet-mapping> names the servlet \"\(mapping.name)\", which is not declared",
                    suggestion: NearestName.find(mapping.name, among: names.sorted())
                )
                continue
            }
            if result.servlets.contains(where: { $0.name == mapping.name }) {
                result.servletMappings.append((name: mapping.name, pattern: mapping.pattern))
            }
        }
    }

    /// One line; the rest of the application runs, and the servlet answers 404, as in Tomcat.
    private func reportMissing(_ servlet: WebDescriptor.Component, known: [String]) {
        let origin = servlet.origin
        let message: String
        var suggestion: String?
        if let className = servlet.className {
            if KnownClassNames.servlets.contains(className) {
                message = "the servlet class \"\(className)\" is not available yet; the servlet \"\(servlet.name)\" answers 404"
            } else {
                message = "the servlet class \"\(className)\" is not registered; the servlet \"\(servlet.name)\" answers 404"
                suggestion = NearestName.find(className, among: known)
            }
        } else {
            message = "JSP pages cannot run without a JVM; the servlet \"\(servlet.name)\" answers 404"
        }
        let position = (origin.element.child("servlet-class") ?? origin.element).position
        origin.scope.log.append(
            Diagnostic(
                .error,
                file: origin.scope.file,
                line: position.line,
                column: position.column,
                element: "servlet",
                message: message,
                suggestion: suggestion
            ),
            isDecisive: false
        )
    }

    // MARK: Filters and listeners

    private func resolveFilters(_ descriptor: WebDescriptor, _ result: inout ApplicationDescriptor) {
        let registered = self.context.registry.filters
        var leftOut: Set<String> = []
        for filter in descriptor.filters {
            guard let className = filter.className else { continue }
            guard let make = registered[className] else {
                if KnownClassNames.harmlessFilters.contains(className) {
                    filter.origin.report(.warning, "the filter \"\(className)\" is not available yet and is left out")
                    leftOut.insert(filter.name)
                } else {
                    filter.origin.report(
                        .error,
                        "the filter class \"\(className)\" is not registered; without its filters an application is not started",
                        suggestion: NearestName.find(className, among: registered.keys)
                    )
                }
                continue
            }
            var declaration = ApplicationDescriptor.FilterDeclaration(name: filter.name, make: make)
            declaration.initParameters = filter.initParameters
            result.filters.append(declaration)
        }
        for mapping in descriptor.filterMappings where !leftOut.contains(mapping.name) {
            var target = ApplicationDescriptor.FilterMapping(filterName: mapping.name)
            target.patterns = mapping.patterns
            target.servletNames = mapping.servletNames
            result.filterMappings.append(target)
        }
    }

    private func resolve(_ listener: WebDescriptor.Listener, _ result: inout ApplicationDescriptor) {
        guard let factories = self.context.registry.listeners[listener.className] else {
            listener.origin.report(
                .error,
                "the listener class \"\(listener.className)\" is not registered; without its listeners an application is not started",
                suggestion: NearestName.find(listener.className, among: self.context.registry.listeners.keys)
            )
            return
        }
        do {
            for factory in factories {
                switch factory {
                case .context(let make): result.contextListeners.append(try make())
                case .session(let make): result.sessionListeners.append(try make())
                }
            }
        } catch {
            listener.origin.report(.error, "the listener \"\(listener.className)\" cannot be made: \(error)")
        }
    }

    // MARK: Sessions

    private func resolveSession(
        _ session: WebDescriptor.SessionConfiguration,
        _ result: inout ApplicationDescriptor,
        _ definition: ContextDefinition
    ) {
        if let minutes = session.timeout { result.sessionTimeout = .some(minutes > 0 ? .seconds(minutes * 60) : nil) }
        if session.saysSomethingAboutCookies {
            var cookie = SessionCookieConfiguration()
            if let name = session.cookieName, !name.isEmpty { cookie.name = name }
            if let domain = session.cookieDomain, !domain.isEmpty { cookie.domain = domain }
            if let path = session.cookiePath, !path.isEmpty { cookie.path = path }
            // The context's useHttpOnly may switch it on as well; neither switches it off.
            cookie.isHTTPOnly = session.isHTTPOnly ?? false
            if session.isSecure == true { cookie.secure = .always }
            if let seconds = session.maxAge, seconds >= 0 { cookie.maxAge = .seconds(seconds) }
            for (name, value) in session.cookieAttributes { self.apply(attribute: name, value, session, &cookie) }
            result.sessionCookie = cookie
        }
        self.checkCookie(result.sessionCookie ?? SessionCookieConfiguration(), session, definition)
        guard !session.trackingModes.isEmpty else { return }
        let modes = Set(session.trackingModes.compactMap { SessionTrackingMode(rawValue: $0) })
        if modes.contains(.ssl), modes.count > 1 {
            session.origin?.report(.error, "the tracking mode SSL excludes the others; remove it or them")
        } else if modes.contains(.ssl), !self.connectors.hasSecure {
            session.origin?.report(
                .error,
                "the tracking mode SSL needs a connector with SSLEnabled=\"true\", or one with secure=\"true\" behind a proxy and SSLValve"
            )
        }
        result.trackingModes = modes
    }

    private func apply(
        attribute name: String,
        _ value: String,
        _ session: WebDescriptor.SessionConfiguration,
        _ cookie: inout SessionCookieConfiguration
    ) {
        switch name.lowercased() {
        case "samesite":
            guard value.lowercased() != "unset" else { return }
            cookie.sameSite = Cookie.SameSite.allCases.first { $0.rawValue.lowercased() == value.lowercased() }
            if cookie.sameSite == nil {
                session.origin?.report(.error, "the cookie attribute SameSite has to be one of Strict, Lax, None, found \"\(value)\"")
            }
        case "partitioned": cookie.isPartitioned = value.lowercased() == "true"
        default: cookie.additionalAttributes[name] = value
        }
    }

    /// The cookie as the container will put it together; settings of the context are stronger.
    ///
    /// What can never work keeps the application from starting. A cookie that would have to be `Secure` and is only over TLS, because nobody has said
    /// `<secure>`, works there: a warning.
    private func checkCookie(_ configured: SessionCookieConfiguration, _ session: WebDescriptor.SessionConfiguration, _ definition: ContextDefinition)
    {
        var cookie = configured
        if let name = definition.sessionCookieName { cookie.name = name }
        if let domain = definition.sessionCookieDomain { cookie.domain = domain }
        if let path = definition.sessionCookiePath { cookie.path = path }
        cookie.sameSite = cookie.sameSite ?? definition.sameSiteCookies
        cookie.isPartitioned = cookie.isPartitioned || definition.usesPartitioned
        let isSent = session.trackingModes.isEmpty ? definition.usesCookies : session.trackingModes.contains(SessionTrackingMode.cookie.rawValue)
        for problem in cookie.problems(contextPath: self.path) {
            var (message, severity) = (problem.error.message, Diagnostic.Severity.error)
            if problem.error.code == .contradiction {
                guard isSent else { continue }
                if problem.endsWithSecure, session.isSecure == nil, self.connectors.hasSecure {
                    (severity, message) = (.warning, message + " over plain HTTP")
                }
            }
            if let origin = self.origin(of: problem.setting, session, definition) {
                origin.report(severity, message)
            } else {
                self.scope.report(severity, message)
            }
        }
    }

    /// Where the setting stands that counts.
    private func origin(
        of setting: WebDescriptor.CookieSetting,
        _ session: WebDescriptor.SessionConfiguration,
        _ definition: ContextDefinition
    ) -> WebDescriptor.Origin? {
        let (own, described) = (self.cookieOrigins[setting], session.cookieOrigins[setting])
        switch setting {
        case .name, .domain, .path: return own ?? described ?? session.origin
        case .sameSite, .partitioned, .attributes: return described ?? own ?? session.origin
        }
    }

    // MARK: Constraints

    private func addConstraints(_ descriptor: WebDescriptor, _ definition: inout ContextDefinition) {
        guard !descriptor.constraints.isEmpty else { return }
        let signsIn = self.signsInByCertificates
        for (constraint, origin) in zip(descriptor.constraints, descriptor.constraintOrigins) where constraint.roles != nil {
            let patterns = constraint.collections.flatMap(\.patterns).joined(separator: ", ")
            let roles = constraint.roles.map { $0.sorted().joined(separator: ", ") } ?? ""
            if roles.isEmpty || signsIn && SecurityConstraints.admitsEverybody(constraint.roles ?? []) { continue }
            let cause = signsIn ? "nobody has a role yet" : "users cannot sign in yet"
            origin.report(.warning, "\(cause), so what only the roles \(roles) may see answers 403: \(patterns)")
        }
        if signsIn, !self.connectors.verifyClients, !self.connectors.hasSSLValve,
            descriptor.constraints.contains(where: { $0.roles?.isEmpty == false })
        {
            (descriptor.login?.origin ?? descriptor.constraintOrigins.first)?.report(
                .warning,
                "CLIENT-CERT cannot verify anybody: no SSLHostConfig has a caCertificateFile, caCertificatePath or truststoreFile, "
                    + "so what it protects answers 401"
            )
        }
        definition.valves.append(
            ConstraintValve(
                constraints: SecurityConstraints(
                    constraints: descriptor.constraints,
                    deniesUncoveredMethods: descriptor.deniesUncoveredMethods
                ),
                authenticator: signsIn ? ClientCertificateAuthenticator() : nil
            )
        )
    }

    // MARK: Several nodes

    /// TLS sessions have other ids on other nodes, so a session that goes by them is not found there.
    func warnOfReplication(_ descriptor: WebDescriptor, _ manager: ManagerReader.Result?) {
        guard manager?.isReplicated == true || descriptor.isDistributable, descriptor.session.trackingModes == ["SSL"] else { return }
        descriptor.session.origin?.report(
            .warning,
            "the tracking mode SSL and replication do not go together: another node does not know the TLS session. Where nodes share a "
                + "serval.sessionTicketKeyFile and the store of sessions, tickets carry the id along"
        )
    }
}

/// Stands for a servlet whose class is not known.
struct UnavailableServlet: Servlet {
    func respond(to request: Request) async throws -> Response { .error(.notFound, message: "The requested resource is not available") }
}
