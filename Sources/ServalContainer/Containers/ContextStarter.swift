import Logging
import ServalServlet
import ServalSessions

/// Starts a context step by step; what was started is stopped again if a later step fails.
struct ContextStarter {
    let definition: ContextDefinition
    let directory: HostDirectory
    let jvmRoute: String?
    let siblings: SiblingSessions
    let logger: Logger

    /// An application that has been told of its start, and whose sessions come next.
    struct Preparation: Sendable {
        fileprivate let context: ServletContext
        fileprivate let registry: ServletContext.Registry
        /// Not started.
        let manager: any SessionManager
        fileprivate var undo: [@Sendable () async -> Void]
    }

    /// The first part of a start: what comes before the sessions.
    func prepare() async throws -> Preparation {
        let context = self.makeServletContext()
        try await self.definition.application?.configure(context)
        try self.registerDescriptor(in: context)
        var undo: [@Sendable () async -> Void] = []
        do {
            try await self.tellListeners(of: context, &undo)
            let registry = context.withRegistry { $0 }
            try self.checkTrackingModes(of: context)
            try self.checkCookie(of: context)
            return Preparation(context: context, registry: registry, manager: try self.makeManager(context, registry), undo: undo)
        } catch {
            for step in undo.reversed() { await step() }
            throw error
        }
    }

    /// The second part: what comes after the sessions.
    ///
    /// - Parameter managerFailure: why they did not start.
    func finish(_ preparation: Preparation, managerFailure: (any Error)?) async throws -> RunningContext {
        let (context, registry, manager) = (preparation.context, preparation.registry, preparation.manager)
        var undo = preparation.undo
        do {
            if let managerFailure { throw managerFailure }
            let siblings = self.siblings
            siblings.add(manager)
            undo.append {
                siblings.remove(manager)
                await manager.stop()
            }
            for valve in self.definition.valves {
                try await valve.start()
                undo.append { await valve.stop() }
            }
            for filter in registry.filters {
                try await filter.filter.start(.init(name: filter.name, initParameters: filter.initParameters, context: context))
                undo.append { await filter.filter.stop() }
            }
            if self.definition.isPrivileged {
                for servlet in registry.servlets { (servlet.servlet as? any ContainerServlet)?.attach(to: self.directory) }
            }
            let wrappers = registry.servlets.map { servlet in
                ServletWrapper(
                    name: servlet.name,
                    servlet: servlet.servlet,
                    configuration: .init(name: servlet.name, initParameters: servlet.initParameters, context: context)
                )
            }
            let settings = SessionSettings(definition: self.definition, context: context, manager: manager, siblings: self.siblings)
            let running = try RunningContext(
                definition: self.definition,
                servletContext: context,
                registry: registry,
                wrappers: wrappers,
                sessions: settings,
                undo: undo
            )
            await self.startServlets(wrappers)
            return running
        } catch {
            for step in undo.reversed() { await step() }
            throw error
        }
    }

    // MARK: Registration

    private func makeServletContext() -> ServletContext {
        let descriptor = self.definition.descriptor
        var logger = self.logger
        logger[metadataKey: "context"] = .string(self.definition.path.isEmpty ? "/" : self.definition.path)
        let context = ServletContext(
            path: self.definition.path,
            displayName: descriptor.displayName,
            initParameters: descriptor.contextParameters,
            logger: logger
        )
        context.withRegistry { registry in
            registry.documentRoot = self.definition.documentRoot
            registry.mimeTypes = descriptor.mimeMappings.isEmpty ? MIMETypes.common : descriptor.mimeMappings
            if let timeout = descriptor.sessionTimeout { registry.sessionTimeout = timeout }
            if let cookie = descriptor.sessionCookie {
                registry.sessionCookie = cookie
            } else {
                registry.sessionCookie.isHTTPOnly = self.definition.usesHTTPOnly
            }
            registry.trackingModes = descriptor.trackingModes ?? (self.definition.usesCookies ? [.cookie, .url] : [.url])
        }
        return context
    }

    /// Adds what `web.xml` declares to what the application has registered itself; where both use a name or a pattern, the application wins.
    private func registerDescriptor(in context: ServletContext) throws {
        let descriptor = self.definition.descriptor
        let own = context.withRegistry { $0 }
        try self.registerServlets(in: context, own: own)
        try self.registerFilters(in: context, own: own)
        context.withRegistry { registry in
            registry.contextListeners += descriptor.contextListeners
            registry.sessionListeners += descriptor.sessionListeners
        }
        let registry = context.withRegistry { $0 }
        if registry.documentRoot != nil, !registry.servletMappings.contains(where: { $0.pattern == "/" }) {
            let name = registry.servlets.contains { $0.name == "default" } ? "serval.default" : "default"
            context.addServlet(name, DefaultServlet()).map("/")
        }
    }

