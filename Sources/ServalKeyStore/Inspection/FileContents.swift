/// What was found in a file; filled in by whoever knows the file's format.
struct FileContents {
    struct Passwords {
        var store: String?
        var key: String?

        static let none = Passwords()

        /// The passwords for a key outside a store, the more special one first.
        var forKeys: [String] { [key, store].compactMap { $0 } }
    }

    /// How much of a secret the file holds.
    enum Secrecy {
        case none, protected, clear
    }

    var format: KeyStoreInspection.Format = .unknown
    var details: [KeyStoreInspection.Detail] = []
    var items: [KeyStoreInspection.Item] = []
    var findings: [KeyStoreFinding] = []
    var material = KeyMaterial()
    private(set) var secrecy = Secrecy.none
    /// The fewest rounds of key derivation that were found to be too few.
    private var leastIterations: Int?
    /// Formats without dates give entries the time of reading, which says nothing.
    let readingBegan = KeyStore.millisecondsNow()

    /// Files inside files (base64 of DER, text in UTF-16) are followed this deep.
    private static let deepest = 3

    private init() {}

    init(_ bytes: [UInt8], passwords: Passwords) {
        read(bytes, passwords, depth: 0)
    }

    private mutating func read(_ bytes: [UInt8], _ passwords: Passwords, depth: Int) {
        guard depth < FileContents.deepest else { return }
        if bytes.isEmpty {
            format = .empty
            report(
                .emptyFile,
                .error,
                "The file has no bytes.",
                advice: "A download or a write that failed leaves such files: make or fetch it again."
            )
        } else if JavaStoreContents.recognizes(bytes) {
            readJavaStore(bytes, passwords)
        } else if PKCS12Format.recognizes(Array(bytes.prefix(16))) {
            readPKCS12(bytes, passwords)
        } else if let foreign = ForeignFormat.detect(bytes) {
            take(foreign, bytes)
        } else if bytes[0] == ASN1Value.sequence, (try? ASN1Value(bytes, allowingTrailing: true)) != nil || bytes.count > 1 && bytes[1] >= 0x80 {
            readDER(bytes, passwords)
        } else if PEM.looksLikePEM(bytes), !WrappedText.lacksLineEnds(bytes) {
            readPEM(bytes, passwords)
        } else if let text = WrappedText.unwrap(bytes) {
            read(text.bytes, passwords, depth: depth + 1)
            report(.oddEncoding, .error, text.problem, advice: text.advice)
        } else {
            takeUnknown(bytes)
        }
    }

    mutating func report(
        _ code: KeyStoreFinding.Code,
        _ severity: KeyStoreFinding.Severity,
        alias: String? = nil,
        _ message: String,
        advice: String
    ) {
        findings.append(KeyStoreFinding(code, severity, alias: alias, message, advice: advice))
    }

    mutating func detail(_ name: String, _ value: String) {
        var unique = name
        var number = 2
        while details.contains(where: { $0.name == unique }) {
            unique = "\(name) \(number)"
            number += 1
        }
        details.append(KeyStoreInspection.Detail(name: unique, value: value))
    }

    /// Remembers that the file holds a secret.
    mutating func hold(_ secret: Secrecy) {
        if secrecy != .clear, secret != .none { secrecy = secret }
    }

    /// Remembers how something is protected, and says so if that is weak; once for everything that is protected in the same way.
    mutating func note(_ protection: ProtectionDescription, of what: String) {
        if let weakness = protection.weakness {
            let message = "\(what) protected with \(protection.text): \(weakness.reason)."
            if !findings.contains(where: { $0.message == message }) {
                report(
                    .weakProtection,
                    weakness.severity,
                    message,
                    advice: "Write it anew with present algorithms: -importkeystore into a new PKCS12 file."
                )
            }
        }
        guard let iterations = protection.iterations, iterations < ProtectionDescription.usualIterations else { return }
        let index = findings.firstIndex { $0.code == .lowIterations }
        if let least = leastIterations, least <= iterations, index != nil { return }
        leastIterations = iterations
        if let index { findings.remove(at: index) }
        report(
            .lowIterations,
            iterations < ProtectionDescription.leastIterations ? .warning : .info,
            "\(what) protected with \(ProtectionDescription.rounds(iterations)) of key derivation; today's JDK takes "
                + "\(ProtectionDescription.usualIterations), so that passwords are guessed faster than need be.",
            advice: "Choose a long random password, or write it anew: -importkeystore into a new PKCS12 file."
        )
    }

