import Glibc
import ServalKeyStore
import ServalPKCS11

/// `-importkeystore`: copies one entry or all of them from another store, which may have another format.
enum ImportKeyStoreCommand: Command {
    static let name = "-importkeystore"
    static let summary = "Imports one or all entries from another keystore"
    static let options: [OptionDescription] =
        [
            OptionDescription(.srckeystore, "keystore", "source keystore name"),
            OptionDescription(.destkeystore, "keystore", "destination keystore name"),
            OptionDescription(.srcstoretype, "type", "source keystore type"),
            OptionDescription(.deststoretype, "type", "destination keystore type"),
            OptionDescription(.srcstorepass, "arg", "source keystore password"),
            OptionDescription(.deststorepass, "arg", "destination keystore password"),
            OptionDescription(.srcprotected, nil, "source keystore password protected"),
            OptionDescription(.destprotected, nil, "destination keystore password protected"),
            OptionDescription(.srcprovidername, "name", "source keystore provider name"),
            OptionDescription(.destprovidername, "name", "destination keystore provider name"),
            OptionDescription(.srcalias, "alias", "source alias"),
            .destinationAlias,
            OptionDescription(.srckeypass, "arg", "source key password"),
            OptionDescription(.destkeypass, "arg", "destination key password"),
            .noPrompt,
        ] + OptionDescription.providers.dropFirst() + [.verbose]

    static func run(in session: Session) throws {
        let opening = KeyStoreOpening(session, for: .creating, passwordQuestion: "Enter destination keystore password:  ")
        try opening.checkOptions()
        try checkSourceType(session.options)
        guard let path = session.options[.srckeystore] else { throw Failure.error("Please specify -srckeystore") }
        var status = stat()
        if stat(path, &status) == 0, status.st_size == 0 { throw Failure.error("Source keystore file exists, but is empty: \(path)") }
        if isSameFile(path, opening.path) { return try migrate(path, opening, in: session) }

        session.console.print(error: "Importing keystore \(path) to \(opening.path)...")
        let opened = try opening.open()
        var entries = EntryImport(session: session, source: try SourceKeyStore(path: path, in: session), destination: opened)
        try entries.run()
        try entries.destination.save(in: session)
        entries.destination.warnAboutFormat(in: session)
    }

    /// Makes the store anew in its own place, and keeps the old one under another name.
    private static func migrate(_ path: String, _ opening: KeyStoreOpening, in session: Session) throws {
        let lock = StoreLock(path: path)
        defer { withExtendedLifetime(lock) {} }
        let version = FileVersion(path: path)
        let source = try SourceKeyStore(path: path, in: session)
        guard let password = source.password ?? session.options[.storepass] else {
            throw Failure.error("The password of the keystore is needed to migrate it")
        }
        var entries = EntryImport(session: session, source: source, destination: try opening.replacement(password: password, of: version))
        try entries.run()
        let backup = try keepOriginal(source)
        try entries.destination.save(in: session)
        entries.destination.warnAboutFormat(in: session)
        let (old, new) = (source.store.format.rawValue, entries.destination.store.format.rawValue)
        session.warnings.append(
            old == new
                ? "The original keystore \"\(path)\" is backed up as \"\(backup)\"..."
                : "Migrated \"\(path)\" to \(new). The \(old) keystore is backed up as \"\(backup)\"."
        )
    }

    /// Writes the bytes that were read to the first free name of `.old`, `.old2`, …, as private as the store is.
    private static func keepOriginal(_ source: SourceKeyStore) throws -> String {
        var status = stat()
        let mode = stat(source.path, &status) == 0 ? status.st_mode & 0o777 : 0o600
        for number in 1...9999 {
            let name = source.path + ".old" + (number == 1 ? "" : String(number))
            if try OutputFile(path: name).create(source.bytes, mode: mode) { return name }
        }
        throw Failure.error("Too many backups of \(source.path): remove some of the files that end in .old and a number")
    }

    private static func checkSourceType(_ options: Options) throws {
        let isURI = options[.srckeystore].map(PKCS11Reference.isURI) == true
        guard isURI || options[.srcstoretype]?.uppercased() == "PKCS11" else { return }
        guard isURI || options[.srckeystore] == "NONE" else { throw Failure.usage("-keystore must be NONE if -storetype is PKCS11\n") }
        guard isURI || options[.addprovider] != nil || options[.providerclass] != nil else {
            throw Failure.exception(javaClass: "java.security.KeyStoreException", message: "PKCS11 not found")
        }
        throw Failure.exception(
            javaClass: "java.security.KeyStoreException",
            message: "Keys do not leave a PKCS#11 token; export a certificate of it with -exportcert"
        )
    }

    private static func isSameFile(_ first: String, _ second: String) -> Bool {
        var (one, other) = (stat(), stat())
        guard stat(first, &one) == 0, stat(second, &other) == 0 else { return first == second }
        return one.st_dev == other.st_dev && one.st_ino == other.st_ino
    }
}
