import ServalKeyStore

/// The certificates in a file or on standard input.
enum CertificateInput {
    /// A bundle of the world's certificate authorities has less than a megabyte.
    private static let sizeLimit = 16 << 20

    /// All certificates of the input, in their order: PEM, DER, PKCS#7, or several of them one after the other.
    ///
    /// - Parameter path: The file, nil for standard input.
    static func read(_ path: String?, in session: Session) throws -> [CertificateData] {
        let bytes = try path.map { try InputFile(path: $0).read(limit: sizeLimit) } ?? session.console.readAll(limit: sizeLimit)
        guard !bytes.isEmpty else { throw Failure.error("Empty input") }
        let certificates: [CertificateData]
        do {
            certificates = try leadingBinary(bytes) ?? PEM.certificates(in: bytes)
        } catch {
            if isEmptyBundle(bytes) { throw Failure.error("Empty input") }
            throw Failure.error("Failed to parse input")
        }
        return certificates
    }

    /// The certificates of a file that begins with one in DER and goes on in PEM; nil for other files.
    private static func leadingBinary(_ bytes: [UInt8]) throws -> [CertificateData]? {
        guard bytes.first == ASN1Value.sequence, let first = try? ASN1Value(bytes, allowingTrailing: true).encoded,
            let next = bytes[first.endIndex...].first, next != ASN1Value.sequence
        else { return nil }
        return try PEM.certificates(in: Array(first)) + PEM.certificates(in: Array(bytes[first.endIndex...]))
    }

    /// Whether this is a PKCS#7 bundle in which there is nothing.
    private static func isEmptyBundle(_ bytes: [UInt8]) -> Bool {
        let blocks = (try? PEM.blocks(in: bytes)) ?? []
        let bundle = blocks.first { $0.label == "PKCS7" }?.bytes ?? bytes
        return (try? SignedDataParts(bundle)) != nil
    }
}
