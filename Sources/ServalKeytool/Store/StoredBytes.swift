import ServalKeyStore

/// The bytes of a key store's file, and what the JDK says when they cannot be read.
struct StoredBytes {
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Refuses what is no key store; of a key store the bytes decide which format it is, whatever an option says.
    func checkFormat(isTypeNamed: Bool) throws {
        guard KeyStoreFormat.detect(bytes) == nil else { return }
        if isTypeNamed { throw Failure.input("Invalid keystore format") }
        throw Failure.exception(
            javaClass: "java.security.KeyStoreException",
            message: "Unrecognized keystore format. Please load it with a specified type"
        )
    }

    /// Reads the store.
    ///
    /// - Parameter isTyped: Whether the password was typed. What is typed into the JDK's tool becomes one character per byte, so a store that was
    ///   made there with a password that is not ASCII opens with those characters only.
    /// - Returns: The store, and the password that opened it.
    func load(password: String?, isTyped: Bool) throws -> (store: KeyStore, password: String?) {
        do throws(KeyStoreError) {
            return (try KeyStore(bytes: bytes, password: password), password)
        } catch {
            guard error.code == .wrongPassword || isDigestMismatch(error) else { throw Failure(error) }
        }
        if isTyped, let password, !password.utf8.allSatisfy({ $0 < 0x80 }) {
            let bytewise = String(String.UnicodeScalarView(password.utf8.map { Unicode.Scalar($0) }))
            if let store = try? KeyStore(bytes: bytes, password: bytewise) { return (store, bytewise) }
        }
        throw Failure.input(
            KeyStoreFormat.detect(bytes) == .pkcs12 ? "keystore password was incorrect" : "Keystore was tampered with, or password was incorrect"
        )
    }
}

extension StoredBytes {
    /// Whether the digest of a JKS or JCEKS store does not fit the password although a key opens with it.
    ///
    /// That looks like a changed file, and is what a store looks like whose password was changed: its keys keep theirs.
    private func isDigestMismatch(_ error: KeyStoreError) -> Bool {
        KeyStoreFormat.detect(bytes) != .pkcs12 && error.message.hasPrefix("Keystore was tampered with")
    }
}

extension KeyStoreFormat {
    /// The format with this name, or the JDK's complaint.
    static func named(_ name: String) throws -> KeyStoreFormat {
        guard let format = KeyStoreFormat(name: name) else {
            throw Failure.exception(javaClass: "java.security.KeyStoreException", message: "\(name.uppercased()) not found")
        }
        return format
    }
}

extension Session {
    /// Says that a PKCS12 store ignores a key password that is not the store's.
    func warn(aboutIgnored option: OptionName, unlessIs password: String) {
        guard let given = options[option], given != password else { return }
        console.print(
            error:
                "Warning:  Different store and key passwords not supported for PKCS12 KeyStores. "
                + "Ignoring user-specified -\(option.rawValue) value."
        )
    }
}
