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

    let session: Session
    private let purpose: Purpose
    private let passwordQuestion: String
    private var options: Options { session.options }

    init(_ session: Session, for purpose: Purpose, passwordQuestion: String = "Enter keystore password:  ") {
        self.session = session
        self.purpose = purpose
        self.passwordQuestion = passwordQuestion
    }

    /// The file that the options name.
    var path: String { options.has(.cacerts) ? Self.systemKeyStore : options[.keystore] ?? session.environment.home + "/.keystore" }

    /// Opens the store.
    ///
    /// - Parameter beforePassword: Runs when the file is known to be there and before any password is asked for: some commands ask for an alias then.
    func open(beforePassword: () throws -> Void = {}) throws -> OpenKeyStore {
        try checkOptions()
        if TokenStore.isMeant(by: options) {
            return try TokenStore.open(session, isReading: purpose == .reading, question: passwordQuestion, beforePassword: beforePassword)
        }
        let lock = purpose == .creating || purpose == .changing ? StoreLock(path: path) : nil
        let version = FileVersion(path: path)
        let bytes = try read(path)
        try beforePassword()
        let type = try namedType()
        if let bytes { try StoredBytes(bytes).checkFormat(isTypeNamed: type != nil) }
        if bytes == nil, purpose != .consulting, let password = options[.storepass], password.utf16.count < 6 {
            throw Failure.error("Keystore password must be at least 6 characters")
        }
        var password = try options[.storepass] ?? (purpose == .consulting ? nil : askPassword(isNew: bytes == nil))
        var store = KeyStore(format: type?.format ?? .pkcs12)
        var protection = PKCS12Protection.modern
        if let bytes {
            (store, password) = try StoredBytes(bytes).load(password: password, isTyped: options[.storepass] == nil)
            protection = PKCS12Protection(foundIn: bytes, isIntegrityVerified: store.isIntegrityVerified || password == nil)
        }
        if store.format == .pkcs12, let password {
            for option in [OptionName.keypass] + destinationOptions { session.warn(aboutIgnored: option, unlessIs: password) }
        }
        let typeName = type?.name ?? store.format.rawValue
        return OpenKeyStore(
            path: path,
            store: store,
            password: password,
            typeName: typeName,
            protection: protection,
            version: version,
            lock: lock
        )
    }

    /// A store that is made anew although there may be a file, which it will replace.
    ///
    /// - Parameters:
    ///   - password: Taken if no option gives one.
    ///   - version: The file whose place it takes.
    func replacement(password: String, of version: FileVersion?) throws -> OpenKeyStore {
        try checkOptions()
        let type = try namedType()
        let password = options[.storepass] ?? password
        guard password.utf16.count >= 6 else { throw Failure.error("Keystore password must be at least 6 characters") }
        let store = KeyStore(format: type?.format ?? .pkcs12)
        if store.format == .pkcs12 { session.warn(aboutIgnored: .destkeypass, unlessIs: password) }
        return OpenKeyStore(
            path: path,
            store: store,
            password: password,
            typeName: store.format.rawValue,
            version: version
        )
    }

    /// Where Debian and its relatives keep the certificate authorities of a JDK.
    private static let systemKeyStore = "/etc/ssl/certs/java/cacerts"

    /// Reads that fail are told in the JDK's words, and a key store is never this large.
    private static let sizeLimit = 64 << 20

    /// `-destkeypass` is about a key of this store where entries are brought into it; `-exportkey` means another file by it.
    private var destinationOptions: [OptionName] { purpose == .creating ? [.destkeypass] : [] }

    /// Refuses options that exclude each other, and new passwords that are too short.
    func checkOptions() throws {
        if options.has(.cacerts), options[.keystore] != nil || options[.storetype] != nil {
            throw Failure.illegalArgument("The -keystore or -storetype option cannot be used with the -cacerts option")
        }
        if options.has(.protected), ([.storepass, .keypass, .new] + destinationOptions).contains(where: { options[$0] != nil }) {
            throw Failure.illegalArgument("if -protected is specified, then -storepass, -keypass, and -new must not be specified")
        }
        if options.has(.srcprotected), options[.srcstorepass] != nil || options[.srckeypass] != nil {
            throw Failure.illegalArgument("if -srcprotected is specified, then -srcstorepass and -srckeypass must not be specified")
        }
        for option in [OptionName.new] + destinationOptions {
            guard let password = options[option], password.utf16.count < 6 else { continue }
            throw Failure.error("New password must be at least 6 characters")
        }
    }

    /// The file's bytes, nil if there is none and one may be made.
    private func read(_ path: String) throws -> [UInt8]? {
        var status = stat()
        // What is read from a pipe or a device cannot be replaced; the JDK takes all of them for empty.
        if purpose == .creating || purpose == .changing, stat(path, &status) == 0, ![S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT) {
            throw Failure.error("Keystore file exists, but is empty: \(path)")
        }
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
        let format = try KeyStoreFormat.named(name)
        return (format.rawValue, format)
    }

    private func askPassword(isNew: Bool) throws -> String? {
        if options.has(.protected) {
            guard purpose == .reading else { throw Failure.illegalArgument("-protected is for tokens; a keystore file is written with a password") }
            return nil
        }
        if purpose == .reading { return session.console.askPassword(passwordQuestion) }
        for _ in 0..<3 {
            guard let password = session.console.askPassword(passwordQuestion), password.utf16.count >= 6 else {
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
