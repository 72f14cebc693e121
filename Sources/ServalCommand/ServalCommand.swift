import ArgumentParser

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
        await self.main(arguments)
    }
}
