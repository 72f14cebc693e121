import ServalKeyStore

/// `-genseckey`: makes a secret key, or with an algorithm of the PBE family keeps a password.
enum GenerateSecretKeyCommand: Command {
    static let name = "-genseckey"
    static let summary = "Generates a secret key"
    static let options: [OptionDescription] =
        [.alias, .keyPassword, .keyAlgorithm, .keySize, .keyStore, .storePassword, .storeType] + OptionDescription.providers
        + [.verbose, .protected]

    static func run(in session: Session) throws {
        try run(in: session, defaultAlgorithm: nil)
    }

    static func run(in session: Session, defaultAlgorithm: String?) throws {
        let alias = session.alias
        let size = try session.number(.keysize)
        var opened = try KeyStoreOpening(session, for: .creating).open()
        guard let algorithm = session.options[.keyalg] ?? defaultAlgorithm else { throw Failure.error("The -keyalg option must be specified.") }
        guard opened.token == nil else { throw Failure.unsupportedOperation(TokenStore.noSecretKeys) }
        guard opened.store[alias] == nil else { throw Failure.error("Secret Key not generated, alias <\(alias)> already exists") }
        let key = try algorithm.uppercased().hasPrefix("PBE") ? passwordKey(algorithm, in: session) : makeKey(algorithm, size: size, in: session)
        let password = try opened.passwordForNewKey(alias: alias, in: session)
        try opened.check(canHold: key, password: password)
        if !StoredPassword.isDefaultProtection(algorithm) { try StoredPassword.checkProtection(algorithm, in: opened.store.format) }
        opened.store.set(KeyStore.Entry(.secretKey(SecretKeyEntry(key: key, password: password))), alias: alias)
        try opened.save(in: session)
        opened.warnAboutFormat(in: session)
    }

    private static func makeKey(_ algorithm: String, size: Int?, in session: Session) throws -> SecretKey {
        let kind = try SecretKeyKind(algorithm: algorithm, size: size)
        session.console.print(error: "Generated \(JavaText.grouped(kind.bits))-bit \(kind.name) secret key")
        return kind.generate()
    }

    private static func passwordKey(_ algorithm: String, in session: Session) throws -> SecretKey {
        let key = try StoredPassword.ask(in: session.console)
        if session.isVerbose {
            let name = StoredPassword.isDefaultProtection(algorithm) ? "PBE" : key.algorithm
            session.console.print(error: "Generated \(name) secret key")
        }
        return key
    }
}
