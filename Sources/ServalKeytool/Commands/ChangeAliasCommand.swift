import ServalKeyStore

/// `-changealias`: gives an entry another name.
enum ChangeAliasCommand: Command {
    static let name = "-changealias"
    static let summary = "Changes an entry's alias"
    static let options: [OptionDescription] =
        [.alias, .destinationAlias, .keyPassword, .keyStore, .cacerts, .storePassword, .storeType] + OptionDescription.providers
        + [.verbose, .protected]

    static func run(in session: Session) throws {
        let alias = session.alias
        var (opened, destination) = try KeyStoreOpening(session, for: .changing).openAskingForDestination()
        guard opened.store[destination] == nil else { throw Failure.destinationExists(destination) }
        guard var entry = opened.store[alias] else { throw Failure.unknownAlias(alias) }
        // The key moves as it is; who renames it has to know its password all the same, as in the JDK.
        if opened.store.format != .pkcs12 { _ = try opened.recovery(in: session).content(of: entry, alias: alias) }
        entry.creationDate = KeyStore.millisecondsNow()
        opened.store.set(entry, alias: destination)
        opened.store.remove(alias: alias)
        try opened.save(in: session)
        opened.warnAboutFormat(in: session)
    }
}

extension KeyStoreOpening {
    /// Opens the store, after asking for the new alias if no option gives it.
    func openAskingForDestination() throws -> (opened: OpenKeyStore, destination: String) {
        var destination = session.options[.destalias]
        let opened = try open {
            destination = destination ?? session.console.ask("Enter destination alias name:  ")
            guard destination?.isEmpty == false else { throw Failure.error("Must specify destination alias") }
        }
        return (opened, destination ?? "")
    }
}

extension Failure {
    /// The alias that an entry should get is taken.
    static func destinationExists(_ alias: String) -> Failure {
        .error("Destination alias <\(alias)> already exists")
    }
}
