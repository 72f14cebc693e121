import Logging
import Synchronization

/// Takes what a TLS implementation warns of while it reads a configuration, so that it can be told in another form than as a log line.
///
/// Everything else goes to the log at once, and so does what is said later, for example when a responder is out of service.
final class CollectedWarnings: Sendable {
    private let log: Logger
    /// Nil when it is over.
    private let lines = Mutex<[String]?>([])

    /// - Parameter log: what is not collected goes there.
    init(_ log: Logger) { self.log = log }

    /// The logger for the TLS implementation.
    var logger: Logger {
        var logger = Logger(label: self.log.label) { _ in Handler(collected: self) }
        // Warnings are wanted here even if the log does not want them.
        logger.logLevel = min(self.log.logLevel, .warning)
        return logger
    }

    /// Ends the collection: from now on everything goes to the log.
    ///
    /// - Returns: the warnings, in order.
    func end() -> [String] {
        self.lines.withLock { lines in
            defer { lines = nil }
            return lines ?? []
        }
    }

    private struct Handler: LogHandler {
        let collected: CollectedWarnings
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.warning

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { self.metadata[key] }
            set { self.metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            if event.level >= .warning {
                let isTaken = self.collected.lines.withLock { lines in
                    lines?.append("\(event.message)")
                    return lines != nil
                }
                if isTaken { return }
            }
            self.collected.log.log(level: event.level, event.message, metadata: event.metadata)
        }
    }
}
