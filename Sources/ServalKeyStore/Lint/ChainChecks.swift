/// The checks of a chain: a server's own certificate first, each followed by its issuer.
struct ChainChecks {
    /// Chains are shorter; more certificates are a collection.
    static let longest = 32
    /// How far a chain is followed.
    private static let mostLinks = 64

    let lint: KeyStoreLint
    let alias: String?
    let chain: [CertificateData]
    /// The trusted entries of the same store.
    let trusted: [(alias: String?, certificate: CertificateData)]
    /// The same, to look issuers up in.
    let stored: IssuerIndex
    let authorities: IssuerIndex
    /// Whether the certificates are those of a file, whose first may stand anywhere.
    var isFile = false
    /// The certificate that the chain is about, if that is known.
    var leaf: CertificateData?

    var findings: [KeyStoreFinding] {
        guard !chain.isEmpty else {
            return [
                finding(
                    .keyWithoutChain,
                    .error,
                    "The private key has no certificate: a server cannot use it.",
                    advice: "Request a certificate for it and import the reply, or import the key together with its certificate (-importkey)."
                )
            ]
        }
        let proper = properChain
        var findings: [KeyStoreFinding] = []
        for (index, certificate) in chain.enumerated() {
            let role: CertificateChecks.Role = certificate == proper.first ? .own : .issuer
            let number = chain.count > 1 ? index + 1 : nil
            findings += CertificateChecks(lint: lint, certificate, role: role, alias: alias, number: number).findings
        }
        return findings + order(proper) + top(proper) + issuers(proper)
    }

    private func finding(
        _ code: KeyStoreFinding.Code,
        _ severity: KeyStoreFinding.Severity,
        number: Int? = nil,
        _ message: String,
        advice: String
    ) -> KeyStoreFinding {
        KeyStoreFinding(code, severity, alias: alias, certificate: chain.count > 1 ? number : nil, message, advice: advice)
    }

    /// The certificates that follow from the first one by signature, in the right order.
    private var properChain: [CertificateData] {
        let index = IssuerIndex(chain)
        var proper = [own]
        while proper.count < Self.mostLinks, let last = proper.last, !last.endsChain, let issuer = index.issuer(of: last), !proper.contains(issuer) {
            proper.append(issuer)
        }
        return proper
    }

    /// The certificate that the chain is about.
    private var own: CertificateData {
        if let leaf { return leaf }
        guard isFile else { return chain[0] }
        return chain.first { certificate in
            guard let fields = try? certificate.fields() else { return false }
            return !fields.isSelfIssued && CertificateTraits(fields).isAuthority != true
        } ?? chain[0]
    }

    // MARK: Order and membership

    private func order(_ proper: [CertificateData]) -> [KeyStoreFinding] {
        guard proper != chain else { return [] }
        var findings: [KeyStoreFinding] = []
        var members = Set(proper)
        var kept: [CertificateData] = []
        let numbers = Dictionary(zip(chain, 1...)) { first, _ in first }
        let open = proper.last.flatMap { $0.endsChain ? nil : $0 }
        for certificate in chain {
            if members.remove(certificate) != nil {
                kept.append(certificate)
                continue
            }
            findings.append(stranger(certificate, number: numbers[certificate], isRepeated: kept.contains(certificate), open))
        }
        if kept != proper {
            findings.append(
                finding(
                    .chainOrder,
                    .error,
                    "The certificates are in the wrong order: each must be followed by the one that signed it, \(own.subjectDescription) first.",
                    advice: "Import the reply again (-importcert puts it in order), or rearrange the file."
                )
            )
        }
        return findings
    }

    /// - Parameter open: The end of the proper chain if its issuer is missing.
    private func stranger(_ certificate: CertificateData, number: Int?, isRepeated: Bool, _ open: CertificateData?) -> KeyStoreFinding {
        let subject = certificate.subjectDescription
        if let open, !isRepeated, Self.names(certificate, asIssuerOf: open) {
            return finding(
                .signatureMismatch,
                .error,
                number: number,
                "\(open.subjectDescription) names \(subject) as its issuer, but this certificate's key did not make the signature.",
                advice: "The authority has several certificates of this name: ask it for the one with the right key."
            )
        }
        return finding(
            .superfluousCertificate,
            .warning,
            number: number,
            isRepeated ? "The certificate of \(subject) stands in the chain twice." : "The certificate of \(subject) does not belong to the chain.",
            advice: "Import the reply again (-importcert leaves out what is not needed), or remove it from the file."
        )
    }

    private static func names(_ issuer: CertificateData, asIssuerOf certificate: CertificateData) -> Bool {
        guard let fields = try? certificate.fields(), let issuer = try? issuer.fields() else { return false }
        return fields.issuer.isSame(as: issuer.subject)
    }

    // MARK: The end of the chain

    private func top(_ proper: [CertificateData]) -> [KeyStoreFinding] {
        guard let last = proper.last, let fields = try? last.fields() else { return [] }
        if last.endsChain {
            guard proper.count == 1 else { return [] }
            return [
                finding(
                    .selfSigned,
                    .info,
                    "The certificate of \(fields.subject) is signed by its own key: only clients that were told to trust it accept it.",
                    advice: "Nothing, for tests; otherwise request a certificate from an authority (-certreq)."
                )
            ]
        }
        if authorities.issuer(of: last) != nil { return [] }
        if let inStore = stored.issuer(of: last) {
            guard !inStore.endsChain else { return [] }
            let alias = trusted.first { $0.certificate == inStore }?.alias
            return [
                finding(
                    .chainIncomplete,
                    .error,
                    "The intermediate certificate of \(fields.issuer) stands in the store\(alias.map { " under alias <\($0)>" } ?? ""), but not in "
                        + "the chain, so that clients do not get it.",
                    advice: "Import the reply again (-importcert completes the chain)."
                )
            ]
        }
        let urls = CertificateTraits(fields).issuerURLs
        let source = urls.isEmpty ? "Ask the authority for it" : "It can be fetched from \(urls.prefix(3).joined(separator: " or "))"
        // Whoever sends intermediates has followed instructions that leave the root out; a single certificate is the usual mistake.
        guard proper.count == 1 else {
            return [
                finding(
                    .unknownRoot,
                    .info,
                    "The chain ends with a certificate issued by \(fields.issuer), which is neither in the file nor among the system's authorities.",
                    advice: "Nothing, if the clients trust that authority. \(source)."
                )
            ]
        }
        return [
            finding(
                .chainIncomplete,
                .warning,
                "The certificate of the issuer, \(fields.issuer), is missing: clients that do not know it cannot verify the server.",
                advice: "\(source), and import it together with the reply."
            )
        ]
    }

    private func issuers(_ proper: [CertificateData]) -> [KeyStoreFinding] {
        proper.dropFirst().compactMap { issuer in
            guard let fields = try? issuer.fields(), fields.version >= 3 else { return nil }
            let traits = CertificateTraits(fields)
            let maySign = traits.keyUsage.map { $0.contains(5) } ?? true
            guard traits.isAuthority != true || !maySign else { return nil }
            let reason = traits.isAuthority == true ? "its key usage lacks keyCertSign" : "it is not marked as an authority (CA:true)"
            return finding(
                .issuerNotCA,
                .error,
                number: chain.firstIndex(of: issuer).map { $0 + 1 },
                "The certificate of \(fields.subject) has issued another one, but \(reason): clients refuse the chain.",
                advice: "Have the authority's certificate made with -ext bc:c=ca:true and -ext ku:c=keyCertSign,cRLSign."
            )
        }
    }
}
