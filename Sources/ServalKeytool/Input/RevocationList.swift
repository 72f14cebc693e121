import ServalKeyStore

/// A certificate revocation list (RFC 5280 section 5), whose entries are read one by one.
struct RevocationList {
    struct Entry {
        let serialNumber: ArraySlice<UInt8>
        /// Seconds since 1970.
        let date: Int64
        let extensions: [CertificateFields.Extension]
    }

    let der: [UInt8]
    /// 1 or 2.
    let version: Int
    let signatureAlgorithm: OID
    let issuer: CertificateFields.Name
    /// Seconds since 1970.
    let thisUpdate: Int64
    /// Seconds since 1970.
    let nextUpdate: Int64?
    /// Nil if the list has no place for extensions.
    let extensions: [CertificateFields.Extension]?
    let signature: [UInt8]

    private let revoked: ASN1Value?
    private let information: [UInt8]
    private let algorithmIdentifier: [UInt8]

    init(der: [UInt8]) throws {
        self.der = der
        var outer = try ASN1Value(der).reader()
        let information = try outer.next()
        let algorithm = try outer.next()
        let signature = try outer.next()
        var fields = try information.reader()
        version = (try fields.next(ifTag: ASN1Value.integer)?.integer() ?? 0) + 1
        _ = try fields.next().reader()
        issuer = try CertificateFields.Name(fields.next())
        thisUpdate = try ASN1Time.seconds(fields.next())
        nextUpdate = fields.nextTag == 0x17 || fields.nextTag == 0x18 ? try ASN1Time.seconds(fields.next()) : nil
        revoked = try fields.next(ifTag: ASN1Value.sequence)
        extensions = try fields.next(ifTag: 0xA0)?.explicit(0).children().map { try CertificateFields.Extension($0) }
        var identifier = try algorithm.reader()
        signatureAlgorithm = try identifier.next().objectIdentifier()
        guard signature.tag == ASN1Value.bitString, !signature.content.isEmpty else { throw KnownExtension.Malformed("no signature") }
        self.signature = Array(signature.content.dropFirst())
        self.information = Array(information.encoded)
        algorithmIdentifier = Array(algorithm.encoded)
    }

    /// Calls `body` with each entry.
    func forEachEntry(_ body: (Entry) throws -> Void) throws {
        guard var reader = try revoked?.reader() else { return }
        while !reader.isAtEnd {
            var fields = try reader.next().reader()
            let serialNumber = try fields.next()
            guard serialNumber.tag == ASN1Value.integer else { throw KnownExtension.Malformed("an entry has no serial number") }
            let date = try ASN1Time.seconds(fields.next())
            let extensions = try fields.isAtEnd ? [] : fields.next().children().map { try CertificateFields.Extension($0) }
            try body(Entry(serialNumber: serialNumber.content, date: date, extensions: extensions))
        }
    }

    /// How many entries there are.
    func countEntries() throws -> Int {
        guard var reader = try revoked?.reader() else { return 0 }
        var count = 0
        while !reader.isAtEnd {
            _ = try reader.next()
            count += 1
        }
        return count
    }

    /// Whether the key of this certificate signed the list, and the names agree.
    func isSigned(by certificate: CertificateData) -> Bool {
        guard let fields = try? certificate.fields(), fields.subject.der == issuer.der else { return false }
        return SignatureAlgorithm.isValid(
            signature,
            of: information,
            algorithmIdentifier: algorithmIdentifier,
            publicKeyInfo: fields.publicKeyInfo
        )
    }
}

// MARK: Reading

extension RevocationList {
    /// The largest lists of public authorities have tens of megabytes.
    private static let sizeLimit = 256 << 20

    /// All lists in a file or on standard input: PEM, DER, PKCS#7, or several of them one after the other.
    static func read(_ path: String?, in session: Session) throws -> [RevocationList] {
        let bytes = try path.map { try InputFile(path: $0).read(limit: sizeLimit) } ?? session.console.readAll(limit: sizeLimit)
        guard !bytes.isEmpty else { return [] }
        do {
            return try encodings(in: bytes).map(RevocationList.init(der:))
        } catch let error as KeyStoreError {
            throw refused("Not a certificate revocation list: \(error.message)")
        } catch let error as KnownExtension.Malformed {
            throw refused("Not a certificate revocation list: \(error.reason)")
        }
    }

    private static func encodings(in bytes: [UInt8]) throws -> [[UInt8]] {
        guard bytes.first != ASN1Value.sequence else {
            if let parts = try? SignedDataParts(bytes) { return parts.revocationLists }
            var reader = ASN1Reader(bytes[...])
            var found: [[UInt8]] = []
            while !reader.isAtEnd { found.append(Array(try reader.next().encoded)) }
            return found
        }
        let blocks = try PEM.blocks(in: bytes)
        guard !blocks.isEmpty else { throw refused("No CRL data found") }
        return try blocks.flatMap { $0.label == "PKCS7" ? try SignedDataParts($0.bytes).revocationLists : [$0.bytes] }
    }

    private static func refused(_ message: String) -> Failure {
        .exception(javaClass: "java.security.cert.CRLException", message: message)
    }
}
