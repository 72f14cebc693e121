public import ServalContainer
public import ServalServlet
public import ServalSessions

/// Finds the component that a class name in a configuration file means.
///
/// Knows Tomcat's names and Serval's own; applications add theirs before the configuration is loaded:
///
/// ```swift
/// var registry = ComponentRegistry()
/// registry.register(servlet: "com.example.Foo") { FooServlet() }
/// ```
///
/// A component's life: made by its factory from its attributes, which checks them and throws for what is wrong; then started and stopped by the container.
/// Registering a name again replaces what it meant.
public struct ComponentRegistry: Sendable {
    /// Makes a valve from its attributes.
    public typealias ValveFactory = @Sendable (ComponentAttributes) throws -> any Valve

    struct ValveRegistration: Sendable {
        var table: AttributeTable?
        var make: ValveFactory
    }

    enum Listener: Sendable {
        case context(@Sendable () throws -> any ServletContextListener)
        case session(@Sendable () throws -> any HTTPSessionListener)
    }

    private(set) var servlets: [String: @Sendable () throws -> any Servlet] = [:]
    private(set) var filters: [String: @Sendable () throws -> any Filter] = [:]
    private(set) var listeners: [String: [Listener]] = [:]
    private(set) var valves: [String: ValveRegistration] = [:]
    private(set) var applications: [String: WebApplication] = [:]
    private(set) var sessionStores: [String: SessionStoreRegistration] = [:]
    /// Tells the time to all session managers; `nil` for the system's clock.
    var sessionClock: (@Sendable () -> Timestamp)?
    private(set) var sessionStoresByScheme: [String: SessionStoreRegistration] = [:]

    /// The names of Tomcat and Serval.
    public init() { self.registerStandardComponents() }

    /// Adds a servlet for `<servlet-class>`; the factory is called once for each servlet of each application.
    public mutating func register(servlet name: String, _ make: @escaping @Sendable () throws -> any Servlet) { self.servlets[name] = make }

    /// Adds a filter for `<filter-class>`.
    public mutating func register(filter name: String, _ make: @escaping @Sendable () throws -> any Filter) { self.filters[name] = make }

    /// Adds a listener of the application's life for `<listener-class>`.
    ///
    /// One name may be a listener of both kinds.
    public mutating func register(contextListener name: String, _ make: @escaping @Sendable () throws -> any ServletContextListener) {
        self.listeners[name, default: []].append(.context(make))
    }

    /// Adds a listener of sessions' lives for `<listener-class>`.
    public mutating func register(sessionListener name: String, _ make: @escaping @Sendable () throws -> any HTTPSessionListener) {
        self.listeners[name, default: []].append(.session(make))
    }

    /// Adds a valve for `<Valve className="…">`.
    ///
    /// - Parameter attributes: its attributes; with a table they are checked, and unknown ones are warned of. Without one the factory sees all of them.
    public mutating func register(valve name: String, attributes: AttributeTable? = nil, _ make: @escaping ValveFactory) {
        self.valves[name] = ValveRegistration(table: attributes, make: make)
    }

    /// Adds an application, which `<Context application="name">` or a folder of that name in a host's `appBase` mounts.
    public mutating func register(application: WebApplication) { self.applications[application.name] = application }

    /// Adds a store for sessions, for `<Store className="…">`.
    ///
    /// - Parameters:
    ///   - attributes: its attributes besides those that all stores have (`serval.secretFile`, `serval.encrypt`).
    ///   - check: finds out early, for `configtest` as well, what is wrong with them.
    public mutating func register(
        sessionStore name: String,
        attributes: AttributeTable,
        check: SessionStoreCheck? = nil,
        _ make: @escaping SessionStoreFactory
    ) {
        self.sessionStores[name] = SessionStoreRegistration(table: attributes, check: check, make: make)
    }

    /// Adds a store for sessions that `connectionURL` chooses by its scheme: `jdbc:mysql`, `redis`.
    ///
    /// See ``register(sessionStore:attributes:check:_:)``.
    public mutating func register(
        sessionStoreScheme scheme: String,
        attributes: AttributeTable,
        check: SessionStoreCheck? = nil,
        _ make: @escaping SessionStoreFactory
    ) {
        self.sessionStoresByScheme[scheme.lowercased()] = SessionStoreRegistration(table: attributes, check: check, make: make)
    }

    /// The tables of an application's own stores, for the reference.
    var ownSessionStoreTables: [AttributeTable] {
        let tables =
            self.sessionStores.keys.sorted().compactMap { self.sessionStores[$0]?.table }
            + self.sessionStoresByScheme.keys.sorted().compactMap { self.sessionStoresByScheme[$0]?.table }
        let known = Set(AttributeTable.all.map(\.summary))
        return tables.filter { !known.contains($0.summary) }
    }

    /// The tables of the valves that have one, for the reference.
    var valveTables: [AttributeTable] { self.valves.keys.sorted().compactMap { self.valves[$0]?.table } }
}

