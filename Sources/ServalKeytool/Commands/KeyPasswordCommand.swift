import ServalKeyStore

/// `-keypasswd`: protects one key with another password, which JKS and JCEKS stores allow.
enum KeyPasswordCommand: Command {
    static let name = "-keypasswd"
    static let summary = "Changes the key password of an entry"
    static let options: [OptionDescription] =
        [.alias, .keyPassword, .newPassword, .keyStore, .storePassword, .storeType] + OptionDescription.providers + [.verbose]

    static func run(in session: Session) throws {
        try refuseTokens(session)
        let alias = session.alias
        var opened = try KeyStoreOpening(session, for: .changing).open()
        guard opened.store.format != .pkcs12, opened.typeName != KeyStoreFormat.pkcs12.rawValue else {
            throw Failure.unsupportedOperation("-keypasswd commands not supported if -storetype is PKCS12")
        }
        guard let entry = opened.store[alias] else { throw Failure.unknownAlias(alias) }
        if case .trustedCertificate = entry.content { throw Failure.error("Alias <\(alias)> has no key") }
        let present = try opened.recovery(in: session).content(of: entry, alias: alias).password
        let question = NewPassword(console: session.console, subject: "key password for <\(alias)>")
        let password = try session.options[.new] ?? question.ask(insteadOf: present)
        try opened.check(keyPassword: password)
        do throws(KeyStoreError) {
            try opened.store.changePassword(ofEntry: alias, from: present, to: password)
        } catch {
            throw Failure(error)
        }
        try opened.save(in: session)
        opened.warnAboutFormat(in: session)
    }

    /// A token keeps its own passwords.
    static func refuseTokens(_ session: Session) throws {
        // Another name than NONE with the type PKCS11 is told when the store is opened.
        guard TokenStore.isMeant(by: session.options), session.options[.keystore].map({ $0 == "NONE" || $0.hasPrefix("pkcs11:") }) ?? true else {
            return
        }
        throw Failure.unsupportedOperation("-storepasswd and -keypasswd commands not supported if -storetype is PKCS11")
    }
}

extension Failure {
    /// The JDK's `java.lang.UnsupportedOperationException`.
    static func unsupportedOperation(_ message: String) -> Failure {
        .exception(javaClass: "java.lang.UnsupportedOperationException", message: message)
    }
}
