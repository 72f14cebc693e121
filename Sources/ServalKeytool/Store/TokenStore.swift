import ServalKeyStore
import ServalPKCS11

/// A PKCS#11 token in the place of a key store's file.
///
/// Commands work on a ``KeyStore`` of what the token holds; ``save(_:)`` then makes the token so. A key that a command has made and not saved is removed
/// when this object goes.
final class TokenStore {
    private let token: PKCS11Token
    /// What `-list` calls the provider.
    let providerName: String
    /// What the token held when it was opened.
    let initial: KeyStore
    /// Keys that were made and have no entry yet.
    private var unfinished: [PrivateKey] = []

    private init(_ token: PKCS11Token, providerName: String) throws(KeyStoreError) {
        self.token = token
        self.providerName = providerName
        var store = KeyStore(forToken: ())
        for entry in try token.entries() {
            let content: KeyStore.Entry.Content =
                switch entry.content {
                case .privateKey(let key, let chain): .privateKey(PrivateKeyEntry(key: key, chain: chain))
                case .trustedCertificate(let certificate): .trustedCertificate(certificate)
                // The token keeps the bytes to itself.
                case .secretKey: .secretKey(SecretKeyEntry(key: SecretKey(algorithm: "AES", bytes: [])))
                }
            store.set(KeyStore.Entry(content, creationDate: 0), alias: entry.alias)
        }
        initial = store
    }

    deinit {
        for key in unfinished { try? token.delete(key) }
    }

    /// Makes a key pair inside the token.
    func generate(_ algorithm: PrivateKey.Algorithm, alias: String) throws -> PrivateKey {
        do throws(KeyStoreError) {
            let key = try token.generateKeyPair(algorithm, alias: alias)
            unfinished.append(key)
            return key
        } catch {
            throw Failure(error)
        }
    }

    /// Makes the token hold what `store` holds.
    func save(_ store: KeyStore) throws {
        do throws(KeyStoreError) {
            var renamed: Set<ObjectIdentifier> = []
            for alias in store.aliases {
                guard let content = store[alias]?.content else { continue }
                if initial[alias] == nil, let key = try Self.external(content) { renamed.insert(key) }
                try put(content, alias: alias)
            }
            for alias in initial.aliases where store[alias] == nil {
                // What has a new name is not to be deleted under the old one.
                if let content = initial[alias]?.content, let key = try Self.external(content), renamed.contains(key) { continue }
                try token.delete(alias: alias)
            }
        } catch {
            throw Failure(error)
        }
    }

    /// Which key of the token an entry has.
    private static func external(_ content: KeyStore.Entry.Content) throws(KeyStoreError) -> ObjectIdentifier? {
        guard case .privateKey(let entry) = content else { return nil }
        return try entry.privateKey().external.map { ObjectIdentifier($0 as AnyObject) }
    }

    private func put(_ content: KeyStore.Entry.Content, alias: String) throws(KeyStoreError) {
        switch (content, initial[alias]?.content) {
        case (.privateKey(let new), let old):
            let key = try new.privateKey()
            if case .privateKey(let present)? = old, try present.privateKey() == key, present.certificateChain == new.certificateChain { return }
            guard key.external == nil else {
                try token.importCertificateChain(new.certificateChain, for: key, alias: alias)
                unfinished.removeAll { $0 == key }
                return
            }
            if old != nil { try token.delete(alias: alias) }
            try token.importKey(key, chain: new.certificateChain, alias: alias)
        case (.trustedCertificate(let new), .trustedCertificate(let old)?) where new == old: break
        case (.secretKey, .secretKey?): break
        case (.trustedCertificate, _): throw KeyStoreError(.unsupportedFormat, Self.noTrust)
        case (.secretKey, _): throw KeyStoreError(.unsupportedFormat, Self.noSecretKeys)
        }
    }

    /// Why a key cannot be put into a token.
    static func refusal(of entry: PrivateKeyEntry) -> String? {
        guard let key = try? entry.privateKey() else { return nil }
        return switch key.algorithm {
        case .rsa, .ec: nil
        default: "unsupported key type: \(key)"
        }
    }

    static let noSecretKeys = "Secret keys cannot be put into a token with this tool"

