import ServalKeyStore

/// Opening the keys of a store: with the password that an option gives, else with the store's, else with one that is asked for.
struct KeyRecovery {
    let console: Console
    let format: KeyStoreFormat
    let storePassword: String?
    /// What an option such as `-keypass` gives; nothing else is tried then.
    let keyPassword: String?

    /// Opens a key.
    ///
    /// - Parameter open: Tries a password.
    /// - Returns: The key, and the password that opened it.
    func open<Key>(alias: String, _ open: (String?) throws(KeyStoreError) -> Key) throws -> (key: Key, password: String?) {
        do throws(KeyStoreError) {
            let password = keyPassword ?? storePassword
            return (try open(password), password)
        } catch {
            guard error.code == .wrongKeyPassword, keyPassword == nil, format != .pkcs12 || storePassword == nil else { throw Failure(error) }
        }
        let entered = try askPassword(alias: alias)
        do throws(KeyStoreError) {
            return (try open(entered), entered)
        } catch {
            throw Failure(error)
        }
    }

    /// The entry with its key in the clear, to be put somewhere else.
    ///
    /// - Returns: The content, and the password that opened it; none for a trusted certificate.
    func content(of entry: KeyStore.Entry, alias: String) throws -> (content: KeyStore.Entry.Content, password: String?) {
        switch entry.content {
        case .trustedCertificate: return (entry.content, nil)
        case .privateKey(let entry):
            let opened = try open(alias: alias) { password throws(KeyStoreError) in try entry.privateKey(password: password) }
            return (.privateKey(PrivateKeyEntry(key: opened.key, chain: entry.certificateChain)), opened.password)
        case .secretKey(let entry):
            let opened = try open(alias: alias) { password throws(KeyStoreError) in try entry.secretKey(password: password) }
            return (.secretKey(SecretKeyEntry(key: opened.key)), opened.password)
        }
    }

    private func askPassword(alias: String) throws -> String {
        for _ in 0..<3 {
            if let entered = console.askPassword("Enter key password for <\(alias)>") { return entered }
        }
        throw Failure.error("Too many failures - try later")
    }
}
