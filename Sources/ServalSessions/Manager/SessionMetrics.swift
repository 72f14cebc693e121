public import Metrics

/// Shows in swift-metrics what a session manager counts.
///
/// A manager counts for itself, without cost for whoever uses a session; call ``show(_:)`` every few seconds. A running server does so for its applications.
///
/// | name | kind | what it is |
/// | --- | --- | --- |
/// | `serval_session_active` | gauge | sessions in memory |
/// | `serval_session_created` | counter | sessions made |
/// | `serval_session_expired` | counter | sessions ended by idling, or at the end of their longest life |
/// | `serval_session_rejected` | counter | sessions refused at `maxActiveSessions` |
/// | `serval_session_evicted` | counter | sessions ended to stay within a budget |
///
/// Each has the label `context`. A manager with a store also counts `serval_session_store_operations` and times `serval_session_store_duration`.
public struct SessionMetrics: Sendable {
    private let active: Meter
    private let created: Counter
    private let expired: Counter
    private let rejected: Counter
    private let evicted: Counter
    private var shown = SessionStatistics()

    /// Metrics of one application.
    ///
    /// - Parameters:
    ///   - context: the label, for example `/Catalina/localhost/shop`.
    ///   - factory: makes the metrics; `nil` for the process's own (`MetricsSystem.factory`).
    public init(context: String, factory: (any MetricsFactory)? = nil) {
        let factory = factory ?? MetricsSystem.factory
        func counter(_ name: String) -> Counter {
            Counter(label: "serval_session_\(name)", dimensions: [("context", context)], factory: factory)
        }
        self.active = Meter(label: "serval_session_active", dimensions: [("context", context)], factory: factory)
        self.created = counter("created")
        self.expired = counter("expired")
        self.rejected = counter("rejected")
        self.evicted = counter("evicted")
    }

    /// Brings the metrics up to date.
    ///
    /// Counts that are smaller than last time are those of a new manager, which began with nothing.
    public mutating func show(_ statistics: SessionStatistics) {
        self.active.set(statistics.activeSessions)
        let isNew = statistics.sessionCounter < self.shown.sessionCounter || statistics.expiredSessions < self.shown.expiredSessions
        let before = isNew ? SessionStatistics() : self.shown
        self.created.increment(by: max(0, statistics.sessionCounter - before.sessionCounter))
        self.expired.increment(by: max(0, statistics.expiredSessions - before.expiredSessions))
        self.rejected.increment(by: max(0, statistics.rejectedSessions - before.rejectedSessions))
        self.evicted.increment(by: max(0, statistics.evictedSessions - before.evictedSessions))
        self.shown = statistics
    }
}
