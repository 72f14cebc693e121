import ArgumentParser
import Glibc
import Serval

/// The `serval` command.
@main
struct ServalCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serval",
        abstract: "A web application server: TLS connectors, sessions and servlets, with Tomcat's configuration files.",
        version: ServalVersion.description,
        subcommands: [
            RunCommand.self, InitCommand.self, ConfigtestCommand.self, StartCommand.self, StopCommand.self, StatusCommand.self,
            ReloadCommand.self, TLSCommand.self, VersionCommand.self,
        ]
    )

    /// Runs the command line; the parser takes `-Dname=value` for one long name, so it gets two words.
    static func main() async {
        let arguments = CommandLine.arguments.dropFirst().flatMap { argument in
            argument.hasPrefix("-D") && argument.utf8.count > 2 ? ["-D", String(argument.dropFirst(2))] : [argument]
        }
        do {
            var command = try self.parseAsRoot(arguments)
            if var asynchronous = command as? any AsyncParsableCommand { try await asynchronous.run() } else { try command.run() }
            self.leave(0)
        } catch {
            let code = self.exitCode(for: error)
            let text = self.fullMessage(for: error)
            if !text.isEmpty { code.isSuccess ? print(text) : printError(text) }
            self.leave(code.rawValue)
        }
    }

    /// Ends the process without exit handlers: those of libraries take away what other threads, which may be about to end themselves, still use.
    private static func leave(_ status: Int32) -> Never {
        _ = Server.endTokens()
        fflush(nil)
        _exit(status)
    }
}
