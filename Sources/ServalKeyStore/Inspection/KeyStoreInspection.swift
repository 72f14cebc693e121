#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What a file is, what is in it, and what is wrong with it, for any file that somebody takes for a key store, a key or a certificate.
///
/// Reading never fails: a file that is something else, or damaged, is described as far as it goes. Nothing secret shows: keys are described by
/// their kind, passwords not at all.
public struct KeyStoreInspection: Sendable {
    /// What kind of file it is.
    public struct Format: Hashable, Sendable {
        /// A short name for programs, such as `pkcs12`; names are added and never change their meaning.
        public let code: String
        /// A name for people, such as `PKCS12 key store`.
        public let name: String
    }

    /// One fact, such as `MAC` and how it is made.
    public struct Detail: Hashable, Sendable {
        /// What it is about, in a few words; unique among the details beside it.
        public let name: String
        /// What there is to say.
        public let value: String
    }

    /// Something that the file holds.
    public struct Item: Hashable, Sendable {
        /// What an item is.
        public enum Kind: String, Sendable, Hashable, CaseIterable {
            /// A private key, with its certificates as ``Item/parts`` where the format keeps them together.
            case privateKey
            /// A certificate.
            case certificate
            /// A certificate that the store says is trusted.
            case trustedCertificate
            /// A secret (symmetric) key.
            case secretKey
            /// A request for a certificate (PKCS#10).
            case certificateRequest
            /// A list of revoked certificates.
            case revocationList
            /// A public key by itself.
            case publicKey
            /// Parameters of Diffie-Hellman, DSA or a curve.
            case parameters
            /// A part that only the password opens.
            case encryptedPart
            /// Anything else.
            case other
        }

        /// What it is.
        public let kind: Kind
        /// Its alias or name in the file, if it has one.
        public var alias: String?
        /// The line where it begins, from 1, in a text file.
        public var line: Int?
        /// Facts about it.
        public var details: [Detail]
        /// What belongs to it: the certificates of a private key.
        public var parts: [Item] = []

        init(_ kind: Kind, alias: String? = nil, line: Int? = nil, _ details: [Detail], parts: [Item] = []) {
            self.kind = kind
            self.alias = alias
            self.line = line
            self.details = details
            self.parts = parts
        }
    }

    /// What kind of file it is.
    public let format: Format
    /// The number of bytes.
    public let size: Int
    /// Facts about the file as a whole: how it is protected.
    public let details: [Detail]
    /// What it holds, in the file's order, as far as it is visible.
    public let items: [Item]
    /// What is wrong with it, the worst first.
    public let findings: [KeyStoreFinding]

    /// Every certificate that is visible, in the file's order: with and without keys, trusted or not, also in text that programs do not read.
    public let certificates: [CertificateData]

    /// Looks into the bytes of a file.
    ///
    /// - Parameters:
    ///   - password: The password of the store or of an encrypted PEM key; without one, what is encrypted stays closed.
    ///   - keyPassword: The password of the keys, if it is another one.
    ///   - lint: The checks that certificates and chains have to pass.
    public init(bytes: [UInt8], password: String? = nil, keyPassword: String? = nil, lint: KeyStoreLint = KeyStoreLint()) {
        let passwords = FileContents.Passwords(store: password, key: keyPassword)
        self.init(FileContents(bytes, passwords: passwords), size: bytes.count, mode: nil, lint: lint)
    }

    /// Looks into the file at `path`, and at who may read and write it.
    ///
    /// A missing file, a directory and a file without permission are findings like any other.
    public init(contentsOf path: String, password: String? = nil, keyPassword: String? = nil, lint: KeyStoreLint = KeyStoreLint()) {
        var status = stat()
        let isThere = stat(path, &status) == 0
        if isThere, status.st_mode & S_IFMT == S_IFDIR {
            self.init(FileContents.directory, size: 0, mode: nil, lint: lint)
            return
        }
        do throws(KeyStoreError) {
            let bytes = try KeyFile.read(path)
            let passwords = FileContents.Passwords(store: password, key: keyPassword)
            self.init(FileContents(bytes, passwords: passwords), size: bytes.count, mode: isThere ? status.st_mode : nil, lint: lint)
        } catch {
            self.init(error.code == .empty ? FileContents([], passwords: .none) : .unreadable(error), size: 0, mode: nil, lint: lint)
        }
    }

    private init(_ contents: FileContents, size: Int, mode: mode_t?, lint: KeyStoreLint) {
        var findings = contents.findings + lint.findings(in: contents.material)
        if let mode { findings += FilePermissions.findings(mode, contents) }
        self.format = contents.format
        self.size = size
        self.details = contents.details
        self.items = contents.items
        self.certificates = contents.material.allCertificates
        self.findings = KeyStoreLint.sorted(findings)
    }
}

/// Who else may read or change a file with secrets.
private enum FilePermissions {
    static func findings(_ mode: mode_t, _ contents: FileContents) -> [KeyStoreFinding] {
        var findings: [KeyStoreFinding] = []
        let octal = String(mode & 0o7777, radix: 8)
        if mode & S_IROTH != 0, contents.secrecy != .none {
            let isClear = contents.secrecy == .clear
            findings.append(
                KeyStoreFinding(
                    .readableByOthers,
                    isClear ? .error : .warning,
                    isClear
                        ? "Every user of this machine may read the private key (mode \(octal))."
                        : "Every user of this machine may copy the file (mode \(octal)) and try passwords at leisure.",
                    advice: "chmod 600, and give it to the user that the server runs as."
                )
            )
        }
        if mode & S_IWOTH != 0, contents.secrecy != .none || !contents.items.isEmpty {
            findings.append(
                KeyStoreFinding(
                    .writableByOthers,
                    .error,
                    "Every user of this machine may replace the contents of the file (mode \(octal)).",
                    advice: "chmod o-w."
                )
            )
        }
        return findings
    }
}
