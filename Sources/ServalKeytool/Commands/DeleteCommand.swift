import ServalKeyStore

/// `-delete`: removes an entry.
enum DeleteCommand: Command {
    static let name = "-delete"
    static let summary = "Deletes an entry"
    static let options: [OptionDescription] =
        [.alias, .keyStore, .cacerts, .storePassword, .storeType] + OptionDescription.providers + [.verbose, .protected]

    static func run(in session: Session) throws {
        var alias = session.options[.alias] ?? ""
        var opened = try KeyStoreOpening(session, for: .changing).open {
            guard session.options[.alias] == nil else { return }
            alias = session.console.ask("Enter alias name:  ") ?? ""
            guard !alias.isEmpty else { throw Failure.error("Must specify alias") }
        }
        guard opened.store.remove(alias: alias) else { throw Failure.unknownAlias(alias) }
        try opened.save(in: session)
        opened.warnAboutFormat(in: session)
    }
}
