import ServalKeyStore

/// `-storepasswd`: protects the store with another password; in PKCS12 that is the keys' password as well.
enum StorePasswordCommand: Command {
    static let name = "-storepasswd"
    static let summary = "Changes the store password of a keystore"
    static let options: [OptionDescription] =
        [.newPassword, .keyStore, .cacerts, .storePassword, .storeType] + OptionDescription.providers + [.verbose]

    static func run(in session: Session) throws {
        try KeyPasswordCommand.refuseTokens(session)
        let opened = try KeyStoreOpening(session, for: .changing).open()
        let question = NewPassword(console: session.console, subject: "keystore password")
        let password = try session.options[.new] ?? question.ask(insteadOf: opened.password)
        try opened.save(in: session, newPassword: password)
        opened.warnAboutFormat(in: session)
    }
}
