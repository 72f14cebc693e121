import ServalKeyStore

/// Finding the chain that an authority's reply means for the key that it was asked for.
///
/// A reply that is as the JDK expects it is treated as the JDK does. Where the JDK gives up, the chain is looked for among all certificates at hand:
/// those of the reply in any order and mixture, of the store, of the entry's present chain, and of the system.
struct ReplyImport {
    /// The key's certificate first, the root last.
    struct Result {
        let chain: [CertificateData]
        /// Certificates of the reply that the chain has no use for.
        let leftOut: [CertificateData]
        /// Whether the person has to say whether the last certificate is trusted.
        let isQuestionable: Bool
    }

    let session: Session
    let opened: OpenKeyStore
    let alias: String
    /// The authorities that count as trusted besides those of the store.
    let system: [CertificateData]

    /// The chain that a reply means.
    func result(of reply: [CertificateData], for key: PrivateKeyEntry) throws -> Result {
        guard let present = key.certificateChain.first else {
            throw Failure.error("Alias <\(alias)> has no public key (certificate)")
        }
        if let password = session.options[.keypass], opened.store.format != .pkcs12 {
            do {
                _ = try key.privateKey(password: password)
            } catch {
                throw Failure(error)
            }
        }
        var distinct: [CertificateData] = []
        for certificate in reply where !distinct.contains(certificate) { distinct.append(certificate) }
        let known = key.certificateChain.dropFirst()
        return try distinct.count == 1
            ? result(of: distinct[0], replacing: present, known: known) : result(of: distinct, replacing: present, known: known)
    }

    /// Asks whether a chain with an unknown root is to be installed.
    func confirm(_ result: Result) throws -> Bool {
        guard result.isQuestionable, let top = result.chain.last else { return true }
        session.console.print(error: "\nTop-level certificate in reply:")
        session.console.print(text: CertificateBlock.text(top))
        session.console.print(error: "\n... is not trusted. ", terminator: "")
        session.printWarnings(beforeQuestion: true)
        return try session.console.confirm("Install reply anyway? [no]:  ")
    }

    /// Where a certificate of the chain comes from, in words.
    func origin(of certificate: CertificateData, reply: [CertificateData], key: PrivateKeyEntry) -> String {
        if reply.contains(certificate) { return "from the reply" }
        let alias = opened.store.aliases.first { opened.store[$0]?.certificate == certificate }
        if let alias { return "from the keystore, alias <\(alias)>" }
        return key.certificateChain.contains(certificate) ? "from the present chain" : "from the system's authorities"
    }

    // MARK: A single certificate

    /// The chain of a reply of one certificate, from what the store and the system trust.
    private func result(of certificate: CertificateData, replacing present: CertificateData, known: some Sequence<CertificateData>) throws -> Result {
        guard certificate.hasPublicKey(of: present) else {
            explainOtherKey([certificate])
            throw Failure.error("Public keys in reply and keystore don't match")
        }
        guard certificate != present else { throw Failure.error("Certificate reply and certificate in keystore are identical") }
        var found = ChainSearch(trusted).chain(from: certificate)
        if found == nil {
            // The JDK ends here; after a renewal the present chain usually has the issuers.
            found = ChainSearch(trusted + known).chain(from: certificate)
            if found != nil { session.console.print(error: "The chain was completed with the issuers of the present certificate.") }
        }
        guard let chain = found else {
            explainGap(above: certificate, pool: trusted + known)
            throw Failure.error("Failed to establish chain from reply")
        }
        for issuer in chain.dropFirst().reversed() { warn(about: issuer, label: issuerLabel(issuer)) }
        warn(about: certificate, label: "The input")
        return Result(chain: chain, leftOut: [], isQuestionable: false)
    }

    // MARK: Several certificates

