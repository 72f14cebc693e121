/// Something about a key store, a key or a certificate that its owner should know, in words, with what to do.
public struct KeyStoreFinding: Hashable, Sendable {
    /// How bad it is.
    public enum Severity: String, Sendable, Hashable, CaseIterable, Comparable {
        /// Worth knowing; nothing has to be done.
        case info
        /// Works today, but is risky or about to fail.
        case warning
        /// Fails already with the server or with its clients, or gives the secret away.
        case error

        /// In the order of the cases.
        public static func < (lhs: Severity, rhs: Severity) -> Bool { lhs.rank < rhs.rank }

        private var rank: Int {
            switch self {
            case .info: 0
            case .warning: 1
            case .error: 2
            }
        }
    }

    /// What it is; see ``Code``.
    public let code: Code
    /// How bad it is.
    public let severity: Severity
    /// The entry it is about, or `nil` for the file as a whole and for files without aliases.
    public let alias: String?
    /// The number of the certificate it is about, from 1: in the entry's chain, else in the file.
    public let certificate: Int?
    /// What is the matter, in one or two sentences.
    public let message: String
    /// What to do about it.
    public let advice: String

    init(_ code: Code, _ severity: Severity, alias: String? = nil, certificate: Int? = nil, _ message: String, advice: String) {
        self.code = code
        self.severity = severity
        self.alias = alias
        self.certificate = certificate
        self.message = message
        self.advice = advice
    }
}

extension KeyStoreFinding {
    /// The name of a kind of finding, which scripts may rely on: codes are added and never change their meaning.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// Lower-case words with hyphens, such as `weak-key`.
        public let description: String
        /// What findings with this code say, in a few words.
        public let summary: String

        private init(_ description: String, _ summary: String) {
            self.description = description
            self.summary = summary
        }

        /// Equal when the names are.
        public static func == (lhs: Code, rhs: Code) -> Bool { lhs.description == rhs.description }

        /// Hashes the name.
        public func hash(into hasher: inout Hasher) { hasher.combine(description) }
    }
}

extension KeyStoreFinding.Code {
    // MARK: The file

    /// The file cannot be read: missing, no permission, a directory, larger than 64 MiB.
    public static let unreadableFile = Self("unreadable-file", "the file is missing, a directory, or must not be read")
    /// The file has no bytes.
    public static let emptyFile = Self("empty-file", "the file has no bytes")
    /// The file is something else than a key store, a key or a certificate.
    public static let notKeyMaterial = Self("not-key-material", "the file is something else, such as an error page or an archive")
    /// The file is damaged.
    public static let corrupt = Self("corrupt", "the file is cut off, changed, or contradicts itself")
    /// The file holds something that this library cannot open.
    public static let unsupported = Self("unsupported", "a format or algorithm that is known but cannot be opened here")
    /// The store's password is wrong.
    public static let wrongPassword = Self("wrong-password", "the password given does not open the file")
    /// Without a password a part could not be looked at.
    public static let notChecked = Self("not-checked", "a part could not be looked at for want of the right password")
    /// There is nothing in the store.
    public static let emptyStore = Self("empty-store", "the key store has no entries")
    /// Text that is not written the way programs expect it.
    public static let oddEncoding = Self("odd-encoding", "the text is not written as programs expect it (UTF-16, missing BEGIN line)")
    /// The file's mode lets others read a secret.
    public static let readableByOthers = Self("readable-by-others", "other users of the machine may read the private key")
    /// The file's mode lets others replace its contents.
    public static let writableByOthers = Self("writable-by-others", "other users of the machine may change the file")

    // MARK: The store's protection

    /// JKS or JCEKS.
    public static let proprietaryFormat = Self("proprietary-format", "JKS or JCEKS: an old format of Java's own")
    /// A PKCS12 file without MAC.
    public static let noIntegrity = Self("no-integrity", "nothing shows whether the PKCS12 file was changed")
    /// Few rounds of key derivation.
    public static let lowIterations = Self("low-iterations", "few rounds of key derivation: passwords can be guessed fast")
    /// RC2, RC4, DES, triple DES, MD5.
    public static let weakProtection = Self("weak-protection", "an old cipher or digest protects the contents")
    /// A private key in the clear.
    public static let unencryptedKey = Self("unencrypted-key", "a private key is not encrypted")

    // MARK: Entries

