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

    @Option(name: .customLong("log-format"), help: "How log lines on standard error look: text or json.")
    var logFormat = LogFormat.text

    func run() async throws {
        let directory = self.base.directory
        try directory.requireServerXML()
        let loaded = BaseConfiguration(directory, properties: self.properties.values).load()
        for diagnostic in loaded.diagnostics { printError("\(diagnostic)") }
        // Errors in an application leave out that application; errors in the server's own files leave out the server.
        guard let definition = loaded.server else { throw ExitCode(1) }

        for folder in ["/logs", "/temp", "/work"] { mkdir(directory.path + folder, 0o755) }
        let processFile = try ProcessFile(claiming: directory.processFile)
        defer { processFile.release() }
        ServalLogHandler.bootstrap(format: self.logFormat) { loaded.logging.level(for: $0) }
        signal(SIGPIPE, SIG_IGN)
        OpenFileLimit.raise()
        let server = Server(definition: definition, onReady: { _ in ReadyNotice.send() })
        do {
            try await server.runService()
        } catch let error as ServerStartError {
            for problem in error.problems { printError(problem) }
            processFile.release()
            throw ExitCode(1)
        }
    }
}

extension LogFormat: ExpressibleByArgument {}
