/// Looks for what is wrong, or soon will be, with keys, certificates and their chains.
///
/// The checks know no network and no clock but ``time``: the same store gives the same findings.
public struct KeyStoreLint: Sendable {
    /// The moment for which validity is judged, in seconds since 1970.
    public var time: Int64
    /// How many days before its end a certificate is said to expire soon.
    public var days: Int
    /// Authorities that clients are taken to trust, usually the operating system's; a chain that ends below one of them is complete.
    public var trustedAuthorities: [CertificateData]

    /// Makes a set of checks.
    ///
    /// - Parameters:
    ///   - time: By default now.
    ///   - days: By default 30.
    ///   - trustedAuthorities: By default none.
    public init(time: Int64 = KeyStore.millisecondsNow() / 1000, days: Int = 30, trustedAuthorities: [CertificateData] = []) {
        self.time = time
        self.days = days
        self.trustedAuthorities = trustedAuthorities
    }

    /// What is wrong with the entries of a store, the worst first.
    ///
    /// How the file protects its contents does not show here: see ``KeyStoreInspection``.
    /// - Parameter keyPassword: For keys that have another password than the store (JKS, JCEKS).
    /// - Complexity: One key derivation per private key if the store was opened with a password.
    public func findings(in store: KeyStore, keyPassword: String? = nil) -> [KeyStoreFinding] {
        var material = KeyMaterial()
        var findings = material.take(store, keyPassword: keyPassword)
        if store.hasUnreadParts {
            findings.append(
                KeyStoreFinding(
                    .notChecked,
                    .warning,
                    "The store was opened without its password: what is encrypted was not looked at.",
                    advice: "Open it with its password."
                )
            )
        }
        findings += self.findings(in: material)
        return Self.sorted(findings)
    }

    /// What is wrong with the certificates that a server would present, its own first.
    ///
    /// - Parameter key: The private key, to see whether it belongs to the first certificate.
    public func findings(inChain chain: [CertificateData], key: PrivateKey? = nil) -> [KeyStoreFinding] {
        Self.sorted(findings(in: KeyMaterial(keys: [KeyMaterial.Key(alias: nil, chain: chain, key: key)])))
    }

    func findings(in material: KeyMaterial) -> [KeyStoreFinding] {
        let authorities = IssuerIndex(trustedAuthorities)
        let stored = IssuerIndex(material.trusted.map(\.certificate))
        var findings: [KeyStoreFinding] = []
        for key in material.keys { findings += self.findings(in: key, material.trusted, stored, authorities) }
        for entry in material.trusted {
            findings += CertificateChecks(lint: self, entry.certificate, role: .trusted, alias: entry.alias, number: nil).findings
        }
        findings += looseFindings(material.certificates, authorities)
        findings += duplicates(material)
        for list in material.lists where list.nextUpdate < time {
            findings.append(
                KeyStoreFinding(
                    .staleList,
                    .warning,
                    "A newer revocation list of \(list.issuer) was due on \(ISOTime.text(list.nextUpdate)).",
                    advice: "Fetch the present list; servers that check clients with a stale one refuse them all."
                )
            )
        }
        return findings
    }

    private func findings(
        in key: KeyMaterial.Key,
        _ trusted: [(alias: String?, certificate: CertificateData)],
        _ stored: IssuerIndex,
        _ authorities: IssuerIndex
    ) -> [KeyStoreFinding] {
        let own = key.isFile ? key.key.flatMap { key.chain.first(where: $0.matches) } : key.chain.first
        var checks = ChainChecks(lint: self, alias: key.alias, chain: key.chain, trusted: trusted, stored: stored, authorities: authorities)
        checks.isFile = key.isFile
        checks.leaf = own
        var findings = checks.findings
        if let privateKey = key.key, let first = key.chain.first, !(own.map(privateKey.matches) ?? false) {
            findings.append(
                KeyStoreFinding(
                    .keyMismatch,
                    .error,
                    alias: key.alias,
                    "The private key (\(privateKey)) does not belong to the certificate of \(first.subjectDescription).",
                    advice: "Find the key that the certificate was requested with, or request a certificate for this key (-certreq)."
                )
            )
        }
        return findings
    }

    /// The worst first, otherwise in the order found.
    static func sorted(_ findings: [KeyStoreFinding]) -> [KeyStoreFinding] {
        KeyStoreFinding.Severity.allCases.reversed().flatMap { severity in findings.filter { $0.severity == severity } }
    }

    /// Certificates without a key: a chain if all belong to one, else each for itself.
    private func looseFindings(_ certificates: [CertificateData], _ authorities: IssuerIndex) -> [KeyStoreFinding] {
        let authorityCount = certificates.count { certificate in
            guard let fields = try? certificate.fields() else { return false }
            return fields.isSelfIssued || CertificateTraits(fields).isAuthority == true
        }
        if certificates.count - authorityCount == 1, certificates.count <= ChainChecks.longest {
            var checks = ChainChecks(lint: self, alias: nil, chain: certificates, trusted: [], stored: IssuerIndex([]), authorities: authorities)
            checks.isFile = true
            return checks.findings
        }
        return certificates.enumerated().flatMap { index, certificate in
            let isAuthority = (try? certificate.fields()).map { CertificateTraits($0).isAuthority == true || $0.version == 1 } ?? true
            let number = certificates.count > 1 ? index + 1 : nil
            return CertificateChecks(lint: self, certificate, role: isAuthority ? .trusted : .own, alias: nil, number: number).findings
        }
    }

    private func duplicates(_ material: KeyMaterial) -> [KeyStoreFinding] {
        var findings: [KeyStoreFinding] = []
        func look(at entries: [(alias: String?, certificate: CertificateData)], _ what: String) {
            var first: [CertificateData: String?] = [:]
            for (alias, certificate) in entries {
                guard let other = first.updateValue(alias, forKey: certificate) else { continue }
                first[certificate] = other
                let place = other.map { "under alias <\($0)> as well" } ?? "twice"
                findings.append(
                    KeyStoreFinding(
                        .duplicateEntry,
                        .warning,
                        alias: alias,
                        "The \(what) of \(certificate.subjectDescription) stands there \(place).",
                        advice: "Remove one of the two, so that a renewal cannot change only the other."
                    )
                )
            }
        }
        look(at: material.keys.compactMap { key in key.chain.first.map { (key.alias, $0) } }, "key and certificate")
        look(at: material.trusted.map { ($0.alias, $0.certificate) }, "certificate")
        return findings
    }
}