    /// Says why something could not be read.
    mutating func report(_ error: KeyStoreError, alias: String? = nil) {
        let message = error.message.hasSuffix(".") ? error.message : error.message + "."
        switch error.code {
        case .wrongPassword, .wrongKeyPassword:
            report(
                .wrongPassword,
                .error,
                alias: alias,
                "The password is wrong, or the file was changed.",
                advice: "Try the password of the tool or person that made the file."
            )
        case .unsupportedAlgorithm, .unsupportedFormat:
            report(.unsupported, .error, alias: alias, message, advice: "Convert it with the tool that made it.")
        default:
            report(.corrupt, .error, alias: alias, message, advice: "Fetch the file again (in binary mode), or take it from a backup.")
        }
    }

    static var directory: FileContents {
        var contents = FileContents()
        contents.format = .directory
        contents.report(.unreadableFile, .error, "This is a directory.", advice: "Name the file in it.")
        return contents
    }

    static func unreadable(_ error: KeyStoreError) -> FileContents {
        var contents = FileContents()
        contents.format = .unreadable
        contents.report(.unreadableFile, .error, "\(error.message).", advice: "Check the path, and who may read the file.")
        return contents
    }

    private mutating func take(_ foreign: ForeignFormat, _ bytes: [UInt8]) {
        format = foreign.format
        for (name, value) in foreign.details { detail(name, value) }
        if foreign.isSecret { hold(foreign.isClear ? .clear : .protected) }
        report(foreign.isKeyMaterial ? .unsupported : .notKeyMaterial, .error, foreign.problem, advice: foreign.advice)
    }

    private mutating func takeUnknown(_ bytes: [UInt8]) {
        let isText = ForeignFormat.isText(bytes)
        format = isText ? .text : .unknown
        if isText, let broken = WrappedText.brokenPEM(bytes) {
            report(.oddEncoding, .error, broken.problem, advice: broken.advice)
        } else {
            report(
                .notKeyMaterial,
                .error,
                isText ? "This is text without any key or certificate in it." : "No format of keys or certificates begins like this file.",
                advice: "Check that it is the right file, and that it was transferred in binary mode and is not encrypted as a whole."
            )
        }
    }
}

extension KeyStoreInspection.Format {
    static let unknown = Self(code: "unknown", name: "unknown binary file")
    static let text = Self(code: "text", name: "text file")
    static let empty = Self(code: "empty", name: "empty file")
    static let directory = Self(code: "directory", name: "directory")
    static let unreadable = Self(code: "unreadable", name: "file that cannot be read")
    static let jks = Self(code: "jks", name: "JKS key store (Java's old format)")
    static let jceks = Self(code: "jceks", name: "JCEKS key store (Java's old format with secret keys)")
    static let pkcs12 = Self(code: "pkcs12", name: "PKCS12 key store (RFC 7292)")
    static let pem = Self(code: "pem", name: "PEM text (RFC 7468)")
    static let certificate = Self(code: "certificate", name: "X.509 certificate (DER)")
    static let certificates = Self(code: "certificates", name: "X.509 certificates (DER, one after the other)")
    static let certificateRequest = Self(code: "certificate-request", name: "certificate request (PKCS#10, DER)")
    static let revocationList = Self(code: "revocation-list", name: "certificate revocation list (DER)")
    static let pkcs7 = Self(code: "pkcs7", name: "PKCS#7 bundle of certificates (DER)")
    static let pkcs8 = Self(code: "pkcs8", name: "private key (PKCS#8, DER)")
    static let encryptedPKCS8 = Self(code: "encrypted-pkcs8", name: "encrypted private key (PKCS#8, DER)")
    static let pkcs1 = Self(code: "pkcs1", name: "RSA private key (PKCS#1, DER)")
    static let sec1 = Self(code: "sec1", name: "EC private key (SEC 1, DER)")
    static let publicKey = Self(code: "public-key", name: "public key (DER)")
    static let der = Self(code: "der", name: "ASN.1 data (DER)")
}
