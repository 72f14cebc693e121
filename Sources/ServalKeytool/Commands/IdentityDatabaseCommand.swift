/// `-identitydb`: was for the identity databases of Java 1.1, of which the JDK 17 finds no entries either; obsolete and not listed.
enum IdentityDatabaseCommand: Command {
    static let name = "-identitydb"
    static let summary = "Imports entries from a JDK 1.1.x-style identity database"
    static let isListed = false
    static let options: [OptionDescription] =
        [.inputFile, .storeType, .keyStore, .storePassword] + OptionDescription.providers + [.verbose]

    static func run(in session: Session) throws {
        let opened = try KeyStoreOpening(session, for: .creating).open()
        if let file = session.options[.file] { _ = try InputFile(path: file).read(limit: 16 << 20) }
        session.console.print(error: "No entries from identity database added")
        opened.warnAboutFormat(in: session)
    }
}
