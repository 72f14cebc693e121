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
    public func start() async { await Self.start([self]) }

    /// Starts applications in their order, and in between, all at once, their session managers: those may have to wait for a database.
    static func start(_ contexts: [Context]) async {
        var starts: [(context: Context, starter: ContextStarter, preparation: Result<ContextStarter.Preparation, any Error>)] = []
        for context in contexts where context.running == nil {
            let starter = context.starter
            do {
                starts.append((context, starter, .success(try await starter.prepare())))
            } catch {
                starts.append((context, starter, .failure(error)))
            }
        }
        let failures = await withTaskGroup(of: (Int, (any Error)?).self) { group in
            for (number, start) in starts.enumerated() {
                guard case .success(let preparation) = start.preparation else { continue }
                group.addTask {
                    do {
                        try await preparation.manager.start()
                        return (number, nil)
                    } catch {
                        return (number, error)
                    }
                }
            }
            return await group.reduce(into: [Int: any Error]()) { $0[$1.0] = $1.1 }
        }
        for (number, start) in starts.enumerated() {
            do {
                let running = try await start.starter.finish(try start.preparation.get(), managerFailure: failures[number])
                start.context.phase.withLock { $0 = .running(running) }
            } catch {
                start.context.didFail(error)
            }
        }
    }

    private var starter: ContextStarter {
        ContextStarter(
            definition: self.definition,
            directory: self.directory,
            jvmRoute: self.jvmRoute,
            siblings: self.siblings,
            logger: self.logger
        )
    }

    private func didFail(_ error: any Error) {
        self.phase.withLock { $0 = .failed }
        self.logger.error("context \(self.displayPath) of host \(self.directory.name) did not start and answers 404: \(LogText.escaped("\(error)"))")
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
