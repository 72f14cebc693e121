import ServalServlet
import Synchronization

/// A registered servlet: starts it once, before its first request, and passes requests to it.
final class ServletWrapper: Sendable {
    let name: String
    let servlet: any Servlet
    /// Whether the servlet is a ``BlockingServlet``; asked once, because a dynamic cast costs more than many a servlet.
    private let isBlocking: Bool
    private let configuration: ServletConfiguration
    /// Whether ``start()`` has been completed; read without a lock on the way of every request.
    private let isRunning = Atomic<Bool>(false)
    private let starting = Mutex<Task<Void, any Error>?>(nil)

    init(name: String, servlet: any Servlet, configuration: ServletConfiguration) {
        self.name = name
        self.servlet = servlet
        self.isBlocking = servlet is any BlockingServlet
        self.configuration = configuration
    }

    /// Starts the servlet if it is not running.
    ///
    /// Concurrent callers wait for the same start; a later call tries again after a failure.
    func start() async throws {
        let task = self.starting.withLock { starting in
            if let starting { return starting }
            let task = Task {
                do {
                    try await self.servlet.start(self.configuration)
                    self.isRunning.store(true, ordering: .releasing)
                } catch {
                    self.starting.withLock { $0 = nil }
                    throw error
                }
            }
            starting = task
            return task
        }
        do {
            try await task.value
        } catch {
            throw ServletStartError(servletName: self.name, cause: error)
        }
    }

    /// Stops the servlet if it was started.
    func stop() async {
        guard self.isRunning.exchange(false, ordering: .acquiringAndReleasing) else { return }
        await self.servlet.stop()
        self.starting.withLock { $0 = nil }
    }

    /// The servlet, if it is running and may be called where the caller runs; `nil` if ``respond(to:filters:)`` has more to do.
    var readyServlet: (any Servlet)? { self.isRunning.load(ordering: .acquiring) && !self.isBlocking ? self.servlet : nil }

    func respond(to request: Request, filters: [any Filter]) async throws -> Response {
        guard !filters.isEmpty else { return try await self.respond(to: request) }
        return try await FilterChain(filters: filters[...], servlet: { try await self.respond(to: $0) })(request)
    }

    func respond(to request: Request) async throws -> Response {
        if !self.isRunning.load(ordering: .acquiring) { try await self.start() }
        if self.isBlocking, let executor = request.state.connection.blockingExecutor {
            return try await withTaskExecutorPreference(executor) { try await self.servlet.respond(to: request) }
        }
        return try await self.servlet.respond(to: request)
    }
}

/// A servlet that could not be started; answers 500 and is tried again with the next request, as Tomcat does.
struct ServletStartError: Error, CustomStringConvertible {
    let servletName: String
    let cause: any Error
    var description: String { "servlet \(self.servletName) did not start: \(self.cause)" }
}
