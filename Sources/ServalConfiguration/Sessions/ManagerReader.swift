import ServalContainer
import ServalServlet
import ServalSessions

/// Reads `<Manager>`.
struct ManagerReader {
    let context: LoadingContext
    let scope: FileScope

    func read(_ element: XMLElement) -> Result? {
        let attributes = CheckedAttributes(element, table: .manager, scope: self.scope, also: ["className"])
        self.scope.checkChildren(of: element, known: ["SessionIdGenerator", "Store"])
        guard self.checkClass(attributes) else { return nil }
        var result = Result(SystemProperties(self.context.properties))
        let className = attributes.nonEmpty("className") ?? KnownClassNames.standardManager
        result.isReplicated = className.hasPrefix("org.apache.catalina.ha.")
        if className == KnownClassNames.disabledManager { result.kind = .disabled }
        if className == KnownClassNames.persistentManager { result.kind = .persistent }
        self.readLimits(attributes, &result)
        self.readFilter(attributes, &result)
        self.warnOfRandomSource(attributes)
        if let frequency = attributes.integer("processExpiresFrequency"), frequency > 0 { result.processExpiresFrequency = frequency }
        if let length = attributes.integer("sessionIdLength") {
            attributes.report(.warning, "sessionIdLength belongs to <SessionIdGenerator> since Tomcat 8; it is obeyed", "sessionIdLength")
            result.idLength = length
        }
        result.encrypts = attributes.boolean("serval.encrypt") ?? false
        switch result.kind {
        case .standard: self.readFile(attributes, element, &result)
        case .persistent: self.readPersistence(attributes, element, &result)
        case .disabled: break
        }
        for child in element.children("SessionIdGenerator") { self.readGenerator(child, &result) }
        self.warnOfLength(result, element)
        return result
    }

    private func checkClass(_ attributes: CheckedAttributes) -> Bool {
        let own: Set<String> = [KnownClassNames.standardManager, KnownClassNames.persistentManager, KnownClassNames.disabledManager]
        guard let name = attributes.nonEmpty("className"), !own.contains(name) else { return true }
        if KnownClassNames.otherManagers.contains(name) {
            attributes.report(
                .warning,
                "the session manager \"\(name)\" is not available yet: sessions stay in the memory of this server",
                "className"
            )
            return true
        }
        attributes.report(
            .error,
            "the session manager \"\(name)\" is not registered",
            "className",
            suggestion: NearestName.find(name, among: KnownClassNames.otherManagers.union(own).sorted())
        )
        return false
    }

    private func readLimits(_ attributes: CheckedAttributes, _ result: inout Result) {
        var configuration = result.configuration
        configuration.maxActiveSessions = attributes.integer("maxActiveSessions") ?? configuration.maxActiveSessions
        configuration.sessionActivityCheck = attributes.boolean("sessionActivityCheck") ?? configuration.sessionActivityCheck
        configuration.sessionLastAccessAtStart = attributes.boolean("sessionLastAccessAtStart") ?? configuration.sessionLastAccessAtStart
        configuration.maxLifetime = attributes.seconds("serval.maxLifetime")
        configuration.maximumSessionsPerPrincipal = attributes.integer("serval.maxSessionsPerPrincipal")
        if attributes.choice("serval.principalSessionLimit") == "reject" { configuration.principalSessionLimit = .reject }
        if let count = attributes.integer("serval.maxNewSessions") { configuration.maximumNewSessions = count < 0 ? nil : count }
        if let bytes = attributes.integer("serval.maxMemory") { configuration.memoryBudget = bytes < 0 ? nil : bytes }
        if let bytes = configuration.memoryBudget, bytes < 10_000 {
            attributes.report(
                .warning,
                "\(bytes) bytes hold no more than some empty sessions; serval.maxMemory=\"-1\" is no limit",
                "serval.maxMemory"
            )
        }
        configuration.evictsAtMaxActiveSessions = attributes.boolean("serval.evictAtMaxActive") ?? configuration.evictsAtMaxActiveSessions
        result.configuration = configuration
    }

