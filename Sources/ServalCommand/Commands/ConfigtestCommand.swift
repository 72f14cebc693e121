import ArgumentParser
import Serval
import ServalConfiguration
import ServalKeyStore
import ServalObservability

/// `serval configtest`.
struct ConfigtestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "configtest",
        abstract: "Check the configuration, key stores and certificates of a base directory without starting; exit code 0 or 1.",
        discussion: """
            Tells what a start would tell, and uses no network. An error is what keeps the server, or an application, from starting; warnings, for example of \
            a certificate that has expired, do not change the exit code.
            """
    )

    @OptionGroup var base: BaseOption
    @OptionGroup var properties: PropertyOption

    func run() throws {
        let directory = self.base.directory
        try directory.requireServerXML()
        let loaded = BaseConfiguration(directory, properties: self.properties.values).load(logFormat: .text)
        for diagnostic in loaded.diagnostics { printError("\(diagnostic)") }
        var problems = loaded.diagnostics.count { $0.severity == .error }
        if let server = loaded.server {
            for finding in Server.findings(of: server) where finding.severity > .info {
                printError("\(finding.severity.rawValue): \(finding)")
                if finding.severity == .error { problems += 1 }
            }
        }
        guard problems == 0 else {
            printError("\(problems == 1 ? "1 error" : "\(problems) errors") in the configuration of \(directory.path)")
            throw ExitCode(1)
        }
        printError("the configuration of \(directory.path) is good")
    }
}
