public import Logging
package import NIOCore
import Synchronization

/// How a handshake came out, for those who count.
public enum TLSHandshakeOutcome: Sendable {
    /// It is done.
    case completed(TLSConnectionFacts)
    /// It failed; the host's name is nil if no host had been chosen yet.
    case failed(TLSHandshakeFailure.Cause, hostName: String?)
}

/// Where the handshakes of one connector are told of: one log line for each that fails, and a call for whoever counts them.
///
/// Of each cause at most 20 lines are logged in 10 seconds; one more line says how many were left out. It outlives reloads.
public final class TLSHandshakeReporter: Sendable {
    private let logger: Logger
    private let connector: Mutex<String>
    private let observer: (@Sendable (TLSHandshakeOutcome) -> Void)?
    private let limiter = Mutex(HandshakeFailureLimiter())

    /// Makes a reporter.
    ///
    /// - Parameters:
    ///   - connector: the connector's name in log lines, `https-8443`.
    ///   - logger: gets the lines, at the causes' levels; `serval.tls.handshake` in a server.
    ///   - observer: is called for each handshake on the connection's event loop, so it must not block.
    public init(connector: String, logger: Logger, observer: (@Sendable (TLSHandshakeOutcome) -> Void)? = nil) {
        self.connector = Mutex(connector)
        self.logger = logger
        self.observer = observer
    }

    /// From now on log lines have this name, for a connector whose port the system has chosen.
    package func rename(_ name: String) { connector.withLock { $0 = name } }

    /// A handshake is done.
    package func completed(_ facts: TLSConnectionFacts) { observer?(.completed(facts)) }

    /// A handshake failed; `failure` is called only if there will be a line about it.
    package func failed(
        _ cause: TLSHandshakeFailure.Cause,
        hostName: String?,
        on eventLoop: any EventLoop,
        _ failure: () -> TLSHandshakeFailure
    ) {
        if let observer { observer(.failed(cause, hostName: hostName)) }
        guard isToBeLogged(cause, on: eventLoop) else { return }
        var metadata = failure().metadata
        metadata["connector"] = "\(connector.withLock { $0 })"
        logger.log(level: cause.level, "handshake failed", metadata: metadata)
    }

    private func isToBeLogged(_ cause: TLSHandshakeFailure.Cause, on eventLoop: any EventLoop) -> Bool {
        guard logger.logLevel <= cause.level else { return false }
        switch limiter.withLock({ $0.admit(cause, now: eventLoop.now) }) {
        case .log: return true
        case .leaveOut: return false
        case .summarize(at: let end):
            eventLoop.scheduleTask(deadline: end) { self.summarize(cause) }
            return false
        }
    }

    /// A request was refused because its host belongs to another TLS host than the one that the client connected to (`strictSni`).
    ///
    /// - Parameter client: the client's address and port.
    package func refusedRequest(
        for requestHost: String?,
        over facts: TLSConnectionFacts,
        status: Int,
        client: SocketAddress?,
        on eventLoop: any EventLoop
    ) {
        let cause = TLSHandshakeFailure.Cause.requestForOtherHost
        guard isToBeLogged(cause, on: eventLoop) else { return }
        logger.log(
            level: cause.level,
            "request refused: its host belongs to another TLS host than the server name",
            metadata: [
                "connector": "\(connector.withLock { $0 })", "client": "\(client?.ipAddress ?? "")", "port": "\(client?.port ?? 0)",
                "cause": "\(cause)",
                "status": "\(status)", "sni": "\(facts.serverName ?? "none")", "host": "\(facts.hostName)",
                "request.host": "\(requestHost?.prefix(255) ?? "none")", "request.tls-host": "\(facts.hostNames.hostName(for: requestHost))",
                "setting": "Connector strictSni",
            ]
        )
    }

    /// Tells now what would be told when intervals are over; for the connector's end.
    public func flush() {
        for (cause, leftOut) in limiter.withLock({ $0.finishAll() }) { logSummary(cause, leftOut) }
    }

    private func summarize(_ cause: TLSHandshakeFailure.Cause) { logSummary(cause, limiter.withLock { $0.finish(cause) }) }

    private func logSummary(_ cause: TLSHandshakeFailure.Cause, _ leftOut: Int) {
        guard leftOut > 0 else { return }
        logger.log(
            level: cause.level,
            cause == .requestForOtherHost
                ? "more requests were refused than are shown one by one" : "more handshakes failed than are shown one by one",
            metadata: ["connector": "\(connector.withLock { $0 })", "cause": "\(cause)", "left-out": "\(leftOut)"]
        )
    }
}
