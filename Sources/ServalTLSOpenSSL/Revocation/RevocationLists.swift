import COpenSSL
import ServalKeyStore
import ServalTLS

/// A host's revocation lists, read from its files.
struct RevocationLists {
    /// One for each list, in the order of the files.
    private(set) var facts: [TLSRevocationFacts.RevocationList] = []
    /// The lists in DER.
    private(set) var contents: [[UInt8]] = []
    /// Numbers that stand for their issuers' names.
    private(set) var issuers: Set<UInt> = []
    private let hostName: String

    /// Reads the files; at most 64 MiB each.
    ///
    /// - Throws: the first file that cannot be read, has no list, or has one that is broken: a list that is left out lets revoked clients in.
    init(_ configuration: TLSHostConfiguration) throws(TLSError) {
        hostName = configuration.hostName
        var files = configuration.revocationListFiles
        for directory in configuration.revocationListDirectories { files += try filesInDirectory(directory) }
        for file in files {
            let bytes: [UInt8]
            do {
                bytes = try readFile(file, limit: 64 << 20)
            } catch {
                throw TLSError(.fileNotFound, about("The revocation list [\(file)] \(fileObstacle(file) ?? "cannot be read: \(error.cause)")"))
            }
            let blocks = try blocks(in: bytes, of: file)
            guard !blocks.isEmpty else {
                throw TLSError(.invalidKeyMaterial, about("The file [\(file)] contains no revocation list, neither in PEM nor in DER"))
            }
            for block in blocks { try take(block, from: file) }
        }
    }

    private mutating func take(_ block: PEM.Block, from file: String) throws(TLSError) {
        guard let list = Self.parse(block.bytes) else {
            let reason = OpenSSLFailure.takeReason()
            throw TLSError(.invalidKeyMaterial, about("[\(file)] line \(block.line): this is no revocation list, or a part of one (\(reason))"))
        }
        defer { X509_CRL_free(list) }
        let next = serval_seconds(X509_CRL_get0_nextUpdate(list))
        facts.append(
            TLSRevocationFacts.RevocationList(
                issuer: CertificateHandle.words(X509_CRL_get_issuer(list)),
                path: file,
                thisUpdate: Int(serval_seconds(X509_CRL_get0_lastUpdate(list))),
                nextUpdate: next == 0 ? nil : Int(next)
            )
        )
        issuers.insert(Self.number(X509_CRL_get_issuer(list)))
        contents.append(block.bytes)
    }

    /// A number that is the same for names that are the same to OpenSSL.
    static func number(_ name: OpaquePointer?) -> UInt { X509_NAME_hash_ex(name, nil, nil, nil) }

    /// Refuses lists that bear the name of a trusted authority which has not signed them: nobody could be let in by them, whoever has put them there.
    ///
    /// A list that says that another key has signed it may stand beside one of the authority's present key. About lists of authorities that are not trusted
    /// themselves nothing can be said yet: their certificates come from clients.
    func checkSignatures(_ anchors: [CertificateHandle]) throws(TLSError) {
        let names = anchors.map { Self.number(X509_get_subject_name($0.pointer)) }
        var proven: Set<UInt> = []
        var open: [(fact: TLSRevocationFacts.RevocationList, issuer: UInt)] = []
        for (fact, bytes) in zip(facts, contents) {
            guard let list = Self.parse(bytes) else { continue }
            defer { X509_CRL_free(list) }
            let issuer = Self.number(X509_CRL_get_issuer(list))
            let findings = zip(anchors, names).filter { $0.1 == issuer }.map { Int($0.0.findingAbout(list)) }
            guard !findings.isEmpty else { continue }
            if findings.contains(SERVAL_SIGNED) {
                proven.insert(issuer)
            } else if findings.contains(SERVAL_NOT_SIGNED) {
                throw unsigned(fact)
            } else {
                open.append((fact, issuer))
            }
        }
        if let list = open.first(where: { !proven.contains($0.issuer) }) { throw unsigned(list.fact) }
    }

