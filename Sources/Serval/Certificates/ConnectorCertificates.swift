import Logging
import ServalKeyStore
import ServalTLS
import Synchronization

/// The keys and certificates of one TLS connector, and how they are replaced while it runs.
final class ConnectorCertificates: Sendable {
    /// What new connections use.
    let context: TLSContextReference
    private let configuration: TLSEndpointConfiguration
    private let backend: any TLSBackend
    private let files: WatchedFiles
    private let port: Int
    private let loggers: ServerLoggers
    /// Held while loading, so that the newest load is the last one.
    private let schedule: Mutex<ReloadSchedule>

    /// Loads them.
    ///
    /// - Throws: `TLSError` with path and cause.
    init(_ configuration: TLSEndpointConfiguration, backend: any TLSBackend, port: Int, loggers: ServerLoggers) throws(TLSError) {
        self.configuration = configuration
        self.backend = backend
        self.port = port
        self.loggers = loggers
        self.files = WatchedFiles(configuration)
        // Looked at before they are read: what changes while they are read is seen later.
        self.schedule = Mutex(ReloadSchedule(self.files.look()))
        self.context = TLSContextReference(try backend.makeServerContext(configuration, logger: loggers.tls))
        self.log(self.context.current)
    }

    /// How often the files are to be looked at; nil = never.
    var watchInterval: Duration? { self.files.paths.isEmpty ? nil : self.configuration.fileWatchInterval }

    /// What the hosts present now.
    var presented: [PresentedCertificate] { self.context.current.hostDescriptions.flatMap(\.certificates) }

    /// Loads everything again; on failure the old stays.
    ///
    /// Blocks: reads files, may ask tokens.
    func reload(_ trigger: CertificateReload.Trigger, connector: String) -> CertificateReload {
        self.schedule.withLock { schedule in
            schedule.noteLoad(of: self.files.look())
            let result = self.load(trigger, connector: connector)
            self.tell(result)
            return result
        }
    }

    /// Looks at the files, and loads them again if they have changed and are quiet.
    ///
    /// - Returns: what came of it; nil if nothing was loaded, or if a certificate still waits for its key.
    func look(connector: String) -> CertificateReload? {
        self.schedule.withLock { schedule in
            guard schedule.see(self.files.look()) == .load else { return nil }
            let result = self.load(.fileChange, connector: connector)
            if let error = result.error {
                if schedule.failed(error.code) == .pending {
                    self.loggers.tls.notice(
                        "a key and its certificate do not belong together yet; waiting for the other one",
                        metadata: ["serval.connector": "\(connector)", "serval.cause": "\(error)"]
                    )
                    return nil
                }
            } else {
                schedule.loaded()
            }
            self.tell(result)
            return result
        }
    }

    private func load(_ trigger: CertificateReload.Trigger, connector: String) -> CertificateReload {
        let old = self.context.current
        var result = CertificateReload(connector: connector, trigger: trigger, replacement: CertificateReplacement(from: [], to: []))
        do {
            let new = try self.backend.makeServerContext(self.configuration, logger: self.loggers.tls)
            let replacement = CertificateReplacement(from: old.hostDescriptions, to: new.hostDescriptions)
            try replacement.check()
            self.context.replace(with: new)
            result.replacement = replacement
            self.log(new)
        } catch {
            result.error = error
        }
        return result
    }

    /// Tomcat's lines about what the hosts present.
    private func log(_ context: any TLSServerContext) {
        // The port that the system will choose is not known yet.
        let name = "https-\(self.port == 0 ? "auto" : "\(self.port)")"
        for certificate in context.hostDescriptions.flatMap(\.certificates) { certificate.log(connector: name, to: self.loggers.certificate) }
        for line in context.summary { self.loggers.tls.debug("\(line)") }
    }

    private func tell(_ result: CertificateReload) {
        TLSMetrics.shared.reloaded(result.error == nil)
        var metadata: Logger.Metadata = ["serval.connector": "\(result.connector)", "serval.trigger": "\(result.trigger.rawValue)"]
        if let error = result.error {
            metadata["serval.cause"] = "\(error.origin.map { "\($0): " } ?? "")\(error)"
            return self.loggers.tls.error("certificates not reloaded, the old ones stay in use", metadata: metadata)
        }
        self.loggers.tls.notice("certificates reloaded", metadata: metadata)
        for certificate in result.replacement.added {
            self.loggers.tls.info("new certificate in use", metadata: ["serval.certificate": "\(certificate)"])
            for finding in certificate.findings() where finding.severity > .info {
                self.loggers.tls.warning("\(finding.message)", metadata: ["serval.certificate": "\(certificate)"])
            }
        }
    }
}
