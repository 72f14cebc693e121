public import Logging
public import ServalContainer
import ServalTLS

/// What a start would find out, without starting.
extension Server {
    /// What would keep a server of this definition from starting, without starting it: key stores, certificates and settings that contradict each other.
    ///
    /// Reads key stores and certificates; uses no network.
    public static func problems(of definition: ServerDefinition, logger: Logger? = nil) -> [String] {
        self.findings(of: definition, logger: logger).filter(\.keepsFromStarting).map(\.description)
    }

    /// Everything that a start of this definition would find out, without starting it: what keeps it from starting, certificates that clients will refuse,
    /// lists that are out of date, settings without effect.
    ///
    /// Reads key stores and certificates; uses no network, so that of OCSP answers only those are known that an earlier start has kept on disk.
    public static func findings(of definition: ServerDefinition, logger: Logger? = nil) -> [ServerFinding] {
        let loggers = ServerLoggers(logger)
        var findings = self.problems(besideTLS: definition, loggers)
        for connector in definition.services.flatMap(\.connectors) {
            guard let tls = connector.tls else { continue }
            do {
                findings += try TLSCheck.withoutStart(tls, of: connector, loggers: loggers).findings
            } catch {
                findings.append(.problem(Self.problem(error, of: connector)))
            }
        }
        return findings
    }

    /// What keeps a server from starting whatever its TLS connectors are like.
    static func problems(besideTLS definition: ServerDefinition, _ loggers: ServerLoggers) -> [ServerFinding] {
        var findings: [ServerFinding] = []
        do {
            _ = try ServerContainer(definition, logger: loggers.container)
        } catch {
            findings.append(.problem("\(error)"))
        }
        if let problem = TLSBackends.problem(withFIPSMode: definition.fipsMode, of: definition.services) { findings.append(.problem(problem)) }
        return findings + definition.services.flatMap(SessionTrackingCheck.problems(of:)).map(ServerFinding.problem)
    }
}
