import ServalKeyStore

/// Installing the certificates that an authority sends back for a request.
struct ReplyImport {
    let session: Session
    let opened: OpenKeyStore
    /// The authorities that count as trusted besides those of the store.
    let system: [CertificateData]

    /// Puts a chain in the place of the key's present one.
    func install(_ chain: [CertificateData], for key: PrivateKeyEntry, into store: inout KeyStore) {
        guard var entry = store[session.alias] else { return }
        var changed = key
        changed.certificateChain = chain
        entry.content = .privateKey(changed)
        entry.creationDate = KeyStore.millisecondsNow()
        store.set(entry, alias: session.alias)
    }

    /// The chain that a reply means: the key's certificate first, the root last.
    ///
    /// - Returns: Nil if the person did not want it.
    func chain(of reply: [CertificateData], for key: PrivateKeyEntry) throws -> [CertificateData]? {
        guard let present = key.certificateChain.first else {
            throw Failure.error("Alias <\(session.alias)> has no public key (certificate)")
        }
        if let password = session.options[.keypass], opened.store.format == .jks {
            do {
                _ = try key.privateKey(password: password)
            } catch {
                throw Failure(error)
            }
        }
        return try reply.count == 1 ? chain(of: reply[0], replacing: present) : chain(of: reply, replacing: present)
    }

    /// The chain of a reply of one certificate, from what the store and the system trust.
    private func chain(of certificate: CertificateData, replacing present: CertificateData) throws -> [CertificateData] {
        guard certificate.hasPublicKey(of: present) else { throw Failure.error("Public keys in reply and keystore don't match") }
        guard certificate != present else { throw Failure.error("Certificate reply and certificate in keystore are identical") }
        guard let chain = ChainSearch(trusted).chain(from: certificate) else { throw Failure.error("Failed to establish chain from reply") }
        for issuer in chain.dropFirst().reversed() { warn(about: issuer, label: issuerLabel(issuer)) }
        warn(about: certificate, label: "The input")
        return chain
    }

    /// The chain of a bundle, in any order, whose top the store, the system or the person trusts; nil if the person does not.
    private func chain(of bundle: [CertificateData], replacing present: CertificateData) throws -> [CertificateData]? {
        var chain = try ordered(bundle, replacing: present)
        for (index, link) in chain.enumerated() { warn(about: link, label: "Reply #\(index + 1) of \(chain.count)") }
        guard !session.options.has(.noprompt), let top = chain.last, !trusted.contains(top) else { return chain }
        if !top.isSelfSigned, let root = ChainSearch(trusted).issuer(of: top) {
            warn(about: root, label: issuerLabel(root))
            chain.append(root)
            return chain
        }
        session.console.print(error: "\nTop-level certificate in reply:")
        session.console.print(text: CertificateBlock.text(top))
        session.console.print(error: "\n... is not trusted. ", terminator: "")
        session.printWarnings(beforeQuestion: true)
        return try session.console.confirm("Install reply anyway? [no]:  ") ? chain : nil
    }

    private func ordered(_ bundle: [CertificateData], replacing present: CertificateData) throws -> [CertificateData] {
        guard let own = bundle.first(where: { $0.hasPublicKey(of: present) }) else {
            throw Failure.error("Certificate reply does not contain public key for <\(session.alias)>")
        }
        var chain = [own]
        var top = own
        var rest = bundle.filter { $0 != own }
        while !top.isSelfSigned, let next = rest.first(where: top.isSigned(by:)) {
            rest.removeAll { $0 == next }
            chain.append(next)
            top = next
        }
        // What is left behind a complete chain is superfluous; behind an incomplete one it shows that the reply is not what it should be.
        guard rest.isEmpty || top.isSelfSigned else { throw Failure.error("Incomplete certificate chain in reply") }
        return chain
    }

    /// Every certificate of the store, also those of private keys, as the JDK does: an authority may live in the same store.
    private var trusted: [CertificateData] {
        opened.store.aliases.compactMap { opened.store[$0]?.certificate } + system
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
