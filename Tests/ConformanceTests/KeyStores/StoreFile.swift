/// The programs and libraries that exchange key stores.
enum StoreTool: String, CaseIterable, Sendable {
    case jdk = "JDK 17 keytool"
    case openssl = "OpenSSL 3.0"
    case pyjks = "pyjks"
    case cryptography = "Python cryptography"
    case serval = "ServalKeyStore"
    case servalKeytool = "serval-keytool"
}

/// The formats, as writers are told them.
enum StoreForm: String, Sendable {
    case jks = "JKS"
    case jceks = "JCEKS"
    case pkcs12 = "PKCS12"
    case legacy = "PKCS12 (legacy)"
    case pbmac1 = "PKCS12 (PBMAC1)"

    var isPKCS12: Bool { self != .jks && self != .jceks }
}

/// What one file of the matrix holds, and under which passwords.
enum StoreKind: String, CaseIterable, Sendable {
    case rsa, ec, ed25519, long
    case several, trusted, secret, keyPassword, emptyPassword, otherPassword, thousand

    var password: String {
        switch self {
        case .emptyPassword: ""
        case .otherPassword: "pässwörd €"
        default: "changeit"
        }
    }

    /// The key's own password where it has one.
    var ownKeyPassword: String? { self == .keyPassword ? "keypass1" : nil }

    /// - Parameter oneKey: For tools that put one key into a file at most.
    func contents(_ all: MatrixKeys, oneKey: Bool) -> StoreContents {
        switch self {
        case .rsa, .ec, .ed25519, .long: StoreContents(keys: all.keys.filter { $0.key == rawValue })
        case .several: StoreContents(keys: all.keys, certificates: ["trusted": all.trusted])
        case .trusted: StoreContents(certificates: ["trusted": all.trusted])
        case .secret: StoreContents(secrets: ["secret": all.secret])
        case .keyPassword, .emptyPassword, .otherPassword: StoreContents(keys: all.keys.filter { $0.key == "rsa" })
        case .thousand:
            StoreContents(
                keys: all.keys.filter { $0.key == "rsa" || !oneKey },
                certificates: Dictionary(
                    uniqueKeysWithValues: all.thousand.prefix(oneKey ? 999 : 996).enumerated().map { ("trusted\($0.offset)", $0.element) }
                )
            )
        }
    }
}

/// A way of making key stores: a tool and a format.
struct StoreWriter: Sendable, Hashable, CustomStringConvertible {
    let tool: StoreTool
    let form: StoreForm

    var description: String { "\(tool.rawValue), \(form.rawValue)" }

    /// Whether the tool puts one key into a file at most.
    var writesOneKey: Bool { tool == .openssl || tool == .cryptography }

    /// The files that this writer is asked for; what it cannot make stands in ``MatrixRules/unwritable``.
    var kinds: [StoreKind] {
        let kinds: [StoreKind] = form.isPKCS12 ? [.rsa, .ec, .ed25519, .long] : []
        return kinds + [.several, .trusted, .secret, .keyPassword, .emptyPassword, .otherPassword, .thousand]
    }

    static let all: [StoreWriter] = [
        (.jdk, [.jks, .jceks, .pkcs12, .legacy]), (.openssl, [.pkcs12, .legacy]), (.pyjks, [.jks, .jceks]), (.cryptography, [.pkcs12]),
        (.serval, [.jks, .jceks, .pkcs12, .legacy, .pbmac1]), (.servalKeytool, [.jks, .jceks, .pkcs12, .legacy]),
    ].flatMap { (tool: StoreTool, forms: [StoreForm]) in forms.map { StoreWriter(tool: tool, form: $0) } }
}

/// One file of the matrix.
struct StoreFile: Sendable {
    let writer: StoreWriter
    let kind: StoreKind
    let path: String
    let contents: StoreContents

    /// Whether a row of the matrix is about this file when it is read with this tool.
    func isRead(by reader: StoreTool) -> Bool {
        StoreRow.allCases.contains { $0.place(in: writer, for: reader).kind == kind }
    }
}

/// The rows of the matrix: what is looked at in a file.
enum StoreRow: String, CaseIterable, Sendable {
    case rsa = "RSA key"
    case ec = "EC key"
    case ed25519 = "Ed25519 key"
    case chainOfOne = "chain of 1"
    case chainOfTwo = "chain of 2"
    case chainOfThree = "chain of 3"
    case chainOfFour = "chain of 4"
    case several = "several keys"
    case trusted = "trusted only"
    case secret = "secret key"
    case keyPassword = "other key password"
    case emptyPassword = "empty password"
    case otherPassword = "non-ASCII password"
    case thousand = "1,000 entries"

    /// The file that the row is about, and the alias if it is about one entry of it.
    ///
    /// - Parameter reader: A reader of one key has each in a file of its own.
    func place(in writer: StoreWriter, for reader: StoreTool? = nil) -> (kind: StoreKind, alias: String?) {
        let isSingle = writer.writesOneKey || reader == .cryptography && writer.form.isPKCS12
        func single(_ kind: StoreKind) -> (StoreKind, String?) { isSingle ? (kind, nil) : (.several, kind.rawValue) }
        return switch self {
        case .rsa, .chainOfOne: single(.rsa)
        case .ec, .chainOfTwo: single(.ec)
        case .ed25519, .chainOfThree: single(.ed25519)
        case .chainOfFour: single(.long)
        case .several: (.several, nil)
        case .trusted: (.trusted, nil)
        case .secret: (.secret, nil)
        case .keyPassword: (.keyPassword, nil)
        case .emptyPassword: (.emptyPassword, nil)
        case .otherPassword: (.otherPassword, nil)
        case .thousand: (.thousand, nil)
        }
    }
}
