/// Why a file is not written, not read, or not read as a whole.
///
/// Each rule is tested: where it applies, the tool must really do what the rule says.
struct MatrixRule: Sendable {
    enum Outcome: Sendable {
        /// The tool says no, and its words contain this text.
        case refused(String)
        /// The tool reads the file and leaves out what the row is about.
        case lacks
    }

    let writers: Set<StoreWriter>
    let readers: Set<StoreTool>
    let rows: Set<StoreRow>
    let outcome: Outcome
    let reason: String

    /// - Parameters:
    ///   - readers: Empty for what cannot even be written.
    ///   - rows: Empty for all.
    init(
        _ readers: Set<StoreTool> = [],
        _ rows: Set<StoreRow> = [],
        _ outcome: Outcome,
        because reason: String,
        writers: (StoreWriter) -> Bool
    ) {
        self.writers = Set(StoreWriter.all.filter(writers))
        self.readers = readers
        self.rows = rows.isEmpty ? Set(StoreRow.allCases) : rows
        self.outcome = outcome
        self.reason = reason
    }

    func applies(_ writer: StoreWriter, _ reader: StoreTool, _ row: StoreRow) -> Bool {
        writers.contains(writer) && readers.contains(reader) && rows.contains(row)
    }
}

/// What the formats and the tools cannot do.
enum MatrixRules {
    private static let keytools: Set<StoreTool> = [.jdk, .servalKeytool]

    /// Files that cannot be written, whoever would read them.
    static let unwritable: [MatrixRule] = [
        MatrixRule([], [], .refused("not implemented"), because: "pyjks reads JCEKS and does not write it") {
            $0.tool == .pyjks && $0.form == .jceks
        },
        MatrixRule([], [.several], .refused("one key is in the file"), because: "the tool puts one key into a file") { $0.tool == .openssl },
        MatrixRule([], [.several], .refused("Key must be"), because: "the tool puts one key into a file") { $0.tool == .cryptography },
        MatrixRule([], [.keyPassword], .refused("opens with the store's"), because: "in PKCS12 the tools put keys under the store's password") {
            $0.form.isPKCS12
        },
        MatrixRule([], [.secret], .refused("Cannot store non-PrivateKeys"), because: "a JKS file holds no secret keys") {
            $0.form == .jks && $0.tool != .pyjks
        },
        MatrixRule([], [.secret], .refused("not implemented"), because: "a JKS file holds no secret keys") {
            $0.form == .jks && $0.tool == .pyjks
        },
        MatrixRule([], [.secret], .refused("Could not read private key"), because: "the tool writes no secret keys") { $0.tool == .openssl },
        MatrixRule([], [.secret], .refused("Key must be"), because: "the tool writes no secret keys") { $0.tool == .cryptography },
        MatrixRule([], [.emptyPassword], .refused("at least 6 characters"), because: "keytool wants six characters for a new password") {
            keytools.contains($0.tool)
        },
        MatrixRule([], [.emptyPassword], .refused("must be 1 or more bytes"), because: "cryptography wants a password or no encryption at all") {
            $0.tool == .cryptography
        },
        MatrixRule([], [.otherPassword], .refused("Password is not ASCII"), because: "the JDK takes only ASCII passwords for PKCS12") {
            $0.tool == .jdk && $0.form.isPKCS12
        },
        MatrixRule([], [.otherPassword], .refused("ASCII"), because: "a JCEKS file protects keys under ASCII passwords only") {
            $0.form == .jceks && $0.tool != .pyjks
        },
    ]

    /// Files that cannot be read, or not as a whole.
    static let unreadable: [MatrixRule] = [
        MatrixRule([.pyjks], [], .refused("Not a JKS or JCEKS keystore"), because: "pyjks reads JKS and JCEKS") { $0.form.isPKCS12 },
        MatrixRule([.openssl], [], .refused("asn1 encoding routines"), because: "OpenSSL reads PKCS12 only") { !$0.form.isPKCS12 },
        MatrixRule([.cryptography], [], .refused("Could not deserialize PKCS12 data"), because: "cryptography reads PKCS12 only") {
            !$0.form.isPKCS12
        },
        MatrixRule([.jdk], [.otherPassword], .refused("keystore password was incorrect"), because: "the JDK takes only ASCII passwords for PKCS12") {
            $0.form.isPKCS12
        },
        MatrixRule([.jdk], [], .refused("1.2.840.113549.1.5.14"), because: "JDK 17 does not know PBMAC1 (RFC 9579)") { $0.form == .pbmac1 },
        MatrixRule([.openssl], [], .refused("Mac verify error"), because: "OpenSSL knows PBMAC1 (RFC 9579) since 3.4") { $0.form == .pbmac1 },
        MatrixRule([.cryptography], [], .refused("Invalid password or PKCS12 data"), because: "it uses OpenSSL 3.0, which does not know PBMAC1") {
            $0.form == .pbmac1
        },
        MatrixRule(keytools, [.trusted, .thousand], .lacks, because: "certificates without the JDK's mark of trust are no entries") {
            $0.writesOneKey
        },
        MatrixRule([.openssl, .cryptography], [.secret], .lacks, because: "the tool passes over secret keys") { $0.form.isPKCS12 },
        MatrixRule([.cryptography], [.several, .thousand], .lacks, because: "cryptography returns the first key of a file only") {
            $0.form.isPKCS12 && !$0.writesOneKey
        },
    ]
}
