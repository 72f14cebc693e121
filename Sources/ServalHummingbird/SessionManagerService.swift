#if Hummingbird
    public import ServalSessions
    public import ServiceLifecycle

    /// Starts a session manager with an application, ends expired sessions in the background, and stops it.
    public struct SessionManagerService: Service {
        private let manager: any SessionManager
        private let interval: Duration

        /// A service.
        ///
        /// - Parameter interval: how often expired sessions are looked for. Default 60 seconds, as in Tomcat; until then nobody can use them.
        public init(manager: any SessionManager, interval: Duration = .seconds(60)) {
            self.manager = manager
            self.interval = interval
        }

        /// Runs until the service group shuts down gracefully, or the task is cancelled.
        public func run() async throws {
            try await self.manager.start()
            await cancelWhenGracefulShutdown {
                while !Task.isCancelled {
                    try? await Task.sleep(for: self.interval)
                    guard !Task.isCancelled else { break }
                    await self.manager.processExpires()
                }
            }
            await self.manager.stop()
        }
    }
#endif
