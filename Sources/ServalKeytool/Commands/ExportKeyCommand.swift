import Glibc
import ServalKeyStore

/// `-exportkey`: writes a private key as PEM, encrypted unless that is refused, which the JDK's tool cannot.
enum ExportKeyCommand: Command {
    static let name = "-exportkey"
    static let summary = "Exports a private key as PEM"
    static let options: [OptionDescription] = [
        .alias, .outputFile, .keyPassword, OptionDescription(.destkeypass, "arg", "password to encrypt the exported key with"),
        OptionDescription(.nocrypt, nil, "do not encrypt the exported key"),
        OptionDescription(.chain, nil, "write the certificate chain behind the key"),
        .keyStore, .storePassword, .storeType, .verbose,
    ]

    static func run(in session: Session) throws {
        let isClear = session.options.has(.nocrypt)
        if let password = session.options[.destkeypass] {
            guard !isClear else { throw Failure.illegalArgument("-destkeypass and -nocrypt exclude each other") }
            guard password.utf16.count >= 6 else { throw Failure.error("Key password must be at least 6 characters") }
        }
        let opened = try KeyStoreOpening(session, for: .changing).open()
        let key = try opened.privateKey(alias: session.alias, in: session)
        let password = isClear ? nil : try session.options[.destkeypass] ?? askPassword(session.console)
        var text: String
        do {
            text = try key.pemText(password: password)
        } catch {
            throw Failure(error)
        }
        if session.options.has(.chain), case .privateKey(let entry)? = opened.store[session.alias]?.content {
            text += entry.certificateChain.map(\.pemText).joined()
        }
        guard let file = session.options[.file] else { return session.console.print(text: text) }
        // A file that was open to others must not show the key for a moment; a new one is its owner's from the start.
        var status = stat()
        if stat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG { chmod(file, 0o600) }
        try OutputFile(path: file).write(Array(text.utf8), isSecret: true)
        session.console.print(error: "Private key stored in file <\(file)>\(isClear ? ", not encrypted" : "")")
    }

    private static func askPassword(_ console: Console) throws -> String {
        for _ in 0..<3 {
            guard let password = console.askPassword("Enter password for the exported key:  "), password.utf16.count >= 6 else {
                console.print(error: "Key password is too short - must be at least 6 characters")
                continue
            }
            if console.askPassword("Re-enter new password: ") == password { return password }
            console.print(error: "They don't match. Try again")
        }
        throw Failure.error("Too many failures - key not exported")
    }
}