    private func readFilter(_ attributes: CheckedAttributes, _ result: inout Result) {
        let names = attributes.nonEmpty("sessionAttributeNameFilter")
        let types = attributes.nonEmpty("sessionAttributeValueClassNameFilter")
        guard names != nil || types != nil else { return }
        let warns = attributes.boolean("warnOnSessionAttributeFilterFailure") ?? false
        do {
            result.configuration.attributeFilter = try SessionAttributeFilter(names: names, types: types, warns: warns)
        } catch {
            let isName = error.message.hasPrefix("sessionAttributeNameFilter")
            attributes.report(.error, error.message, isName ? "sessionAttributeNameFilter" : "sessionAttributeValueClassNameFilter")
        }
    }

    /// `pathname`.
    private func readFile(_ attributes: CheckedAttributes, _ element: XMLElement, _ result: inout Result) {
        for child in element.children("Store") {
            self.scope.report(.warning, "<Store> is ignored: it needs className=\"\(KnownClassNames.persistentManager)\" on its <Manager>", child)
        }
        let persistent = ["maxIdleBackup", "maxIdleSwap", "minIdleSwap", "saveOnRestart", "serval.saveEachRequest", "serval.maxStaleness"]
        for name in persistent where attributes.has(name) {
            attributes.report(.warning, "\"\(name)\" is ignored: it is of \(KnownClassNames.persistentManager)", name)
        }
        guard let pathname = attributes.nonEmpty("pathname") else { return }
        if !pathname.contains("/"), pathname.split(separator: ".").count >= 3 {
            attributes.report(.warning, "pathname is the name of a file, and \"\(pathname)\" looks like a class; did you mean className?", "pathname")
        }
        result.pathname = pathname
        result.pathnameOrigin = .init(scope: self.scope, element: element, attribute: "pathname")
        result.secretFile = Self.secretFile(attributes, base: self.context.base)
    }

    /// The file of `serval.secretFile`; what is wrong with it is in the log.
    static func secretFile(_ attributes: CheckedAttributes, base: String) -> String {
        let path = attributes.path("serval.secretFile", base: base) ?? FilePath.absolute("conf/session-store.key", base: base)
        do {
            try SessionSecret(path: path).check()
        } catch {
            attributes.report(.error, (error as? ConfigurationError)?.message ?? "\(error)", "serval.secretFile")
        }
        return path
    }

    private func readPersistence(_ attributes: CheckedAttributes, _ element: XMLElement, _ result: inout Result) {
        if attributes.has("pathname") {
            attributes.report(.warning, "\"pathname\" is ignored: it is of \(KnownClassNames.standardManager)", "pathname")
        }
        func limit(_ name: String) -> Duration? { attributes.integer(name).flatMap { $0 < 0 ? nil : .seconds($0) } }
        result.idleLimits.maxIdleBackup = limit("maxIdleBackup")
        result.idleLimits.maxIdleSwap = limit("maxIdleSwap")
        result.idleLimits.minIdleSwap = limit("minIdleSwap")
        result.idleLimits.saveOnRestart = attributes.boolean("saveOnRestart") ?? true
        result.savesEachRequest = attributes.boolean("serval.saveEachRequest") ?? false
        result.maximumStaleness = attributes.seconds("serval.maxStaleness") ?? .zero
        let stores = element.children("Store")
        guard let child = stores.first else {
            self.scope.report(.warning, "No Store configured, persistence disabled", element)
            return
        }
        for other in stores.dropFirst() { self.scope.report(.warning, "a <Manager> has one <Store>; this one is ignored", other) }
        result.store = StoreReader(context: self.context, scope: self.scope).read(child, in: attributes)
        if let minimum = result.idleLimits.minIdleSwap, let maximum = result.idleLimits.maxIdleSwap, minimum > maximum {
            attributes.report(.warning, "minIdleSwap is longer than maxIdleSwap: sessions leave memory after minIdleSwap", "minIdleSwap")
        }
    }

    // MARK: Session ids

