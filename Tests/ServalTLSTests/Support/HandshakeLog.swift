import Foundation
import Logging
import ServalTLS
import Synchronization

/// Collects the lines about failed handshakes, and what is counted.
final class HandshakeLog: Sendable {
    struct Line: Sendable {
        var level: Logger.Level
        var message: String
        var fields: [String: String]
    }

    private let collected = Mutex<[Line]>([])
    private let outcomes = Mutex<[TLSHandshakeOutcome]>([])

    var lines: [Line] { collected.withLock { $0 } }
    var counted: [TLSHandshakeOutcome] { outcomes.withLock { $0 } }

    func reporter(_ level: Logger.Level = .trace) -> TLSHandshakeReporter {
        TLSHandshakeReporter(connector: "https-8443", logger: Logger(label: "test", factory: { _ in Handler(log: self, logLevel: level) })) {
            outcome in
            self.outcomes.withLock { $0.append(outcome) }
        }
    }

    /// Waits for that many lines.
    func reaches(_ count: Int) async throws -> [Line] {
        for _ in 0..<1000 where lines.count < count { try await Task.sleep(for: .milliseconds(10)) }
        return lines
    }

    private struct Handler: LogHandler {
        let log: HandshakeLog
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let fields = (event.metadata ?? [:]).mapValues { "\($0)" }
            log.collected.withLock { $0.append(Line(level: event.level, message: "\(event.message)", fields: fields)) }
        }
    }
}
