public import ArgumentParser
import Glibc
import Logging
import Serval
import ServalConfiguration
public import ServalObservability

/// `serval run`.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a server in the foreground.",
        discussion: "SIGTERM and SIGINT finish the requests in progress and stop; SIGHUP reads certificates and keys again."
    )

    @OptionGroup var base: BaseOption
    @OptionGroup var properties: PropertyOption

    @OptionGroup var logging: LogFormatOption

    func run() async throws {
        Server.keepTLSMemory()
        let directory = self.base.directory
        try directory.requireServerXML()
        // Before it is read: what changes meanwhile has changed since.
        let serverXML = ServerFileWatch(directory)
        let loaded = BaseConfiguration(directory, properties: self.properties.values).load(logFormat: self.logging.format)
        for diagnostic in loaded.diagnostics { self.report(diagnostic.severity, "\(diagnostic)") }
        // Errors in an application leave out that application; errors in the server's own files leave out the server.
        guard let definition = loaded.server else { throw ExitCode(1) }

        for folder in ["/logs", "/temp", "/work"] { mkdir(directory.path + folder, 0o755) }
        let processFile = try ProcessFile(claiming: directory.processFile)
        defer { processFile.release() }
        signal(SIGPIPE, SIG_IGN)
        OpenFileLimit.raise()
        let reloadFile = directory.reloadFile
        let server = Server(
            definition: definition,
            onReady: { _ in ReadyNotice.send() },
            onReload: { results in
                guard results.allSatisfy({ $0.trigger == .request }) else { return }
                let hint = serverXML.hint
                if let hint { Logger(label: "serval").notice("\(hint)") }
                // Without the file the log still tells.
                try? ReloadRecord(results, hint: hint).write(to: reloadFile)
            }
        )
        do {
            try await server.runService()
        } catch let error as ServerStartError {
            for problem in error.problems { self.report(.error, problem) }
            throw ExitCode(1)
        }
    }

    /// A line about the configuration: as it is for people, as a line of the log for programs.
    private func report(_ severity: Diagnostic.Severity, _ text: String) {
        guard self.logging.format == .json else { return printError(text) }
        var logger = Logger(label: "serval.configuration")
        // Why a server does not start is told whatever the level.
        logger.logLevel = .trace
        switch severity {
        case .info: logger.info("\(text)")
        case .warning: logger.warning("\(text)")
        case .error: logger.error("\(text)")
        }
    }
}

/// `--log-format`, shared by the commands.
struct LogFormatOption: ParsableArguments {
    @Option(name: .customLong("log-format"), help: "How log lines on standard error look: text or json.")
    var format = LogFormat.text
}

extension LogFormat: ExpressibleByArgument {}