    private func readGenerator(_ element: XMLElement, _ result: inout Result) {
        let attributes = CheckedAttributes(element, table: .sessionIdGenerator, scope: self.scope, also: ["className"])
        self.warnOfRandomSource(attributes)
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

    /// Names of Java's random sources mean nothing here; those that Java does not know either deserve a line, as in Tomcat.
    private func warnOfRandomSource(_ attributes: CheckedAttributes) {
        let known: [String: Set<String>] = [
            "secureRandomClass": ["java.security.SecureRandom"],
            "secureRandomProvider": ["SUN", "SunPKCS11", "BC", "BCFIPS"],
            "secureRandomAlgorithm": ["SHA1PRNG", "NativePRNG", "NativePRNGBlocking", "NativePRNGNonBlocking", "Windows-PRNG", "DRBG", "PKCS11"],
        ]
        for (name, values) in known.sorted(by: { $0.key < $1.key }) {
            guard let value = attributes.nonEmpty(name), !values.contains(value) else { continue }
            attributes.report(.warning, "\(name) \"\(value)\" is not known; session ids come from the system's random source", name)
        }
    }

    private func warnOfLength(_ result: Result, _ element: XMLElement) {
        if result.idLength < 16 {
            self.scope.report(.warning, "session ids of \(result.idLength) bytes can be guessed; use 16 or more", element)
        }
    }
}

extension ManagerReader {
    /// What becomes of the sessions of a context.
    struct Result {
        enum Kind { case standard, persistent, disabled }

        var kind = Kind.standard
        var configuration = StandardSessionManager.Configuration()
        var idLength = 16
        var route: String?
        var processExpiresFrequency = 6
        /// Whether Tomcat would copy the sessions to other nodes.
        var isReplicated = false
        var pathname: String?
        var pathnameOrigin: WebDescriptor.Origin?
        var secretFile = ""
        var encrypts = false
        var idleLimits = PersistentSessionManager.IdleLimits()
        var savesEachRequest = false
        var maximumStaleness = Duration.zero
        var store: StoreReader.Result?

        init(_ properties: SystemProperties) {
            self.configuration.sessionActivityCheck = properties.activityCheck ?? false
            self.configuration.sessionLastAccessAtStart = properties.lastAccessAtStart ?? false
        }

        /// What system properties say where there is no `<Manager>`; `nil` if they say nothing.
        init?(onlyPropertiesOf properties: PropertyResolver) {
            let properties = SystemProperties(properties)
            guard properties.activityCheck == true || properties.lastAccessAtStart == true else { return nil }
            self.init(properties)
        }

        func apply(
            to definition: inout ContextDefinition,
            at place: SessionPlace,
            name: ContextName,
            hasPersistentValve: Bool,
            files: SessionFileClaims
        ) {
            definition.processExpiresFrequency = self.processExpiresFrequency
            switch self.kind {
            case .disabled: definition.makeSessionManager = { _ in DisabledSessionManager() }
            case .persistent where self.store != nil:
                let plan = self.persistentPlan(place, name, savesEachRequest: self.savesEachRequest || hasPersistentValve)
                definition.makeSessionManager = { try plan.manager(jvmRoute: $0) }
            case .persistent, .standard:
                let plan = self.standardPlan(place, name)
                if let path = plan.path, let problem = files.claim(path, for: plan.namespace) { self.pathnameOrigin?.report(.error, problem) }
                definition.makeSessionManager = { try plan.manager(jvmRoute: $0) }
            }
        }

        private func standardPlan(_ place: SessionPlace, _ name: ContextName) -> StandardManagerPlan {
            StandardManagerPlan(
                ids: SessionIDPlan(length: self.idLength, route: self.route),
                configuration: self.configuration,
                path: self.pathname.map { FilePath.absolute($0, base: place.workDirectory(of: name)) },
                namespace: place.namespace(of: name),
                secret: SessionSecret(path: self.secretFile),
                encrypts: self.encrypts
            )
        }

        private func persistentPlan(_ place: SessionPlace, _ name: ContextName, savesEachRequest: Bool) -> PersistentManagerPlan {
            var configuration = PersistentSessionManager.Configuration()
            configuration.sessions = self.configuration
            configuration.namespace = place.namespace(of: name)
            configuration.mode = savesEachRequest ? .everyRequest(maximumStaleness: self.maximumStaleness) : .whenIdle(self.idleLimits)
            return PersistentManagerPlan(
                ids: SessionIDPlan(length: self.idLength, route: self.route),
                configuration: configuration,
                store: self.store,
                place: place,
                name: name
            )
        }
    }
}
