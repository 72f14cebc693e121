import ServalKeyStore

/// The store that `-importkeystore` takes entries from.
struct SourceKeyStore {
    let path: String
    /// As the file was read.
    let bytes: [UInt8]
    let store: KeyStore
    let password: String?
    let recovery: KeyRecovery

    private static let sizeLimit = 64 << 20

    /// Reads the store and asks for its password if no option gives it.
    init(path: String, in session: Session) throws {
        let options = session.options
        self.path = path
        bytes = try InputFile(path: path).read(limit: Self.sizeLimit)
        let type = try options[.srcstoretype].map(KeyStoreFormat.named)
        let stored = StoredBytes(bytes)
        try stored.checkFormat(isTypeNamed: type != nil)
        var password = options[.srcstorepass]
        if password == nil, !options.has(.srcprotected) { password = session.console.askPassword("Enter source keystore password:  ") }
        if KeyStoreFormat.detect(bytes) == .pkcs12, let password { session.warn(aboutIgnored: .srckeypass, unlessIs: password) }
        (store, self.password) = try stored.load(password: password, isTyped: options[.srcstorepass] == nil)
        recovery = KeyRecovery(
            console: session.console,
            format: store.format,
            storePassword: self.password,
            keyPassword: store.format == .pkcs12 && self.password != nil ? nil : options[.srckeypass]
        )
        if self.password == nil { session.console.printIntegrityBox("the srckeystore*", "the srckeystore password.                *") }
    }

    /// An entry with its key in the clear, and the password that opened it.
    func entry(_ alias: String) throws -> (content: KeyStore.Entry.Content, password: String?) {
        guard let entry = store[alias] else { throw Failure.unknownAlias(alias) }
        let recovered = try recovery.content(of: entry, alias: alias)
        if case .privateKey(let key) = recovered.content, key.certificateChain.isEmpty, password == nil {
            throw Failure.error("The certificates of <\(alias)> are encrypted: the password of the source keystore is needed")
        }
        return recovered
    }
}

extension Console {
    /// Prints the box that says that nobody has checked a store.
    ///
    /// - Parameters:
    ///   - place: The end of the line that says which store.
    ///   - remedy: The end of the line that says what is needed.
    func printIntegrityBox(_ place: String, _ remedy: String) {
        let stars = "*****************  WARNING WARNING WARNING  *****************"
        print(
            error: """

                \(stars)
                * The integrity of the information stored in \(place)
                * has NOT been verified!  In order to verify its integrity, *
                * you must provide \(remedy)
                \(stars)

                """
        )
    }
}