/// What Tomcat has under a name and Serval does not have yet, or never will.
enum KnownClassNames {
    /// Valves that only add something; without them a server does less, and is no less safe.
    static let harmlessValves: Set<String> = Set(
        [
            "ExtendedAccessLogValve", "HealthCheckValve", "JsonAccessLogValve", "JsonErrorReportValve", "ProxyErrorReportValve",
            "StuckThreadDetectionValve", "RequestDumperValve", "RemoteIpValve",
        ].map { "org.apache.catalina.valves." + $0 }
            + [
                "org.apache.catalina.valves.rewrite.RewriteValve",
                "org.apache.catalina.ha.tcp.ReplicationValve", "org.apache.catalina.ha.session.JvmRouteBinderValve",
                "org.apache.catalina.ha.authenticator.ClusterSingleSignOn",
            ]
    )

    /// Valves that keep somebody out; leaving one of these out would open what it closes, so it is an error.
    static let protectiveValves: Set<String> = Set(
        ["RemoteAddrValve", "RemoteCIDRValve", "RemoteHostValve", "SemaphoreValve", "ParallelRequestLimitValve"].map {
            "org.apache.catalina.valves." + $0
        }
            + ["BasicAuthenticator", "DigestAuthenticator", "FormAuthenticator", "SSLAuthenticator", "SpnegoAuthenticator", "NonLoginAuthenticator"]
            .map {
                "org.apache.catalina.authenticator." + $0
            }
    )

    /// Filters that only add convenience; others that are missing keep an application from starting.
    static let harmlessFilters: Set<String> = Set(
        [
            "AddDefaultCharsetFilter", "ExpiresFilter", "RequestDumperFilter", "SetCharacterEncodingFilter", "WebdavFixFilter", "FailedRequestFilter",
            "SessionInitializerFilter",
        ].map { "org.apache.catalina.filters." + $0 }
    )

    /// Servlets that Tomcat ships.
    static let servlets: Set<String> = [
        "org.apache.catalina.servlets.CGIServlet", "org.apache.catalina.servlets.WebdavServlet", "org.apache.catalina.ssi.SSIServlet",
        "org.apache.catalina.manager.StatusManagerServlet",
        "org.apache.catalina.manager.JMXProxyServlet", "org.apache.catalina.manager.host.HostManagerServlet",
        "org.apache.catalina.manager.host.HTMLHostManagerServlet",
    ]

    /// `<Listener>`s of server.xml that are accepted.
    static let listeners: Set<String> = Set(
        [
            "AprLifecycleListener", "OpenSSLLifecycleListener", "JreMemoryLeakPreventionListener", "ThreadLocalLeakPreventionListener",
            "JniLifecycleListener",
        ].map {
            "org.apache.catalina.core." + $0
        }
            + ["ContextNamingInfoListener", "PropertiesRoleMappingListener"].map { "org.apache.catalina.core." + $0 }
            + ["SecurityListener", "TLSCertificateReloadListener"].map { "org.apache.catalina.security." + $0 }
            + ["VersionLoggerListener", "UserConfig", "ContextConfig", "HostConfig", "EngineConfig"].map { "org.apache.catalina.startup." + $0 }
            + [
                "org.apache.catalina.mbeans.GlobalResourcesLifecycleListener", "org.apache.catalina.mbeans.ServerLifecycleListener",
                "org.apache.catalina.mbeans.JmxRemoteLifecycleListener", "org.apache.catalina.storeconfig.StoreConfigLifecycleListener",
                "org.apache.catalina.core.JasperListener", "org.apache.catalina.ha.backend.HeartbeatListener",
            ]
    )

    static let standardManager = "org.apache.catalina.session.StandardManager"
    static let disabledManager = "serval.session.DisabledManager"
    static let persistentManager = "org.apache.catalina.session.PersistentManager"
    /// Managers that are taken as the standard one.
    static let otherManagers: Set<String> = ["org.apache.catalina.ha.session.DeltaManager", "org.apache.catalina.ha.session.BackupManager"]

    /// Stores whose `connectionURL` tells what they are.
    static let databaseStores: Set<String> = [
        "org.apache.catalina.session.JDBCStore", "org.apache.catalina.session.DataSourceStore", "serval.session.DatabaseStore",
    ]
    /// Kinds of databases that a server may have been built without.
    static let databaseSchemes: Set<String> = ["jdbc:mysql", "jdbc:mariadb", "jdbc:postgresql", "jdbc:sqlite", "redis", "rediss"]
    static let fileStore = "org.apache.catalina.session.FileStore"

    static let sessionIDGenerators: Set<String> = [
        "org.apache.catalina.util.StandardSessionIdGenerator", "org.apache.catalina.util.SessionIdGenerator",
        "org.apache.catalina.SessionIdGenerator",
    ]
}