    private func registerServlets(in context: ServletContext, own: ServletContext.Registry) throws {
        let descriptor = self.definition.descriptor
        let ownPatterns = Set(own.servletMappings.map(\.pattern))
        var mappings: [String: ServletContext.Mapping] = [:]
        for declaration in descriptor.servlets where !own.servlets.contains(where: { $0.name == declaration.name }) {
            let servlet: any Servlet
            do {
                servlet = try declaration.make()
            } catch {
                servlet = UnavailableServlet(cause: error)
            }
            mappings[declaration.name] = context.addServlet(declaration.name, servlet, initParameters: declaration.initParameters)
        }
        for mapping in descriptor.servletMappings where !ownPatterns.contains(mapping.pattern) {
            if mappings[mapping.name] == nil, let servlet = own.servlets.first(where: { $0.name == mapping.name }) {
                mappings[mapping.name] = context.addServlet(servlet.name, servlet.servlet, initParameters: servlet.initParameters)
            }
            guard let target = mappings[mapping.name] else {
                throw ConfigurationError(
                    code: .unknownName,
                    message: "the servlet mapping of \(mapping.pattern) names the servlet \"\(mapping.name)\", which is not declared"
                )
            }
            target.map(mapping.pattern)
        }
    }

    private func registerFilters(in context: ServletContext, own: ServletContext.Registry) throws {
        let descriptor = self.definition.descriptor
        var mappings: [String: ServletContext.Mapping] = [:]
        for declaration in descriptor.filters where !own.filters.contains(where: { $0.name == declaration.name }) {
            mappings[declaration.name] = context.addFilter(declaration.name, try declaration.make(), initParameters: declaration.initParameters)
        }
        for mapping in descriptor.filterMappings {
            if mappings[mapping.filterName] == nil, let filter = own.filters.first(where: { $0.name == mapping.filterName }) {
                mappings[mapping.filterName] = context.addFilter(filter.name, filter.filter, initParameters: filter.initParameters)
            }
            guard let target = mappings[mapping.filterName] else {
                throw ConfigurationError(
                    code: .unknownName,
                    message: "a filter mapping names the filter \"\(mapping.filterName)\", which is not declared"
                )
            }
            for pattern in mapping.patterns { target.map(pattern) }
            for name in mapping.servletNames { target.map(servletNamed: name) }
        }
    }

    // MARK: Start

    /// What a listener has set as well as what `web.xml` says.
    private func checkTrackingModes(of context: ServletContext) throws(ConfigurationError) {
        guard context.sessionTrackingModes.contains(.ssl), !self.definition.hasSecureConnector else { return }
        throw ConfigurationError(
            code: .incompatibleTrackingModes,
            message: "the tracking mode SSL needs a connector with SSLEnabled=\"true\", or one with secure=\"true\" behind a proxy and SSLValve"
        )
    }

    /// Refuses a session cookie that no browser would send back; one that works over TLS alone is somebody's wish if there is TLS.
    private func checkCookie(of context: ServletContext) throws(ConfigurationError) {
        guard context.sessionTrackingModes.contains(.cookie) else { return }
        let problems = self.definition.effectiveCookie(context.sessionCookie).problems(contextPath: context.path)
            .filter { !($0.endsWithSecure && self.definition.hasSecureConnector) }
        guard !problems.isEmpty else { return }
        throw ConfigurationError(code: .invalidValue, message: problems.map(\.error.message).joined(separator: "; "))
    }

    /// A listener may add further listeners; those hear of the start as well.
    private func tellListeners(of context: ServletContext, _ undo: inout [@Sendable () async -> Void]) async throws {
        var index = 0
        while let listener = context.withRegistry({ index < $0.contextListeners.count ? $0.contextListeners[index] : nil }) {
            try await listener.contextInitialized(context)
            undo.append { await listener.contextDestroyed(context) }
            index += 1
        }
    }

    private func makeManager(_ context: ServletContext, _ registry: ServletContext.Registry) throws -> any SessionManager {
        let manager = try self.definition.makeSessionManager?(self.jvmRoute) ?? self.makeStandardManager()
        manager.defaultMaxInactiveInterval = context.sessionTimeout
        for listener in registry.sessionListeners { manager.addListener(listener) }
        return manager
    }

    private func makeStandardManager() throws -> StandardSessionManager {
        var configuration = StandardSessionManager.Configuration()
        configuration.idGenerator = try StandardSessionIDGenerator(route: self.jvmRoute)
        return StandardSessionManager(configuration: configuration)
    }

    /// Starts the servlets with `<load-on-startup>` of 0 and more, in that order.
    ///
    /// One that fails is logged and tried again by its first request.
    private func startServlets(_ wrappers: [ServletWrapper]) async {
        let declarations = self.definition.descriptor.servlets.filter { ($0.loadOnStartup ?? -1) >= 0 }
        for declaration in declarations.sorted(by: { ($0.loadOnStartup ?? 0) < ($1.loadOnStartup ?? 0) }) {
            guard let wrapper = wrappers.first(where: { $0.name == declaration.name }) else { continue }
            do {
                try await wrapper.start()
            } catch {
                self.logger.error("\(LogText.escaped("\(error)")) (context \(self.definition.path.isEmpty ? "/" : self.definition.path))")
            }
        }
    }
}
