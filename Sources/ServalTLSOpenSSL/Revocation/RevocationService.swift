import NIOCore
public import ServalTLS
import Synchronization

/// What is known about revocation, for all hosts of all connectors, and over reloads.
///
/// Keeps answers of responders until their `nextUpdate`, at most an hour, so that a revocation counts within an hour at the latest; and failures for ten
/// seconds, so that a responder out of service is not asked for each connection. Connections that want to know the same at the same time share one query.
public final class RevocationService: Sendable {
    /// A certificate is its issuer's word for a serial number; hosts with other flags for verification have other words for it.
    struct Key: Hashable, Sendable {
        var issuer: [UInt8]
        var serial: [UInt8]
        var flags: Int
    }

    private struct State {
        var cache: StatusCache<Key>
        var waiting: [Key: [EventLoopPromise<CertificateStatus>]] = [:]
        var staples: [[UInt8]: WeakStaple] = [:]
    }

    private struct WeakStaple { weak var staple: OCSPStaple? }

    /// The longest that an answer is believed, in seconds.
    static let longestLife = 3600
    /// How long a failure is remembered, in seconds.
    static let failureLife = 10
    private let queryLimit: Int
    private let state: Mutex<State>
    let note: @Sendable (TLSRevocationEvent) -> Void

    /// Makes a service that knows nothing yet.
    ///
    /// - Parameters:
    ///   - cacheLimit: The most certificates that something is known about at a time.
    ///   - onEvent: Called on event loops for each thing that is worth counting; must not block.
    public convenience init(cacheLimit: Int = 10_000, onEvent: @escaping @Sendable (TLSRevocationEvent) -> Void = { _ in }) {
        self.init(cacheLimit: cacheLimit, queryLimit: 512, onEvent: onEvent)
    }

    /// - Parameter queryLimit: The most queries at a time.
    package init(cacheLimit: Int = 10_000, queryLimit: Int, onEvent: @escaping @Sendable (TLSRevocationEvent) -> Void = { _ in }) {
        self.queryLimit = queryLimit
        state = Mutex(State(cache: StatusCache(limit: cacheLimit)))
        note = onEvent
    }

    // MARK: Client certificates

    func key(_ query: OCSPQuery) -> Key { Key(issuer: query.issuer.digest, serial: query.certificate.serial, flags: query.verifyFlags) }

    /// What is known without asking.
    func known(_ key: Key) -> CertificateStatus? {
        let now = currentSecond()
        return state.withLock { $0.cache.status(of: key, now: now) }
    }

    /// Asks, or waits for an answer that somebody else has asked for.
    ///
    /// Never fails: `.unproven` says why there is no answer.
    func status(
        _ query: OCSPQuery,
        responders: [ResponderAddress],
        timeout: Duration,
        on loop: any EventLoop
    ) -> EventLoopFuture<CertificateStatus> {
        let key = key(query)
        let promise = loop.makePromise(of: CertificateStatus.self)
        enum Step { case wait, ask, refuse, answer(CertificateStatus) }
        let now = currentSecond()
        let step: Step = state.withLock { state in
            if let status = state.cache.status(of: key, now: now) { return .answer(status) }
            if state.waiting[key] != nil {
                state.waiting[key]?.append(promise)
                return .wait
            }
            guard state.waiting.count < queryLimit else { return .refuse }
            state.waiting[key] = [promise]
            return .ask
        }
        // Somebody else's query may have more time left than this connection has.
        let limit = loop.scheduleTask(in: TimeAmount(timeout) + .milliseconds(50)) {
            promise.succeed(.unproven(.init("no responder has answered in time", label: "timeout")))
        }
        promise.futureResult.whenComplete { _ in limit.cancel() }
        switch step {
        case .wait: break
        case .answer(let status): promise.succeed(status)
        case .refuse: promise.succeed(.unproven(.init("more than \(queryLimit) queries are under way", label: "busy")))
        case .ask:
            OCSPClient(query: query, responders: responders, withNonce: true, timeout: TimeAmount(timeout)).ask(on: loop)
                .whenComplete { self.finish(key, $0) }
        }
        return promise.futureResult
    }

    private func finish(_ key: Key, _ result: Result<OCSPClient.Finding, any Error>) {
        let now = currentSecond()
        let status: CertificateStatus
        let end: Int
        switch result {
        case .success(let finding):
            status = finding.status
            end = min(finding.answer.nextUpdate, now + Self.longestLife)
        case .failure(let error):
            status = .unproven(error as? CertificateStatus.MissingProof ?? .init("\(error)", label: "internal"))
            end = now + Self.failureLife
        }
        let promises = state.withLock { state in
            state.cache.insert(status, for: key, until: end, now: now)
            return state.waiting.removeValue(forKey: key) ?? []
        }
        note(.query(outcome: status.label))
        for promise in promises { promise.succeed(status) }
    }

    // MARK: Own certificates

    /// The one staple of a certificate, made by `make` if there is none yet.
    ///
    /// `make` reads files and verifies signatures, so no lock that event loops take is held meanwhile; of two that are made at the same time one is dropped.
    func staple(of digest: [UInt8], _ make: () -> OCSPStaple) -> OCSPStaple {
        if let present = state.withLock({ $0.staples[digest]?.staple }) { return present }
        let made = make()
        return state.withLock { state in
            if let present = state.staples[digest]?.staple { return present }
            state.staples = state.staples.filter { $0.value.staple != nil }
            state.staples[digest] = WeakStaple(staple: made)
            return made
        }
    }
}

extension OCSPClient.Finding {
    /// What the answer means for a certificate.
    var status: CertificateStatus {
        switch answer.status {
        case .good: .good
        case .unknown: .unproven(.init("\(responder) does not know the certificate", label: "unknown"))
        case .revoked(let time, let reason):
            .revoked("\(responder) says that it is revoked since \(UTCTime.words(time))" + (reason.map { " (reason \($0))" } ?? ""))
        }
    }
}
