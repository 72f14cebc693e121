import Glibc
import ServalKeyStore

/// The key store that a command works on, with its file and its password.
struct OpenKeyStore {
    let path: String
    var store: KeyStore {
        didSet { trustedCertificates = TrustedCertificates() }
    }
    /// Nil if the person gave none, which only commands that read allow.
    let password: String?
    /// What `-list` calls the type: the one that was asked for, else that of the file.
    let typeName: String
    private(set) var trustedCertificates = TrustedCertificates()
    /// The token that stands in the file's place.
    var token: TokenStore?
    /// How the file is protected if it is PKCS12.
    var protection = PKCS12Protection.modern
    /// The file as it was read; nil if there was none.
    var version: FileVersion?
    /// Kept until the work is done.
    var lock: StoreLock?

    /// What `-list` calls the origin of the type.
    var providerName: String { token?.providerName ?? (typeName.uppercased() == KeyStoreFormat.jceks.rawValue ? "SunJCE" : "SUN") }

    /// Makes a key: in the token where that is, so that it never leaves it, else in memory.
    func generate(_ kind: KeyKind, alias: String) throws -> PrivateKey { try token?.generate(kind.algorithm, alias: alias) ?? kind.generate() }

    /// Whether the certificate is a trusted entry of the store.
    func trusts(_ certificate: CertificateData) -> Bool {
        trustedCertificates.contains(certificate, of: store)
    }

    /// Replaces the file, unless somebody else has changed it since it was read.
    ///
    /// - Parameter newPassword: The store's password from now on; nil to keep it.
    func save(in session: Session, newPassword: String? = nil) throws {
        if session.isVerbose { session.console.print(error: "[Storing \(path)]") }
        if let token { return try token.save(store) }
        do {
            let bytes = try store.serialized(password: newPassword ?? password ?? "", protection: session.protection ?? protection)
            try OutputFile(path: path).write(bytes, isSecret: true, replacing: .version(version))
        } catch let error as KeyStoreError {
            throw Failure(error)
        }
    }

    /// Adds the JDK's advice about JKS and JCEKS to the warnings.
    ///
    /// Stores of nothing but trusted certificates are spared, as they keep no secret in the weak format.
    func warnAboutFormat(in session: Session) {
        guard store.format != .pkcs12, !session.options.has(.cacerts), access(path, F_OK) == 0 else { return }
        let holdsKeys = store.aliases.contains { alias in
            if case .trustedCertificate? = store[alias]?.content { false } else { true }
        }
        guard holdsKeys else { return }
        session.warnings.append(
            "The \(store.format.rawValue) keystore uses a proprietary format. It is recommended to migrate to PKCS12 which is an industry standard format using "
                + "\"keytool -importkeystore -srckeystore \(path) -destkeystore \(path) -deststoretype pkcs12\"."
        )
    }

    /// Prints the box that says that nobody has checked the store, if that is so and was not asked for.
    func printIntegrityNote(in session: Session) {
        guard password == nil, token == nil, !session.options.has(.protected) else { return }
        session.console.printIntegrityBox("your keystore  *", "your keystore password.                  *")
    }
}

extension KeyStore.Entry {
    /// The trusted certificate, or the one of the private key.
    var certificate: CertificateData? {
        switch content {
        case .privateKey(let key): key.certificateChain.first
        case .trustedCertificate(let certificate): certificate
        case .secretKey: nil
        }
    }
}

extension Failure {
    /// The JDK's words for a failure of the key store library.
    init(_ error: KeyStoreError) {
        switch error.code {
        case .wrongKeyPassword:
            self = .exception(javaClass: "java.security.UnrecoverableKeyException", message: "Cannot recover key")
        case .unsupportedAlgorithm:
            self = .noSuchAlgorithm(error.message)
        case .unsupportedFormat:
            self = .exception(javaClass: "java.security.KeyStoreException", message: error.message)
        default:
            self = .input(error.message)
        }
    }
}