    /// The JDK's words.
    static let noTrust = "java.lang.UnsupportedOperationException: trusted certificates may only be set by token initialization application"
}

extension TokenStore {
    /// Whether the options mean a token.
    static func isMeant(by options: Options) -> Bool {
        options[.storetype]?.uppercased() == "PKCS11" || options[.keystore].map(PKCS11Reference.isURI) == true
    }

    /// Opens the token that the options name, in the JDK's order of complaints.
    ///
    /// - Parameters:
    ///   - isReading: Whether nothing is going to be changed: the PIN is asked for once then, else up to three times.
    ///   - beforePassword: Runs before the PIN is asked for.
    static func open(_ session: Session, isReading: Bool, question: String, beforePassword: () throws -> Void) throws -> OpenKeyStore {
        let options = session.options
        let reference = try reference(session)
        if options[.keypass] != nil || options[.new] != nil || options[.destkeypass] != nil {
            throw Failure.illegalArgument("-keypass and -new can not be specified if -storetype is PKCS11")
        }
        try beforePassword()
        var pin = options[.storepass]
        if pin == nil, reference.pin == nil, !options.has(.protected) {
            for _ in 0..<(isReading ? 1 : 3) where pin == nil { pin = session.console.askPassword(question) }
            guard pin != nil || isReading else { throw Failure.givenUp("Too many failures - try later") }
        }
        do throws(KeyStoreError) {
            let token = try reference.open(pin: pin)
            guard !token.description.needsPIN || pin != nil || reference.pin != nil else {
                throw KeyStoreError(.wrongPassword, "load failed: the token [\(token.description.label)] shows its keys only with its PIN")
            }
            let name = "SunPKCS11-\(reference.name ?? token.description.label)"
            let store = try TokenStore(token, providerName: name)
            return OpenKeyStore(path: "keystore", store: store.initial, password: pin, typeName: "PKCS11", token: store)
        } catch {
            throw Failure(token: error)
        }
    }

    private static func reference(_ session: Session) throws -> PKCS11Reference {
        let options = session.options
        if let uri = options[.keystore], PKCS11Reference.isURI(uri) {
            do throws(KeyStoreError) { return try PKCS11Reference(uri: uri) } catch { throw Failure.illegalArgument(error.message) }
        }
        let reference = try provider(options)
        guard options[.keystore] ?? "NONE" == "NONE" else { throw Failure.usage("-keystore must be NONE if -storetype is PKCS11\n") }
        guard let reference else { throw Failure.exception(javaClass: "java.security.KeyStoreException", message: "PKCS11 not found") }
        if let name = options[.providername], name != "SunPKCS11-\(reference.name ?? "")" {
            throw Failure.exception(javaClass: "java.security.NoSuchProviderException", message: "no such provider: \(name)")
        }
        return reference
    }

    /// What `-addprovider` or `-providerclass` with `-providerarg` configures.
    private static func provider(_ options: Options) throws -> PKCS11Reference? {
        for (option, known) in [(OptionName.addprovider, ["SunPKCS11"]), (.providerclass, ["sun.security.pkcs11.SunPKCS11", "SunPKCS11"])] {
            guard let name = options[option] else { continue }
            let notFound = Failure.error(option == .addprovider ? "Provider named \"\(name)\" not found" : "Provider \"\(name)\" not found")
            guard known.contains(name) else { throw notFound }
            guard let argument = options[.providerarg] else { continue }
            do throws(KeyStoreError) {
                return try PKCS11Reference(sunPKCS11: argument)
            } catch {
                guard case .exception(let javaClass, let message) = notFound else { throw notFound }
                throw Failure.exception(javaClass: javaClass, message: "\(message): \(error.message)")
            }
        }
        return nil
    }
}

extension Failure {
    /// The JDK's exception for a failure of a token, with what is wrong.
    fileprivate init(token error: KeyStoreError) {
        switch error.code {
        case .moduleUnavailable: self = .exception(javaClass: "java.security.ProviderException", message: error.message)
        case .tokenNotFound: self = .exception(javaClass: "java.security.ProviderException", message: "Initialization failed: \(error.message)")
        case .unsupportedFormat: self = .exception(javaClass: "java.security.KeyStoreException", message: error.message)
        default: self = .input(error.message)
        }
    }
}
