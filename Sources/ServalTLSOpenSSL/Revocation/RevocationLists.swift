import COpenSSL
import ServalTLS

/// A host's revocation lists, read from its files.
struct RevocationLists {
    /// One for each list, in the order of the files.
    private(set) var facts: [TLSRevocationFacts.RevocationList] = []
    /// The files' bytes.
    private(set) var contents: [[UInt8]] = []
    private let hostName: String

    /// Reads the files; at most 64 MiB each.
    ///
    /// - Throws: the first file that cannot be read or has no list.
    init(_ configuration: TLSHostConfiguration) throws(TLSError) {
        hostName = configuration.hostName
        var files = configuration.revocationListFiles
        for directory in configuration.revocationListDirectories { files += try filesInDirectory(directory) }
        for file in files {
            let bytes: [UInt8]
            do {
                bytes = try readFile(file, limit: 64 << 20)
            } catch {
                throw TLSError(.fileNotFound, about("The revocation list [\(file)] cannot be read: \(error.cause)"))
            }
            let countBefore = facts.count
            try Self.forEach(in: bytes) { list throws(TLSError) in
                let next = serval_seconds(X509_CRL_get0_nextUpdate(list))
                facts.append(
                    TLSRevocationFacts.RevocationList(
                        issuer: CertificateHandle.words(X509_CRL_get_issuer(list)),
                        path: file,
                        thisUpdate: Int(serval_seconds(X509_CRL_get0_lastUpdate(list))),
                        nextUpdate: next == 0 ? nil : Int(next)
                    )
                )
            }
            guard facts.count > countBefore else {
                throw TLSError(.invalidKeyMaterial, about("The file [\(file)] contains no revocation list, neither in PEM nor in DER"))
            }
            contents.append(bytes)
        }
    }

    /// Gives the lists to the store in which clients are verified.
    func add(to store: OpaquePointer) throws(TLSError) {
        for bytes in contents {
            try Self.forEach(in: bytes) { list throws(TLSError) in
                guard X509_STORE_add_crl(store, list) == 1 else {
                    throw TLSError(.invalidKeyMaterial, about("OpenSSL does not accept a revocation list: \(OpenSSLFailure.takeReason())"))
                }
            }
        }
    }

    /// What is to be said about the lists when a context is made.
    func warnings(_ policy: RevocationPolicy) -> [String] {
        let now = currentSecond()
        var warnings = facts.compactMap { list -> String? in
            guard let end = list.nextUpdate, end < now else { return nil }
            let outcome = if case .softFail = policy { "is no proof any more" } else { "lets nobody in any more" }
            return "The revocation list of [\(list.issuer)] in [\(list.path)] is out of date since \(UTCTime.words(end)) and \(outcome)"
        }
        if case .softFail = policy, !facts.isEmpty {
            warnings.append(
                "ocspSoftFail is [true], which goes for the revocation lists, too: where neither a current list nor a responder says anything, clients are let in"
            )
        }
        return warnings
    }

    /// Any number of lists in PEM, or one in DER, as authorities publish them.
    private static func forEach(in bytes: [UInt8], _ body: (OpaquePointer) throws(TLSError) -> Void) throws(TLSError) {
        defer { ERR_clear_error() }
        if bytes.first == 0x30, let list = parse(bytes) {
            defer { X509_CRL_free(list) }
            return try body(list)
        }
        guard let source = BIO_new_mem_buf(bytes, Int32(bytes.count)) else { throw TLSError(.backend, "Out of memory") }
        defer { BIO_free(source) }
        while let list = PEM_read_bio_X509_CRL(source, nil, nil, nil) {
            defer { X509_CRL_free(list) }
            try body(list)
        }
    }

    private static func parse(_ der: [UInt8]) -> OpaquePointer? {
        der.withUnsafeBufferPointer { bytes in
            var position = bytes.baseAddress
            return d2i_X509_CRL(nil, &position, bytes.count)
        }
    }

    private func about(_ words: String) -> String { "SSLHostConfig [\(hostName)]: \(words)" }
}
