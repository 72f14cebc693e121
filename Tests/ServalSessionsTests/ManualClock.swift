import Logging
import Synchronization

@testable import ServalSessions

/// A clock that goes when it is told to.
final class ManualClock: Sendable {
    private let milliseconds = Mutex<Int64>(1_700_000_000_000)

    var now: Timestamp { Timestamp(millisecondsSince1970: self.milliseconds.withLock { $0 }) }

    func advance(by duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self.milliseconds.withLock { $0 += seconds * 1000 + attoseconds / 1_000_000_000_000_000 }
    }
}

/// Writes down what it hears.
final class RecordingListener: HTTPSessionListener, HTTPSessionAttributeListener {
    let name: String
    let log: EventLog

    init(_ name: String = "", log: EventLog) {
        self.name = name
        self.log = log
    }

    func sessionCreated(_ session: HTTPSession) async { self.log.append("\(self.name)created") }

    func sessionDestroyed(_ session: HTTPSession, reason: SessionEndReason) async {
        self.log.append("\(self.name)destroyed \(reason) visits=\(session[Visits.self].map(String.init) ?? "none") valid=\(session.isValid)")
    }

    func sessionIDChanged(_ session: HTTPSession, from oldID: SessionID) async {
        self.log.append("\(self.name)changed \(oldID == session.id ? "not" : "really")")
    }

    func attributeAdded(_ event: HTTPSessionAttributeEvent) { self.log.append("added \(event.name)=\(Self.text(event))") }
    func attributeReplaced(_ event: HTTPSessionAttributeEvent) { self.log.append("replaced \(event.name)=\(Self.text(event))") }
    func attributeRemoved(_ event: HTTPSessionAttributeEvent) { self.log.append("removed \(event.name)=\(Self.text(event))") }

    private static func text(_ event: HTTPSessionAttributeEvent) -> String { event.value.map { "\($0)" } ?? "bytes" }
}

final class EventLog: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { self.lines.withLock { $0 } }

    func append(_ line: String) { self.lines.withLock { $0.append(line) } }

    /// Writes here, each line with its level.
    var logger: Logger { Logger(label: "test") { _ in Lines(log: self) } }

    private struct Lines: LogHandler {
        let log: EventLog
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { self.metadata[key] }
            set { self.metadata[key] = newValue }
        }
        func log(event: LogEvent) { self.log.append("\(event.level) \(event.message)") }
    }
}

enum Visits: SessionAttributeKey {
    typealias Value = Int
    static let name = "visits"
}

enum Cart: SessionAttributeKey {
    typealias Value = [String]
    static let name = "cart"
}

/// Shares its name with another key by mistake.
enum VisitsAsText: SessionAttributeKey {
    typealias Value = String
    static let name = "visits"
}

final class Counter: Sendable {
    private let count = Atomic(0)

    var value: Int { self.count.load(ordering: .sequentiallyConsistent) }

    @discardableResult
    func add(_ number: Int) -> Int { self.count.wrappingAdd(number, ordering: .sequentiallyConsistent).newValue }
}
