import ServalKeyStore

/// The passwords of single keys, which only JKS knows.
extension OpenKeyStore {
    /// Asks for the password of a new key; RETURN means the store's.
    ///
    /// - Returns: Nil if the key shares the store's password, as it always does in PKCS12.
    func passwordForNewKey(alias: String, in session: Session) throws -> String? {
        guard store.format != .pkcs12 else { return nil }
        if let given = session.options[.keypass] { return given }
        guard !session.options.has(.protected) else { return nil }
        let console = session.console
        for _ in 0..<3 {
            guard let entered = console.askPassword("Enter key password for <\(alias)>\n\t(RETURN if same as keystore password):  ") else {
                return nil
            }
            guard entered.utf16.count >= 6 else {
                console.print(error: "Key password is too short - must be at least 6 characters")
                continue
            }
            if console.askPassword("Re-enter new password: ") == entered { return entered }
            console.print(error: "They don't match. Try again")
        }
        throw Failure.error("Too many failures - key not added to keystore")
    }

    /// The private key of an entry: opened with `-keypass`, else with the store's password, else with one that is asked for.
    ///
    /// - Parameter passwordOption: The option that stands in the place of `-keypass`.
    func privateKey(alias: String, passwordOption: OptionName = .keypass, in session: Session) throws -> PrivateKey {
        guard let entry = store[alias] else { throw Failure.unknownAlias(alias) }
        guard case .privateKey(let key) = entry.content else { throw Failure.error("Alias <\(alias)> has no key") }
        // For PKCS12 the JDK ignores -keypass, and not -signerkeypass.
        let isUsed = store.format == .jks || passwordOption != .keypass
        do {
            if isUsed, let given = session.options[passwordOption] { return try key.privateKey(password: given) }
            return try key.privateKey(password: password)
        } catch {
            guard error.code == .wrongKeyPassword, store.format == .jks, session.options[passwordOption] == nil else { throw Failure(error) }
        }
        for _ in 0..<3 {
            guard let entered = session.console.askPassword("Enter key password for <\(alias)>") else { continue }
            do {
                return try key.privateKey(password: entered)
            } catch {
                throw Failure(error)
            }
        }
        throw Failure.error("Too many failures - try later")
    }
}

extension Failure {
    /// No entry has this alias.
    static func unknownAlias(_ alias: String) -> Failure {
        .error("Alias <\(alias)> does not exist")
    }
}
