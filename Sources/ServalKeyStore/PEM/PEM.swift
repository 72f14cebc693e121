/// Text with base64 blocks between `-----BEGIN …-----` and `-----END …-----` lines (RFC 7468 and its looser ancestors).
public enum PEM {
    /// One block.
    public struct Block: Sendable, Hashable {
        /// What stands after BEGIN, such as `CERTIFICATE`.
        public var label: String
        /// The encapsulated headers (`Proc-Type: 4,ENCRYPTED`), names as written.
        public var headers: [Header]
        /// The decoded bytes.
        public var bytes: [UInt8]
        /// The number of the BEGIN line in its text, from 1.
        public var line: Int

        /// Makes a block.
        public init(label: String, headers: [Header] = [], bytes: [UInt8], line: Int = 1) {
            self.label = label
            self.headers = headers
            self.bytes = bytes
            self.line = line
        }
    }

    /// One encapsulated header of a block.
    public struct Header: Sendable, Hashable {
        /// What stands before the colon.
        public var name: String
        /// What stands after it.
        public var value: String

        /// Makes a header.
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// All blocks of a text; anything outside them is a comment.
    ///
    /// A byte order mark, UTF-16 with such a mark and any line ends are accepted.
    /// - Throws: `invalidInput` with the line, for base64 that is wrong and for a BEGIN without its END.
    public static func blocks(in text: some Collection<UInt8>) throws(KeyStoreError) -> [Block] {
        var parser = PEMParser(text)
        return try parser.blocks()
    }

    /// A block as text with lines of 64 columns, each ending with a line feed.
    public static func encode(_ bytes: [UInt8], label: String) -> String {
        PEMParser.encode(bytes, label: label)
    }

    /// All certificates in PEM text (certificates and PKCS#7 blocks), in a DER certificate, or in a DER PKCS#7 bundle, in their order.
    ///
    /// Blocks with other labels (keys, DH parameters) are passed over.
    /// - Throws: `empty` for no bytes, `invalidInput` when no certificate is found or one is not a certificate.
    public static func certificates(in bytes: [UInt8]) throws(KeyStoreError) -> [CertificateData] {
        try PEMCertificates.certificates(in: bytes)
    }

    /// The certificates in the file at `path`, as ``certificates(in:)``; messages name the file.
    public static func certificates(contentsOf path: String) throws(KeyStoreError) -> [CertificateData] {
        let bytes = try KeyFile.read(path)
        do throws(KeyStoreError) {
            return try certificates(in: bytes)
        } catch {
            throw error.about(path)
        }
    }

    /// The first private key in PEM text or in DER: PKCS#8, PKCS#1, SEC1, encrypted PKCS#8, and keys with legacy `Proc-Type` encryption.
    ///
    /// - Throws: `empty` when there is no private key, `wrongKeyPassword`, `unsupportedAlgorithm`, `invalidInput`, `corrupt`.
    public static func privateKey(in bytes: [UInt8], password: String? = nil) throws(KeyStoreError) -> PrivateKey {
        try PEMPrivateKey.privateKey(in: bytes, password: password)
    }

    /// The private key in the file at `path`, as ``privateKey(in:password:)``; messages name the file.
    public static func privateKey(contentsOf path: String, password: String? = nil) throws(KeyStoreError) -> PrivateKey {
        let bytes = try KeyFile.read(path)
        do throws(KeyStoreError) {
            return try privateKey(in: bytes, password: password)
        } catch {
            throw error.about(path)
        }
    }

    static func looksLikePEM(_ bytes: [UInt8]) -> Bool {
        PEMParser.containsBlock(bytes)
    }
}
