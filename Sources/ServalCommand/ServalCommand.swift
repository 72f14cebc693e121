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
            ReloadCommand.self, VersionCommand.self,
        ]
    )
}
