import Logging
import Synchronization

/// What is logged, for tests to look at: level and message, then metadata.
final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])

    /// A logger that writes here, from the level info on.
    var logger: Logger { Logger(label: "serval.tests") { _ in Handler(lines: self) } }

    var all: [String] { self.lines.withLock { $0 } }

    /// How many lines have `words` in them.
    func count(_ words: String) -> Int { self.all.count { $0.contains(words) } }

    private struct Handler: LogHandler {
        let lines: LogLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { self.metadata[key] }
            set { self.metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let facts = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
            self.lines.lines.withLock { $0.append("\(event.level) \(event.message)\(facts)") }
        }
    }
}