    /// The chain of a bundle, in any order, whose top the store, the system or the person trusts.
    private func result(of bundle: [CertificateData], replacing present: CertificateData, known: some Sequence<CertificateData>) throws -> Result {
        let own = bundle.filter { $0.hasPublicKey(of: present) }
        // Of several certificates for the key, the newest is the one that was asked for.
        guard let leaf = own.max(by: { start($0) < start($1) }) else {
            explainOtherKey(bundle)
            throw Failure.error("Certificate reply does not contain public key for <\(alias)>")
        }
        var chain = best(ChainSearch(bundle).paths(from: leaf))
        if chain.count < bundle.count, chain.last?.isSelfSigned != true {
            // The JDK ends here.
            let completed = best(ChainSearch(bundle + trusted + known).paths(from: leaf))
            guard rank(completed) != .open else {
                explainGap(above: leaf, pool: bundle + trusted + known)
                throw Failure.error("Incomplete certificate chain in reply")
            }
            chain = completed
        }
        for (index, link) in chain.enumerated() { warn(about: link, label: "Reply #\(index + 1) of \(chain.count)") }
        let leftOut = bundle.filter { !chain.contains($0) }
        guard !session.options.has(.noprompt), let top = chain.last, !trusted.contains(top) else {
            return Result(chain: chain, leftOut: leftOut, isQuestionable: false)
        }
        if !top.isSelfSigned, let root = ChainSearch(trusted).issuer(of: top) {
            warn(about: root, label: issuerLabel(root))
            return Result(chain: chain + [root], leftOut: leftOut, isQuestionable: false)
        }
        return Result(chain: chain, leftOut: leftOut, isQuestionable: true)
    }

    /// How a way up ends.
    private enum End: Int {
        case open, root, trusted
    }

    private func rank(_ path: [CertificateData]) -> End {
        guard let top = path.last else { return .open }
        if trusted.contains(top) || (!top.isSelfSigned && ChainSearch(trusted).issuer(of: top) != nil) { return .trusted }
        return top.isSelfSigned ? .root : .open
    }

    /// The way up that ends best: at something trusted, else with a root, else the longest; of equals the first.
    private func best(_ paths: [[CertificateData]]) -> [CertificateData] {
        guard paths.count > 1 else { return paths.first ?? [] }
        let ranked = paths.map { (path: $0, end: rank($0)) }
        let best = ranked.map(\.end.rawValue).max() ?? 0
        let candidates = ranked.filter { $0.end.rawValue == best }.map(\.path)
        guard best == End.open.rawValue else { return candidates[0] }
        return candidates.reduce(candidates[0]) { $1.count > $0.count ? $1 : $0 }
    }

    private func start(_ certificate: CertificateData) -> Int64 { (try? certificate.fields().notBefore) ?? .min }

    // MARK: Words

    /// Every certificate of the store, also those of private keys, as the JDK does: an authority may live in the same store.
    private var trusted: [CertificateData] {
        opened.store.aliases.compactMap { opened.store[$0]?.certificate } + system
    }

    private func explainGap(above certificate: CertificateData, pool: [CertificateData]) {
        let others = session.options.has(.trustcacerts) ? nil : SystemCertificates.load(session.environment)
        MissingIssuer(above: certificate, pool: pool, system: others)?.explain(in: session)
    }

    /// Says whose certificate it is instead.
    private func explainOtherKey(_ reply: [CertificateData]) {
        let owners = ReplyOwner.aliases(in: opened.store, of: reply).filter { $0 != alias.lowercased() }
        if !owners.isEmpty {
            session.console.print(
                error: "The reply belongs to the key of alias " + owners.map { "<\($0)>" }.joined(separator: ", ") + ": use -alias."
            )
        } else if let first = reply.first(where: { !$0.isSelfSigned }) ?? reply.first {
            session.console.print(
                error: "The certificate of <\(first.subjectDescription)> was issued for a key that is not in this keystore: the request was made "
                    + "with another one."
            )
        }
    }

    private func warn(about certificate: CertificateData, label: String) {
        let isTrusted = opened.trusts(certificate) || system.contains(certificate)
        WeakAlgorithms.warn(about: certificate, label: label, isTrusted: isTrusted, in: session)
    }

    private func issuerLabel(_ issuer: CertificateData) -> String {
        let alias = opened.store.aliases.first { opened.store[$0]?.certificate == issuer }
        return alias.map { "Issuer <\($0)>" } ?? "Issuer <\(issuer.subjectDescription)> in cacerts"
    }
}

/// Whose reply it is.
enum ReplyOwner {
    /// The aliases of the private keys for which one of the certificates was issued.
    static func aliases(in store: KeyStore, of certificates: [CertificateData]) -> [String] {
        store.aliases.filter { alias in
            guard case .privateKey(let key)? = store[alias]?.content, let present = key.certificateChain.first else { return false }
            return certificates.contains { $0 != present && $0.hasPublicKey(of: present) }
        }
    }
}
