import ServalKeyStore

/// The passwords of single keys, which only JKS and JCEKS know.
extension OpenKeyStore {
    /// Asks for the password of a new key; RETURN means the store's.
    ///
    /// - Returns: Nil if the key shares the store's password, as it always does in PKCS12.
    func passwordForNewKey(alias: String, in session: Session) throws -> String? {
        guard store.format != .pkcs12, typeName != KeyStoreFormat.pkcs12.rawValue else { return nil }
        let question = "Enter key password for <\(alias)>\n\t(RETURN if same as keystore password):  "
        let complaint = "Too many failures - key not added to keystore"
        let password = try session.options[.keypass] ?? session.console.askNewPassword(question, orElse: complaint)
        try check(keyPassword: password ?? self.password)
        return password
    }

    /// Refuses a key's password that the format cannot use.
    func check(keyPassword: String?) throws {
        guard store.format == .jceks, keyPassword?.utf8.allSatisfy({ $0 < 0x80 }) == false else { return }
        throw Failure.exception(javaClass: "java.security.KeyStoreException", message: "Password is not ASCII")
    }

    /// The private key of an entry: opened with `-keypass`, else with the store's password, else with one that is asked for.
    ///
    /// - Parameter passwordOption: The option that stands in the place of `-keypass`.
    func privateKey(alias: String, passwordOption: OptionName = .keypass, in session: Session) throws -> PrivateKey {
        guard let entry = store[alias] else { throw Failure.unknownAlias(alias) }
        guard case .privateKey(let key) = entry.content else { throw Failure.error("Alias <\(alias)> has no key") }
        return try recovery(passwordOption, in: session).open(alias: alias) { password throws(KeyStoreError) in try key.privateKey(password: password)
        }.key
    }

    /// How keys of this store are opened.
    ///
    /// - Parameter passwordOption: As for ``privateKey(alias:passwordOption:in:)``. For PKCS12 the JDK ignores `-keypass`, and not `-signerkeypass`.
    func recovery(_ passwordOption: OptionName = .keypass, in session: Session) -> KeyRecovery {
        let isIgnored = store.format == .pkcs12 && passwordOption == .keypass
        return KeyRecovery(
            console: session.console,
            format: store.format,
            storePassword: password,
            keyPassword: isIgnored ? nil : session.options[passwordOption]
        )
    }
}

extension Console {
    /// Asks for the password of a key, up to three times.
    ///
    /// - Parameter complaint: Why the command ends after three unusable answers.
    /// - Returns: Nil after RETURN.
    func askNewPassword(_ question: String, orElse complaint: String) throws -> String? {
        for _ in 0..<3 {
            guard let entered = askPassword(question) else { return nil }
            guard entered.utf16.count >= 6 else {
                print(error: "Key password is too short - must be at least 6 characters")
                continue
            }
            if askPassword("Re-enter new password: ") == entered { return entered }
            print(error: "They don't match. Try again")
        }
        throw Failure.error(complaint)
    }
}

extension Failure {
    /// No entry has this alias.
    static func unknownAlias(_ alias: String) -> Failure {
        .error("Alias <\(alias)> does not exist")
    }
}
