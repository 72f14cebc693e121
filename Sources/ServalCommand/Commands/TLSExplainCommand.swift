import ArgumentParser
import Serval
import ServalConfiguration
import ServalObservability

/// `serval tls explain`.
struct TLSExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Show which TLS host, certificate and settings a client would get, and why.",
        discussion: """
            Reads the configuration, key stores and certificates as they are now, as a start would; a server that runs may have older ones in use. \
            Uses no network. The exit code is 1 if the server would not start, as with configtest.
            """
    )

    @OptionGroup var base: BaseOption
    @OptionGroup var properties: PropertyOption

    @Option(help: ArgumentHelp("The server name that the client asks for; without it, a client that sends none.", valueName: "name"))
    var sni: String?

    @Option(help: "Only the connector with this port.")
    var port: Int?

    @Flag(help: "Write JSON.")
    var json = false

    func run() throws {
        let directory = self.base.directory
        try directory.requireServerXML()
        let loaded = BaseConfiguration(directory, properties: self.properties.values).load(logFormat: .text)
        // Those that configtest tells, too.
        for diagnostic in loaded.diagnostics where diagnostic.severity != .info { printError("\(diagnostic)") }
        guard let definition = loaded.server else { throw ExitCode(1) }
        var explanations: [TLSExplanation] = []
        var hasProblems = false
        for result in Server.explainTLS(of: definition, serverName: self.sni, port: self.port) {
            switch result {
            case .success(let explanation): explanations.append(explanation)
            case .failure(let error):
                hasProblems = true
                for problem in error.problems { printError("error: \(problem)") }
            }
        }
        if explanations.isEmpty, !hasProblems {
            if let port = self.port { throw CommandFailure("no TLS connector has the port \(port)") }
            printError("\(directory.path) has no TLS connector")
        }
        if self.json {
            print(TLSExplanationText.json(explanations))
        } else {
            print(explanations.map(TLSExplanationText.text).joined(separator: "\n"))
        }
        if hasProblems { throw ExitCode(1) }
    }
}
