import Logging
public import ServalServlet
import Synchronization

/// Runs an application at a path.
public final class Context: Sendable {
    private enum Phase: Sendable {
        case stopped
        case running(RunningContext)
        case failed
    }

    /// The context path; `""` for the root.
    public let path: String
    private let definition: ContextDefinition
    private let directory: HostDirectory
    private let jvmRoute: String?
    private let siblings: SiblingSessions
    private let logger: Logger
    private let phase = Mutex(Phase.stopped)
    private let backgroundRuns = Atomic<Int>(0)

    init(_ definition: ContextDefinition, directory: HostDirectory, jvmRoute: String?, siblings: SiblingSessions, logger: Logger) {
        self.path = definition.path
        self.definition = definition
        self.directory = directory
        self.jvmRoute = jvmRoute
        self.siblings = siblings
        self.logger = logger
    }

    /// The application's context; `nil` unless it runs.
    public var servletContext: ServletContext? { self.running?.servletContext }

    /// The manager of the application's sessions; `nil` unless it runs.
    public var sessionManager: (any SessionManager)? { self.running?.sessions.manager }

    /// Whether the application runs and answers requests.
    public var isRunning: Bool { self.running != nil }

    var running: RunningContext? {
        self.phase.withLock { phase in
            if case .running(let running) = phase { return running }
            return nil
        }
    }

    /// Whether the application was stopped, in contrast to one that did not start: answers 503, not 404.
    var isPaused: Bool {
        self.phase.withLock { phase in
            if case .stopped = phase { return true }
            return false
        }
    }

    // MARK: Life cycle

    /// Starts the application: registers what it consists of, tells its listeners, starts filters and the servlets that load on start.
    ///
    /// A failure is logged with its cause; the context then answers 404. Starting a running context does nothing.
    public func start() async {
        guard self.running == nil else { return }
        do {
            let starter = ContextStarter(
                definition: self.definition,
                directory: self.directory,
                jvmRoute: self.jvmRoute,
                siblings: self.siblings,
                logger: self.logger
            )
            let running = try await starter.start()
            self.phase.withLock { $0 = .running(running) }
        } catch {
            self.phase.withLock { $0 = .failed }
            self.logger.error(
                "context \(self.displayPath) of host \(self.directory.name) did not start and answers 404: \(LogText.escaped("\(error)"))"
            )
        }
    }

    /// Stops the application: servlets, filters, listeners and sessions, in the reverse order of their start.
    public func stop() async {
        let running = self.phase.withLock { phase -> RunningContext? in
            defer { phase = .stopped }
            if case .running(let running) = phase { return running }
            return nil
        }
        await running?.stop()
    }

    /// Ends sessions whose time is over, once in `processExpiresFrequency` calls.
    func processBackground() async {
        guard let running = self.running else { return }
        let run = self.backgroundRuns.add(1, ordering: .relaxed).newValue
        if run % max(1, self.definition.processExpiresFrequency) == 0 { await running.sessions.manager.processExpires() }
    }

    /// What operators call the application: the last part of its folder's path, or its name in Swift.
    var documentBaseName: String {
        self.definition.documentRoot?.split(separator: "/").last.map { String($0) } ?? self.definition.application?.name ?? ""
    }

    private var displayPath: String { self.path.isEmpty ? "\"\"" : self.path }
}
