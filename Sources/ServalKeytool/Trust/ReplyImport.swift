import ServalKeyStore

/// Installing the certificates that an authority sends back for a request.
struct ReplyImport {
    private let session: Session
    private let store: KeyStore
    private let system: [CertificateData]

    /// - Parameter system: The authorities that count as trusted besides those of the store.
    init(session: Session, store: KeyStore, system: [CertificateData]) throws {
        self.session = session
        self.store = store
        self.system = system
    }

    /// Puts the chain of the reply in the place of the key's present one.
    ///
    /// - Returns: False if the person did not want it.
    func install(_ reply: [CertificateData], for key: PrivateKeyEntry, into store: inout KeyStore) throws -> Bool {
        let alias = session.alias
        guard let present = key.certificateChain.first, let entry = store[alias] else {
            throw Failure.error("Alias <\(alias)> has no public key (certificate)")
        }
        if session.options[.keypass] != nil {
            do {
                _ = try key.privateKey(password: session.options[.keypass])
            } catch {
                throw Failure(error)
            }
        }
        guard let chain = try reply.count == 1 ? chain(of: reply[0], replacing: present) : chain(of: reply, replacing: present) else { return false }
        var changed = key
        changed.certificateChain = chain
        var replacement = entry
        replacement.content = .privateKey(changed)
        replacement.creationDate = KeyStore.millisecondsNow()
        store.set(replacement, alias: alias)
        return true
    }

    /// The chain of a reply of one certificate, from what the store and the system trust.
    private func chain(of certificate: CertificateData, replacing present: CertificateData) throws -> [CertificateData] {
        guard certificate.hasPublicKey(of: present) else { throw Failure.error("Public keys in reply and keystore don't match") }
        guard certificate != present else { throw Failure.error("Certificate reply and certificate in keystore are identical") }
        guard let chain = ChainSearch(storeCertificates + system).chain(from: certificate) else {
            throw Failure.error("Failed to establish chain from reply")
        }
        for (index, link) in chain.enumerated() {
            WeakAlgorithms.warn(
                about: link,
                label: index == 0 ? "The input" : "An issuer in the chain",
                isTrusted: index == chain.count - 1,
                in: session
            )
        }
        return chain
    }

    /// The chain of a bundle, in any order, whose top the store, the system or the person trusts; nil if the person does not.
    private func chain(of bundle: [CertificateData], replacing present: CertificateData) throws -> [CertificateData]? {
        guard let own = bundle.first(where: { $0.hasPublicKey(of: present) }) else {
            throw Failure.error("Certificate reply does not contain public key for <\(session.alias)>")
        }
        var chain = [own]
        var rest = bundle.filter { $0 != own }
        while let last = chain.last, !last.isSelfSigned, let next = rest.firstIndex(where: last.isSigned(by:)) {
            let issuer = rest.remove(at: next)
            rest.removeAll { $0 == issuer }
            chain.append(issuer)
        }
        guard let top = chain.last else { return nil }
        // What is left behind a complete chain is superfluous; behind an incomplete one it shows that the reply is not what it should be.
        guard rest.isEmpty || top.isSelfSigned else { throw Failure.error("Incomplete certificate chain in reply") }
        for (index, link) in chain.enumerated() {
            WeakAlgorithms.warn(about: link, label: "Reply #\(index + 1) of \(chain.count)", isTrusted: link.isSelfSigned, in: session)
        }
        if session.options.has(.noprompt) { return chain }
        let trusted = storeCertificates + system
        if trusted.contains(top) { return chain }
        if !top.isSelfSigned, let root = ChainSearch(trusted).issuer(of: top) { return chain + [root] }
        session.console.print(error: "\nTop-level certificate in reply:")
        session.console.print(bytes: Array(CertificateBlock.text(top).utf8))
        session.console.print(error: "\n... is not trusted. ", terminator: "")
        session.printWarnings(beforeQuestion: true)
        return try session.console.confirm("Install reply anyway? [no]:  ") ? chain : nil
    }

    /// Every certificate of the store, also those of private keys, as the JDK does: an authority may live in the same store.
    private var storeCertificates: [CertificateData] {
        store.aliases.compactMap { store[$0]?.certificate }
    }
}
