public import Logging
import NIOCore
import NIOPosix
public import ServalContainer
public import ServalServlet
public import ServiceLifecycle
import Synchronization
import UnixSignals

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A server that runs until it is asked to stop.
///
/// A swift-service-lifecycle `Service`: it can be run alone with ``runService()`` or as one of an application's services.
public final class Server: Service {
    private let definition: ServerDefinition
    private let loggers: ServerLoggers
    private let drainTime: Duration
    private let onReady: @Sendable (_ server: Server) -> Void
    private let onReload: @Sendable ([CertificateReload]) -> Void
    private let connectors = Mutex<[RunningConnector]>([])
    private let isStopping = Atomic<Bool>(false)

    /// A server with `applications` mounted at their paths.
    ///
    /// - Parameters:
    ///   - logger: gets everything that is logged; `nil` for one logger for each part, `serval.http` for example.
    ///   - onReady: called once when all connectors listen.
    ///   - onReload: called each time when certificates were loaded again or could not be, with one result for each connector concerned; on any thread,
    ///     and not on an event loop.
    public convenience init(
        configuration: ServerConfiguration,
        applications: [WebApplication],
        logger: Logger? = nil,
        onReady: @escaping @Sendable (_ server: Server) -> Void = { _ in },
        onReload: @escaping @Sendable ([CertificateReload]) -> Void = { _ in }
    ) {
        self.init(definition: configuration.definition(applications: applications), logger: logger, onReady: onReady, onReload: onReload)
    }

    /// A server from a definition, such as the one that ``ConfigurationLoader`` reads from Tomcat's files.
    ///
    /// - Parameters:
    ///   - logger: gets everything that is logged; `nil` for one logger for each part, `serval.http` for example.
    ///   - drainTime: how long requests in progress may go on when the server is asked to stop. Default 30 s.
    ///   - onReady: called once when all connectors listen.
    ///   - onReload: called each time when certificates were loaded again or could not be, with one result for each connector concerned; on any thread,
    ///     and not on an event loop.
    public init(
        definition: ServerDefinition,
        logger: Logger? = nil,
        drainTime: Duration = .seconds(30),
        onReady: @escaping @Sendable (_ server: Server) -> Void = { _ in },
        onReload: @escaping @Sendable ([CertificateReload]) -> Void = { _ in }
    ) {
        self.definition = definition
        self.loggers = ServerLoggers(logger)
        self.drainTime = drainTime
        self.onReload = onReload
        self.onReady = onReady
    }

    /// The ports of the connectors, in the order of their definition; empty before the server is ready.
    public var localPorts: [Int] { self.connectors.withLock { $0.compactMap(\.connector.localPort) } }

    /// Reads the certificates and keys of all TLS connectors again.
    ///
    /// New connections use them; a connector whose new ones cannot be used keeps its old ones and says why in the log. Reads files: do not call it on
    /// an event loop.
    ///
    /// - Returns: What came of it, for each TLS connector; nothing once the server stops.
    @discardableResult
    public func reloadCertificates() -> [CertificateReload] {
        guard !self.isStopping.load(ordering: .acquiring) else { return [] }
        let results = self.connectors.withLock { $0 }.compactMap { $0.reloadCertificates(.request) }
        self.onReload(results)
        return results
    }

    /// Starts the applications and connectors, and serves until the task is asked to stop gracefully, is cancelled, or the shutdown command comes.
    ///
    /// - Throws: ``ServerStartError`` with every connector that could not be started.
    public func run() async throws {
        let start = ContinuousClock.now
        let eventLoopGroup = MultiThreadedEventLoopGroup(numberOfThreads: UsableProcessors.count)
        do {
            try await self.serve(on: eventLoopGroup, since: start)
        } catch {
            try? await eventLoopGroup.shutdownGracefully()
            throw error
        }
        try await eventLoopGroup.shutdownGracefully()
    }

    /// Runs with the usual signals: SIGTERM and SIGINT drain and stop, a second one ends the process at once; SIGHUP reloads certificates.
    public func runService() async throws {
        let reload = CertificateReloadService(server: self)
        let group = ServiceGroup(
            configuration: .init(
                services: [
                    .init(service: reload, successTerminationBehavior: .ignore),
                    .init(service: ImpatientStopService(logger: self.loggers.server), successTerminationBehavior: .ignore),
                    .init(service: self, successTerminationBehavior: .gracefullyShutdownGroup),
                ],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: Logger(label: "serval.lifecycle") { _ in SwiftLogNoOpLogHandler() }
            )
        )
        try await group.run()
    }

    /// The name and version of the TLS implementation that connectors use by default.
    public static var tlsImplementation: String {
        (try? TLSBackends.backend(named: nil).name) ?? "none"
    }

