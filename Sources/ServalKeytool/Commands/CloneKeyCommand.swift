import ServalKeyStore

/// `-keyclone`: copies a private key with its chain to another alias; obsolete and not listed, as in the JDK.
enum CloneKeyCommand: Command {
    static let name = "-keyclone"
    static let summary = "Clones a key entry"
    static let isListed = false
    static let options: [OptionDescription] =
        [.alias, .destinationAlias, .keyPassword, .newPassword, .storeType, .keyStore, .storePassword] + OptionDescription.providers + [.verbose]

    static func run(in session: Session) throws {
        let alias = session.alias
        var (opened, destination) = try KeyStoreOpening(session, for: .changing).openAskingForDestination()
        guard let entry = opened.store[alias] else { throw Failure.unknownAlias(alias) }
        guard case .privateKey(let key) = entry.content else {
            throw Failure.error(
                "Alias <\(alias)> references an entry type that is not a private key entry.  "
                    + "The -keyclone command only supports cloning of private key entries"
            )
        }
        guard opened.token == nil else { throw Failure.unsupportedOperation("A key in a token cannot be copied; use -changealias to rename it") }
        guard opened.store[destination] == nil else { throw Failure.destinationExists(destination) }
        let (original, present) = try opened.recovery(in: session).open(alias: alias) { password throws(KeyStoreError) in
            try key.privateKey(password: password)
        }
        var password: String?
        if opened.store.format != .pkcs12 {
            let question = "Enter key password for <\(destination)>\n\t(RETURN if same as for <\(alias)>)"
            let complaint = "Too many failures. Key entry not cloned"
            password = try session.options[.new] ?? session.console.askNewPassword(question, orElse: complaint) ?? present
        }
        let copy = PrivateKeyEntry(key: original, chain: key.certificateChain, password: password)
        opened.store.set(KeyStore.Entry(.privateKey(copy)), alias: destination)
        try opened.save(in: session)
        opened.warnAboutFormat(in: session)
    }
}
