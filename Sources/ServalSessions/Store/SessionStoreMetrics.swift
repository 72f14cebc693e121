import Metrics

/// Counts what one application asks its session store, in swift-metrics: `serval_session_store_operations{context,result}`, where `failure` means that the
/// store did not answer, and the timer `serval_session_store_duration{context}` of all of them.
struct SessionStoreMetrics: Sendable {
    private let successes: Counter
    private let failures: Counter
    private let duration: Metrics.Timer

    /// - Parameters:
    ///   - context: the application's name within the store, `/Catalina/localhost/shop`.
    ///   - factory: makes the counters; nil for the process's own.
    init(context: String, factory: (any MetricsFactory)? = nil) {
        let factory = factory ?? MetricsSystem.factory
        func counter(_ result: String) -> Counter {
            Counter(label: "serval_session_store_operations", dimensions: [("context", context), ("result", result)], factory: factory)
        }
        self.successes = counter("success")
        self.failures = counter("failure")
        self.duration = Metrics.Timer(label: "serval_session_store_duration", dimensions: [("context", context)], factory: factory)
    }

    func note(since start: ContinuousClock.Instant, failed: Bool) {
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        self.duration.recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
        (failed ? self.failures : self.successes).increment()
    }
}