    private func serve(on eventLoopGroup: MultiThreadedEventLoopGroup, since start: ContinuousClock.Instant) async throws {
        let container = try ServerContainer(self.definition, logger: self.loggers.container)
        let connectors = try self.makeConnectors(for: container, on: eventLoopGroup)
        try await container.start()
        do {
            let problems = container.services.flatMap(SessionTrackingCheck.problems(of:))
            guard problems.isEmpty else { throw ServerStartError(problems: problems) }
            try await self.bind(connectors)
        } catch {
            await self.stop(connectors, gracePeriod: .zero)
            await container.stop()
            throw error
        }
        self.connectors.withLock { $0 = connectors }
        let milliseconds = (ContinuousClock.now - start) / .milliseconds(1)
        self.loggers.server.notice("Server startup in [\(Int(milliseconds.rounded()))] milliseconds")
        self.onReady(self)

        let keeper = CertificateKeeper(
            connectors: connectors,
            checkPeriod: self.definition.certificateReload?.checkPeriod,
            logger: self.loggers.tls,
            onReload: self.onReload
        )
        let keeping = Task { await keeper.run() }
        let counting = Task { await SessionGauges(services: container.services).run() }
        await self.waitForEnd(on: eventLoopGroup)
        self.isStopping.store(true, ordering: .releasing)
        keeping.cancel()
        self.loggers.server.notice("stopping: no new connections, requests in progress go on", metadata: ["serval.drain": "\(self.drainTime)"])
        await self.stop(connectors, gracePeriod: self.drainTime)
        // With what the last requests did.
        counting.cancel()
        await counting.value
        await container.stop()
        self.loggers.server.notice("stopped")
    }

    private func makeConnectors(for container: ServerContainer, on eventLoopGroup: any EventLoopGroup) throws -> [RunningConnector] {
        var connectors: [RunningConnector] = []
        var problems = [TLSBackends.problem(withFIPSMode: self.definition.fipsMode, of: self.definition.services)].compactMap { $0 }
        for service in container.services {
            for definition in service.connectors {
                do {
                    connectors.append(
                        try RunningConnector(
                            definition,
                            handler: service.engine,
                            certificateReload: self.definition.certificateReload,
                            eventLoopGroup: eventLoopGroup,
                            loggers: self.loggers
                        )
                    )
                } catch {
                    problems.append(Self.problem(error, of: definition))
                }
            }
        }
        guard problems.isEmpty else { throw ServerStartError(problems: problems) }
        return connectors
    }

    private func bind(_ connectors: [RunningConnector]) async throws {
        var problems: [String] = []
        var listening: [RunningConnector] = []
        for connector in connectors {
            if let other = listening.first(where: { $0.wouldCollide(with: connector) }) {
                // As Tomcat does: the first serves, the other is told of.
                self.loggers.server.error(
                    "connector left out: another one of this server has the same address and port",
                    metadata: [
                        "serval.connector": "\(connector.name)", "serval.origin": "\(connector.definition.origin ?? "")",
                        "serval.other": "\(other.definition.origin ?? other.name)",
                    ]
                )
                continue
            }
            do {
                try await connector.connector.start()
                listening.append(connector)
                connector.certificates?.tellOfStart(connector: connector.name)
                self.loggers.server.info("connector started", metadata: ["serval.connector": "\(connector.name)"])
            } catch {
                problems.append(Self.problem(error, of: connector.definition))
            }
        }
        guard problems.isEmpty else { throw ServerStartError(problems: problems) }
    }

    /// One line that begins with the place of the setting that is wrong, as exactly as it is known.
    static func problem(_ cause: any Error, of definition: ConnectorDefinition) -> String {
        let connector = "Connector [\(definition.name)]: \(cause)"
        let origin = (cause as? TLSError)?.origin ?? definition.origin
        return origin.map { "\($0): \(connector)" } ?? connector
    }

    /// Returns when the server shall stop.
    private func waitForEnd(on eventLoopGroup: any EventLoopGroup) async {
        let (commands, continuation) = AsyncStream<Void>.makeStream()
        var listener: ShutdownListener?
        if self.definition.shutdownPort >= 0 {
            do {
                listener = try await ShutdownListener(
                    port: self.definition.shutdownPort,
                    address: self.definition.shutdownAddress,
                    command: self.definition.shutdownCommand,
                    eventLoopGroup: eventLoopGroup,
                    logger: self.loggers.server,
                    onShutdown: { continuation.finish() }
                )
            } catch {
                self.loggers.server.warning(
                    "the shutdown port is not available",
                    metadata: ["serval.port": "\(self.definition.shutdownPort)", "serval.cause": "\(error)"]
                )
            }
        }
        await withGracefulShutdownHandler {
            for await _ in commands {}
        } onGracefulShutdown: {
            continuation.finish()
        }
        await listener?.stop()
    }

    /// Drains all connectors at once; a further signal ends the wait.
    private func stop(_ connectors: [RunningConnector], gracePeriod: Duration) async {
        await withTaskGroup { group in
            for connector in connectors {
                group.addTask { await connector.connector.stop(gracePeriod: gracePeriod) }
            }
            await group.waitForAll()
        }
    }
}

/// Ends the process at the second SIGTERM or SIGINT, when whoever sends it does not want to wait for requests in progress.
private struct ImpatientStopService: Service {
    let logger: Logger

    func run() async throws {
        // Not a child of the service, which shall not keep the group from ending; it hears the first signal, too, which the group answers.
        let logger = self.logger
        Task.detached {
            var count = 0
            for await signal in await UnixSignalsSequence(trapping: .sigterm, .sigint) {
                count += 1
                guard count > 1 else { continue }
                logger.notice("stopped at once by a second signal; requests in progress are lost")
                // As the shell tells of a process that a signal has ended. Exit handlers would run beside everything that is still going on.
                fflush(nil)
                _exit(signal == .sigint ? 130 : 143)
            }
        }
        try? await gracefulShutdown()
    }
}
