import Logging
import ServalContainer
import ServalKeyStore
import ServalTLS
import Synchronization

/// The keys and certificates of one TLS connector, and how they are replaced while it runs.
final class ConnectorCertificates: Sendable {
    /// What new connections use.
    let context: TLSContextReference
    private let configuration: TLSEndpointConfiguration
    private let definition: ConnectorDefinition
    private let backend: any TLSBackend
    private let files: WatchedFiles
    private let loggers: ServerLoggers
    /// What was found at the start.
    private let findings: [ServerFinding]
    private struct State {
        var schedule: ReloadSchedule
        /// Nil if no listener looks at when certificates end.
        var expiring: ExpiringCertificates?
    }

    /// Held while loading, so that the newest load is the last one.
    private let state: Mutex<State>

    /// Loads them.
    ///
    /// - Parameter daysBefore: of the listener that loads certificates again before they expire; nil if there is none.
    /// - Throws: `TLSError` with path and cause.
    init(
        _ configuration: TLSEndpointConfiguration,
        of definition: ConnectorDefinition,
        daysBefore: Int?,
        loggers: ServerLoggers
    ) throws(TLSError) {
        self.configuration = configuration
        self.definition = definition
        self.loggers = loggers
        self.files = WatchedFiles(configuration)
        // Looked at before they are read: what changes while they are read is seen later.
        self.state = Mutex(State(schedule: ReloadSchedule(self.files.look()), expiring: daysBefore.map(ExpiringCertificates.init(daysBefore:))))
        let check = try TLSCheck(configuration, of: definition, loggers: loggers)
        self.backend = check.backend
        self.context = TLSContextReference(check.context)
        self.findings = check.findings
    }

    /// Tells what the connector presents and what is to be said about it, once it listens.
    func tellOfStart(connector: String) {
        // Several names of sslImplementationName may mean the same one.
        self.loggers.tls.info("TLS implementation [\(self.backend.name)] for [\(connector)]")
        self.log(self.context.current, connector)
        self.tell(self.findings, connector)
    }

    /// How often the files are to be looked at; nil = never.
    var watchInterval: Duration? { self.files.paths.isEmpty ? nil : self.configuration.fileWatchInterval }

    /// What the hosts present now.
    var presented: [PresentedCertificate] { self.context.current.hostDescriptions.flatMap(\.certificates) }

    /// How fresh what the hosts know about revocation is now.
    var revocationFacts: [TLSRevocationFacts] { self.context.current.revocationFacts }

    /// Loads everything again; on failure the old stays.
    ///
    /// Blocks: reads files, may ask tokens.
    func reload(_ trigger: CertificateReload.Trigger, connector: String) -> CertificateReload {
        self.state.withLock { state in
            state.schedule.noteLoad(of: self.files.look())
            let (result, warnings) = self.load(trigger, connector: connector)
            if let error = result.error { state.schedule.noteFailure(error.code) }
            self.tell(result, warnings)
            return result
        }
    }

    /// Looks at the files, and loads them again if they have changed and are quiet.
    ///
    /// - Returns: what came of it; nil if nothing was loaded, or if a certificate still waits for its key.
    func look(connector: String) -> CertificateReload? {
        self.state.withLock { state in
            guard state.schedule.see(self.files.look()) == .load else { return nil }
            let (result, warnings) = self.load(.fileChange, connector: connector)
            if let error = result.error {
                if state.schedule.failed(error.code) == .pending {
                    self.loggers.tls.notice(
                        "a key and its certificate do not belong together yet; waiting for the other one",
                        metadata: ["serval.connector": "\(connector)", "serval.cause": "\(error)"]
                    )
                    return nil
                }
            } else {
                state.schedule.loaded()
            }
            self.tell(result, warnings)
            return result
        }
    }

    /// Loads everything again if one of the certificates expires soon.
    ///
    /// - Returns: what came of it; nil if none does.
    func renew(connector: String) -> CertificateReload? {
        self.state.withLock { state in
            let now = KeyStore.millisecondsNow() / 1000
            guard state.expiring?.near(self.presented, at: now).isEmpty == false else { return nil }
            state.schedule.noteLoad(of: self.files.look())
            let (result, warnings) = self.load(.expiry, connector: connector)
            if let error = result.error {
                state.schedule.noteFailure(error.code)
                self.tell(result, [], isNews: state.expiring?.isNews(error.message) ?? true)
                return result
            }
            let isNews = !result.replacement.added.isEmpty || !result.replacement.otherChanges.isEmpty
            self.tell(result, isNews ? warnings : [], isNews: isNews)
            for certificate in state.expiring?.stillNear(self.presented, at: now) ?? [] {
                self.loggers.tls.warning(
                    "a certificate that expires soon was loaded again, and its files still have the same end: renew it",
                    metadata: ["serval.connector": "\(connector)", "serval.certificate": "\(certificate)"]
                )
            }
            return result
        }
    }

    /// - Returns: what came of it, and what the TLS implementation warned of.
    private func load(_ trigger: CertificateReload.Trigger, connector: String) -> (CertificateReload, warnings: [String]) {
        var result = CertificateReload(connector: connector, trigger: trigger, replacement: CertificateReplacement(from: [], to: []))
        let collected = CollectedWarnings(self.loggers.tls)
        do {
            result.replacement = try self.context.reload(self.configuration, backend: self.backend, logger: collected.logger)
            self.log(self.context.current, connector)
        } catch {
            result.error = error
        }
        TLSMetrics.shared.reloaded(result.error == nil, connector: connector)
        return (result, collected.end())
    }

    /// Tomcat's lines about what the hosts present.
    private func log(_ context: any TLSServerContext, _ connector: String) {
        for certificate in context.hostDescriptions.flatMap(\.certificates) {
            certificate.log(connector: connector, to: self.loggers.certificate)
        }
        for line in context.summary { self.loggers.tls.debug("\(line)") }
    }

    /// - Parameter isNews: without, it is told to those who look closely only.
    private func tell(_ result: CertificateReload, _ warnings: [String], isNews: Bool = true) {
        var metadata: Logger.Metadata = ["serval.connector": "\(result.connector)", "serval.trigger": "\(result.trigger.rawValue)"]
        if let error = result.error {
            metadata["serval.cause"] = "\(error.origin.map { "\($0): " } ?? "")\(error)"
            return self.loggers.tls.log(level: isNews ? .error : .debug, "certificates not reloaded, the old ones stay in use", metadata: metadata)
        }
        self.loggers.tls.log(level: isNews ? .notice : .debug, "certificates reloaded", metadata: metadata)
        for certificate in result.replacement.added {
            self.loggers.tls.info("new certificate in use", metadata: ["serval.certificate": "\(certificate)"])
        }
        for change in result.replacement.otherChanges {
            self.loggers.tls.log(level: isNews ? .info : .debug, "changed by the reload", metadata: ["serval.change": "\(change)"])
        }
        let added = result.replacement.added.flatMap { ServerFinding.about($0, of: self.definition) }
        self.tell(warnings.map { ServerFinding(warning: $0, of: self.definition) } + added, result.connector)
    }

    /// Logs what an operator should know, as bad as it is.
    private func tell(_ findings: [ServerFinding], _ connector: String) {
        for var finding in findings {
            // With the port that the system has chosen.
            finding.connector = connector
            switch finding.severity {
            case .info: break
            case .warning: self.loggers.tls.warning("\(finding)")
            case .error: self.loggers.tls.error("\(finding)")
            }
        }
    }
}
