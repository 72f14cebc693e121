import ArgumentParser

/// `serval tls`.
struct TLSCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tls",
        abstract: "Tell about the TLS connectors of a base directory.",
        subcommands: [TLSExplainCommand.self]
    )
}
