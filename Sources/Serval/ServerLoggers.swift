import Logging

/// The loggers of a server's parts, by the labels that `logging.properties` can set levels for.
struct ServerLoggers: Sendable {
    let server: Logger
    let container: Logger
    let http: Logger
    let tls: Logger
    let handshake: Logger
    let certificate: Logger

    /// `logger` for everything, so that whoever embeds a server decides; without one, a logger for each part.
    init(_ logger: Logger?) {
        self.server = logger ?? Logger(label: "serval")
        self.container = logger ?? Logger(label: "serval.container")
        self.http = logger ?? Logger(label: "serval.http")
        self.tls = logger ?? Logger(label: "serval.tls")
        self.handshake = logger ?? Logger(label: "serval.tls.handshake")
        self.certificate = logger ?? Logger(label: "serval.tls.certificate")
    }
}