    private func unsigned(_ list: TLSRevocationFacts.RevocationList) -> TLSError {
        TLSError(
            .invalidKeyMaterial,
            about(
                "The revocation list of [\(list.issuer)] in [\(list.path)] is not signed by the trusted authority of this name: it is forged, damaged, or of another authority"
            )
        )
    }

    /// What tells the lists from others.
    var marks: [TLSHostDescription.RevocationListMark] {
        zip(facts, contents).map {
            .init(
                path: $0.path,
                issuer: $0.issuer,
                fingerprint: CertificateData(der: $1).sha256Fingerprint,
                thisUpdate: $0.thisUpdate,
                nextUpdate: $0.nextUpdate
            )
        }
    }

    /// Gives the lists to the store in which clients are verified.
    func add(to store: OpaquePointer) throws(TLSError) {
        for bytes in contents {
            guard let list = Self.parse(bytes) else { continue }
            defer { X509_CRL_free(list) }
            guard X509_STORE_add_crl(store, list) == 1 else {
                throw TLSError(.invalidKeyMaterial, about("OpenSSL does not accept a revocation list: \(OpenSSLFailure.takeReason())"))
            }
        }
    }

    /// What is to be said about the lists when a context is made.
    func warnings(_ policy: RevocationPolicy) -> [String] {
        let now = currentSecond()
        var warnings = facts.compactMap { list -> String? in
            if list.thisUpdate > now {
                let outcome = if case .softFail = policy { "is no proof before" } else { "lets nobody in before" }
                return "The revocation list of [\(list.issuer)] in [\(list.path)] is not valid yet and \(outcome) \(UTCTime.words(list.thisUpdate))"
            }
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
    private func blocks(in bytes: [UInt8], of file: String) throws(TLSError) -> [PEM.Block] {
        if bytes.first == 0x30, let list = Self.parse(bytes) {
            X509_CRL_free(list)
            return [PEM.Block(label: "X509 CRL", bytes: bytes)]
        }
        if let line = Self.lineOfHalfBlock(in: bytes) {
            throw TLSError(
                .invalidKeyMaterial,
                about("[\(file)] line \(line): a PEM block is cut off, and without all of its revocation lists the file is not used")
            )
        }
        do throws(KeyStoreError) {
            return try PEM.blocks(in: bytes).filter { $0.label == "X509 CRL" }
        } catch {
            throw TLSError(
                .invalidKeyMaterial,
                about("[\(file)] is not valid PEM, and without all of its revocation lists it is not used: \(error.message)")
            )
        }
    }

    /// Where a BEGIN line or an END line stands without the other, or a part of one; what is not in a block would count as a comment.
    private static func lineOfHalfBlock(in bytes: [UInt8]) -> Int? {
        var beginning: Int?
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            guard line.starts(with: "-----".utf8), line.count > 5 else { continue }
            var text = line
            while let last = text.last, last == UInt8(ascii: "\r") || last == UInt8(ascii: " ") || last == UInt8(ascii: "\t") { text.removeLast() }
            let isWhole = text.count > 15 && text.suffix(5).elementsEqual("-----".utf8)
            if isWhole, text.starts(with: "-----BEGIN ".utf8), beginning == nil {
                beginning = index + 1
            } else if isWhole, text.starts(with: "-----END ".utf8), beginning != nil {
                beginning = nil
            } else if text.contains(where: { $0 != UInt8(ascii: "-") }) {
                return beginning ?? index + 1
            }
        }
        return beginning
    }

    /// Nil if the bytes are not exactly one list.
    private static func parse(_ der: [UInt8]) -> OpaquePointer? {
        der.withUnsafeBufferPointer { bytes in
            var position = bytes.baseAddress
            guard let list = d2i_X509_CRL(nil, &position, bytes.count) else { return nil }
            guard let position, let start = bytes.baseAddress, position - start == bytes.count else {
                X509_CRL_free(list)
                return nil
            }
            return list
        }
    }

    private func about(_ words: String) -> String { "SSLHostConfig [\(hostName)]: \(words)" }
}