    /// A key entry without certificates.
    public static let keyWithoutChain = Self("key-without-chain", "a private key has no certificate")
    /// The key belongs to another certificate.
    public static let keyMismatch = Self("key-mismatch", "the private key does not belong to the certificate")
    /// The key could not be opened.
    public static let keyNotOpened = Self("key-not-opened", "the private key has another password or cannot be used")
    /// The same certificate under two aliases.
    public static let duplicateEntry = Self("duplicate-entry", "the same key or certificate stands there twice")
    /// Certificates of a PKCS12 file that Java does not see.
    public static let unmarkedCertificate = Self("unmarked-certificate", "certificates that Java does not list, for want of its mark of trust")

    // MARK: Certificates

    /// The bytes are not a certificate.
    public static let unreadableCertificate = Self("unreadable-certificate", "the bytes are not a certificate")
    /// A key that is too short.
    public static let weakKey = Self("weak-key", "the key is too short")
    /// A signature with a broken digest.
    public static let weakSignature = Self("weak-signature", "the signature uses a broken digest (SHA-1, MD5)")
    /// After the end of its validity.
    public static let expired = Self("expired", "the certificate has expired")
    /// The end of its validity is near.
    public static let expiresSoon = Self("expires-soon", "the certificate expires within the days asked about")
    /// Before the start of its validity.
    public static let notYetValid = Self("not-yet-valid", "the certificate is not valid yet")
    /// More than 398 days.
    public static let longValidity = Self("long-validity", "valid for longer than browsers accept from public authorities")
    /// No subject alternative names.
    public static let missingSAN = Self("missing-san", "no subject alternative name: browsers ignore CN")
    /// CN is a host name that the alternative names do not cover.
    public static let cnNotInSAN = Self("cn-not-in-san", "the host name in CN is not among the subject alternative names")
    /// An address written as a DNS name, or a name that no host can have.
    public static let oddSAN = Self("odd-san", "a subject alternative name that no client will match")
    /// A leaf that says that it is an authority.
    public static let caLeaf = Self("ca-leaf", "a server certificate that is marked as an authority (CA:true)")
    /// Extended key usage without serverAuth.
    public static let missingServerAuth = Self("missing-server-auth", "the extended key usage does not allow servers")
    /// Key usage without digitalSignature.
    public static let missingDigitalSignature = Self("missing-digital-signature", "the key usage does not allow TLS handshakes")

    // MARK: Chains

    /// An issuer is missing.
    public static let chainIncomplete = Self("chain-incomplete", "an intermediate certificate is missing")
    /// The last issuer is nowhere at hand.
    public static let unknownRoot = Self("unknown-root", "the root is neither in the file nor trusted by the system")
    /// In the wrong order.
    public static let chainOrder = Self("chain-order", "the certificates are in the wrong order")
    /// Certificates that belong to another chain.
    public static let superfluousCertificate = Self("superfluous-certificate", "certificates that do not belong to the chain")
    /// An issuer that has expired.
    public static let issuerExpired = Self("issuer-expired", "a certificate of the chain above the first has expired")
    /// An issuer that is not an authority.
    public static let issuerNotCA = Self("issuer-not-ca", "a certificate of the chain was issued by one that must not issue")
    /// The certificate vouches for itself.
    public static let selfSigned = Self("self-signed", "the certificate is signed by its own key")
    /// The name fits, the signature does not.
    public static let signatureMismatch = Self("signature-mismatch", "a certificate was not signed by the one that its issuer names")

    // MARK: Lists and requests

    /// The list's next update has passed.
    public static let staleList = Self("stale-list", "the revocation list should have been replaced by a newer one")

    /// Every code, in the order of the documentation.
    public static let all: [Self] = [
        unreadableFile, emptyFile, notKeyMaterial, corrupt, unsupported, wrongPassword, notChecked, emptyStore, oddEncoding, readableByOthers,
        writableByOthers, proprietaryFormat, noIntegrity, lowIterations, weakProtection, unencryptedKey, keyWithoutChain, keyMismatch, keyNotOpened,
        duplicateEntry, unmarkedCertificate, unreadableCertificate, weakKey, weakSignature, expired, expiresSoon, notYetValid, longValidity,
        missingSAN, cnNotInSAN, oddSAN, caLeaf, missingServerAuth, missingDigitalSignature, chainIncomplete, unknownRoot, chainOrder,
        superfluousCertificate, issuerExpired, issuerNotCA, selfSigned, signatureMismatch, staleList,
    ]
}
