import Logging
import NIOPosix
import ServalKeyStore
import ServalTLS

/// Watches over the certificates of a running server: loads them again when their files change, or are about to expire, warns before they expire, and keeps the gauges.
struct CertificateKeeper: Sendable {
    let connectors: [RunningConnector]
    /// How often certificates that are about to expire are loaded again; nil for never.
    let checkPeriod: Duration?
    let logger: Logger
    let onReload: @Sendable ([CertificateReload]) -> Void

    /// Runs until its task is cancelled.
    func run() async {
        var state = State()
        self.observe(&state)
        var nextCheck = self.checkPeriod.map { ContinuousClock.now + $0 }
        while !Task.isCancelled {
            let wake = min(ContinuousClock.now + self.pause, nextCheck ?? .now + self.pause)
            try? await Task.sleep(until: wake, clock: .continuous)
            if Task.isCancelled { return }
            var renews = false
            if let checkPeriod, let due = nextCheck, due <= .now {
                renews = true
                nextCheck = .now + checkPeriod
            }
            let results = await self.look(renews: renews)
            if !results.isEmpty { self.onReload(results) }
            self.observe(&state)
        }
    }

    /// Files may lie on slow disks, keys in slow tokens.
    private func look(renews: Bool) async -> [CertificateReload] {
        let connectors = self.connectors
        let results = try? await NIOThreadPool.singleton.runIfActive {
            connectors.compactMap { $0.lookForChanges() ?? (renews ? $0.renewCertificates() : nil) }
        }
        return results ?? []
    }

    private struct State {
        var expiry = ExpiryWatch()
        var gauges = CertificateGauges()
    }

    private var pause: Duration {
        let shortest = self.connectors.compactMap { $0.certificates?.watchInterval }.min()
        return min(shortest ?? .seconds(60), .seconds(60))
    }

    private func observe(_ state: inout State) {
        let certificates = self.connectors.flatMap { $0.certificates?.presented ?? [] }
        state.gauges.show(certificates, self.connectors.flatMap { $0.certificates?.revocationFacts ?? [] })
        for notice in state.expiry.notices(for: certificates, at: KeyStore.millisecondsNow() / 1000) { self.tell(notice) }
    }

    private func tell(_ notice: ExpiryWatch.Notice) {
        let metadata: Logger.Metadata = ["serval.certificate": "\(notice.certificate)"]
        if notice.days < 0 {
            self.logger.error("a certificate has expired: clients refuse it", metadata: metadata)
        } else if notice.threshold <= 1 {
            self.logger.error("a certificate expires within a day", metadata: metadata)
        } else {
            self.logger.warning("a certificate expires in \(notice.days) days", metadata: metadata)
        }
    }
}
