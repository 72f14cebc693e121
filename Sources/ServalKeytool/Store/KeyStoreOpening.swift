import Glibc
import ServalKeyStore

/// Opening the key store of a command: which file, which type, which password, and the complaints and questions in the JDK's order.
struct KeyStoreOpening {
    /// What the command is going to do with the store.
    enum Purpose {
        /// Makes the file if there is none.
        case creating
        /// Needs the file, and its password.
        case changing
        /// Needs the file; an empty password means not to check its integrity.
        case reading
        /// Looks into the file if there is one, and asks for nothing: without a password, what PKCS12 encrypts stays unseen.
        case consulting
    }

    private let session: Session
    private let purpose: Purpose
    private var options: Options { session.options }

    init(_ session: Session, for purpose: Purpose) {
        self.session = session
        self.purpose = purpose
    }

    /// Opens the store.
    ///
    /// - Parameter beforePassword: Runs when the file is known to be there and before any password is asked for: some commands ask for an alias then.
    func open(beforePassword: () throws -> Void = {}) throws -> OpenKeyStore {
        try checkOptions()
        if TokenStore.isMeant(by: options) {
            let question = "Enter keystore password:  "
            return try TokenStore.open(session, isReading: purpose == .reading, question: question, beforePassword: beforePassword)
        }
        let path = options.has(.cacerts) ? Self.systemKeyStore : options[.keystore] ?? session.environment.home + "/.keystore"
        let bytes = try read(path)
        try beforePassword()
        let type = try namedType()
        if let bytes { try checkFormat(bytes, type: type) }
        if bytes == nil, purpose != .consulting, let password = options[.storepass], password.utf16.count < 6 {
            throw Failure.error("Keystore password must be at least 6 characters")
        }
        let password = try options[.storepass] ?? (purpose == .consulting ? nil : askPassword(isNew: bytes == nil))
        var store = KeyStore(format: type?.format ?? .pkcs12)
        if let bytes { store = try load(bytes, password: password) }
        if let password, let keyPassword = options[.keypass], keyPassword != password, store.format == .pkcs12 {
            session.console.print(
                error: "Warning:  Different store and key passwords not supported for PKCS12 KeyStores. Ignoring user-specified -keypass value."
            )
        }
        return OpenKeyStore(path: path, store: store, password: password, typeName: type?.name ?? store.format.rawValue)
    }

    /// Where Debian and its relatives keep the certificate authorities of a JDK.
    private static let systemKeyStore = "/etc/ssl/certs/java/cacerts"

    /// Reads that fail are told in the JDK's words, and a key store is never this large.
    private static let sizeLimit = 64 << 20

    private func checkOptions() throws {
        if options.has(.cacerts), options[.keystore] != nil || options[.storetype] != nil {
            throw Failure.illegalArgument("The -keystore or -storetype option cannot be used with the -cacerts option")
        }
        if options.has(.protected), options[.storepass] != nil || options[.keypass] != nil || options[.new] != nil {
            throw Failure.illegalArgument("if -protected is specified, then -storepass, -keypass, and -new must not be specified")
        }
    }

    /// The file's bytes, nil if there is none and one may be made.
    private func read(_ path: String) throws -> [UInt8]? {
        do {
            let bytes = try InputFile(path: path).read(limit: Self.sizeLimit)
            guard !bytes.isEmpty else { throw Failure.error("Keystore file exists, but is empty: \(path)") }
            return bytes
        } catch Failure.exception(let javaClass, let message) where javaClass == "java.io.FileNotFoundException" {
            // A file that is there and cannot be read must not be taken for missing, and then replaced.
            guard access(path, F_OK) != 0 else { throw Failure.exception(javaClass: javaClass, message: message) }
            guard purpose == .creating || purpose == .consulting else { throw Failure.error("Keystore file does not exist: \(path)") }
            return nil
        }
    }

    private func namedType() throws -> (name: String, format: KeyStoreFormat)? {
        guard let name = options[.storetype] else { return nil }
        guard let format = KeyStoreFormat(name: name) else {
            throw Failure.exception(javaClass: "java.security.KeyStoreException", message: "\(name) not found")
        }
        return (format.rawValue, format)
    }

    /// The bytes decide which format it is: like the JDK, `-storetype` PKCS12 opens a JKS file and the other way round.
    private func checkFormat(_ bytes: [UInt8], type: (name: String, format: KeyStoreFormat)?) throws {
        guard KeyStoreFormat.detect(bytes) == nil else { return }
        if type != nil { throw Failure.input("Invalid keystore format") }
        throw Failure.exception(
            javaClass: "java.security.KeyStoreException",
            message: "Unrecognized keystore format. Please load it with a specified type"
        )
    }

    private func load(_ bytes: [UInt8], password: String?) throws -> KeyStore {
        do {
            return try KeyStore(bytes: bytes, password: password)
        } catch  where error.code == .wrongPassword {
            let isJKS = KeyStoreFormat.detect(bytes) == .jks
            throw Failure.input(isJKS ? "Keystore was tampered with, or password was incorrect" : "keystore password was incorrect")
        } catch {
            throw Failure(error)
        }
    }

    private func askPassword(isNew: Bool) throws -> String? {
        if options.has(.protected) {
            guard purpose == .reading else { throw Failure.illegalArgument("-protected is for tokens; a keystore file is written with a password") }
            return nil
        }
        let question = "Enter keystore password:  "
        if purpose == .reading { return session.console.askPassword(question) }
        for _ in 0..<3 {
            guard let password = session.console.askPassword(question), password.utf16.count >= 6 else {
                session.console.print(error: "Keystore password is too short - must be at least 6 characters")
                continue
            }
            guard isNew else { return password }
            if session.console.askPassword("Re-enter new password: ") == password { return password }
            session.console.print(error: "They don't match. Try again")
        }
        throw Failure.givenUp("Too many failures - try later")
    }
}
