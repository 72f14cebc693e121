/// The checks of a single certificate.
struct CertificateChecks {
    /// What the certificate is for.
    enum Role {
        /// A server's own, which clients judge by every rule.
        case own
        /// Above a server's own.
        case issuer
        /// Trusted as it stands: nobody looks at its signature.
        case trusted
    }

    private let lint: KeyStoreLint
    private let certificate: CertificateData
    private let role: Role
    private let alias: String?
    private let number: Int?

    init(lint: KeyStoreLint, _ certificate: CertificateData, role: Role, alias: String?, number: Int?) {
        self.lint = lint
        self.certificate = certificate
        self.role = role
        self.alias = alias
        self.number = number
    }

    var findings: [KeyStoreFinding] {
        guard let fields = try? certificate.fields() else {
            return [
                finding(
                    .unreadableCertificate,
                    .error,
                    "The bytes cannot be read as a certificate.",
                    advice: "Ask the issuer for the certificate again."
                )
            ]
        }
        let traits = CertificateTraits(fields)
        var findings = validity(fields) + algorithms(fields)
        if role == .own { findings += names(fields, traits) + usage(fields, traits) }
        return findings
    }

    private func finding(
        _ code: KeyStoreFinding.Code,
        _ severity: KeyStoreFinding.Severity,
        _ message: String,
        advice: String
    ) -> KeyStoreFinding {
        KeyStoreFinding(code, severity, alias: alias, certificate: number, message, advice: advice)
    }

    // MARK: Validity

    private func validity(_ fields: CertificateFields) -> [KeyStoreFinding] {
        let subject = fields.subject.description
        var findings: [KeyStoreFinding] = []
        let remaining = fields.notAfter - lint.time
        if remaining < 0 {
            findings.append(
                finding(
                    role == .issuer ? .issuerExpired : .expired,
                    role == .trusted ? .warning : .error,
                    "The certificate of \(subject) expired on \(ISOTime.date(fields.notAfter)), \(Self.days(-remaining)) ago.",
                    advice: renewal
                )
            )
        } else if remaining < Int64(min(max(lint.days, 0), 1_000_000)) * 86_400 {
            findings.append(
                finding(
                    .expiresSoon,
                    .warning,
                    "The certificate of \(subject) expires on \(ISOTime.date(fields.notAfter)), in \(Self.days(remaining)).",
                    advice: renewal
                )
            )
        }
        if fields.notBefore > lint.time {
            findings.append(
                finding(
                    .notYetValid,
                    .error,
                    "The certificate of \(subject) is valid only from \(ISOTime.text(fields.notBefore)).",
                    advice: "Wait until then, or check the clock of this machine and of the one that made the certificate."
                )
            )
        }
        if fields.notAfter < fields.notBefore {
            findings.append(
                finding(.corrupt, .error, "The certificate of \(subject) ends before it begins.", advice: "Ask the issuer for a new certificate.")
            )
        }
        return findings
    }

    private var renewal: String {
        switch role {
        case .own: "Have it renewed: make a request (-certreq), and import the reply (-importcert)."
        case .issuer: "Ask the authority for its present intermediate certificates, and import the chain again."
        case .trusted: "Replace it by the authority's present certificate, or delete it if nothing depends on it."
        }
    }

    private static func days(_ seconds: Int64) -> String {
        let days = seconds / 86_400
        switch days {
        case 0: return "less than a day"
        case 1: return "1 day"
        default: return "\(days) days"
        }
    }

    // MARK: Keys and signatures

    private func algorithms(_ fields: CertificateFields) -> [KeyStoreFinding] {
        var findings: [KeyStoreFinding] = []
        if let minimum = Self.minimumBits(fields.publicKeyDescription) {
            findings.append(
                finding(
                    .weakKey,
                    role == .trusted ? .warning : .error,
                    "The certificate of \(fields.subject) has a \(fields.publicKeyDescription); less than \(minimum) bits are refused by present TLS libraries.",
                    advice: role == .own
                        ? "Make a new key (-genkeypair) and request a certificate for it." : "Replace it by the authority's present certificate."
                )
            )
        }
        let name = fields.signatureAlgorithmName.uppercased()
        if name.hasPrefix("MD") || name.hasPrefix("SHA1WITH"), role != .trusted, !fields.isSelfIssued || role == .own {
            // A certificate that signed itself is not relied on for its signature, but tools complain about it.
            findings.append(
                finding(
                    .weakSignature,
                    fields.isSelfIssued ? .warning : .error,
                    "The certificate of \(fields.subject) is signed with \(fields.signatureAlgorithmName), whose digest is broken.",
                    advice: "Have it issued again with SHA-256 or better."
                )
            )
        }
        return findings
    }

    /// The least length for a key of this kind, `nil` if the key is long enough.
    private static func minimumBits(_ description: String) -> Int? {
        guard let bits = Int(description.prefix { $0.isNumber }) else { return nil }
        let minimum = description.contains(" RSA") || description.contains(" DSA") ? 2048 : description.contains(" EC ") ? 224 : 0
        return bits < minimum ? minimum : nil
    }

    // MARK: Names

    private func names(_ fields: CertificateFields, _ traits: CertificateTraits) -> [KeyStoreFinding] {
        let commonName = traits.commonName ?? ""
        let isHost = HostName.isPlausible(commonName) || HostName.isAddress(commonName)
        let advice =
            "Request a certificate that names every host, with -ext san=dns:\(isHost ? commonName : "www.example.org"), and one for each further name."
        guard traits.hasAlternativeNames else {
            // The key of an authority, or of a person, needs no host.
            guard isHost || !Self.isOfOtherUse(traits) else { return [] }
            let severity: KeyStoreFinding.Severity = isHost ? .error : .info
            return [
                finding(
                    .missingSAN,
                    severity,
                    "The certificate of \(fields.subject) has no subject alternative name\(isHost ? "; browsers ignore CN" : ", so that it serves no host").",
                    advice: advice
                )
            ]
        }
        var findings: [KeyStoreFinding] = []
        if isHost, !traits.covers(commonName), !traits.alternativeNames.contains(commonName) {
            findings.append(
                finding(
                    .cnNotInSAN,
                    .warning,
                    "The host \(commonName) in CN is not among the subject alternative names (\(Self.list(traits.alternativeNames))); clients ignore CN.",
                    advice: advice
                )
            )
        }
        for name in traits.dnsNames where !HostName.isPlausible(name) && !Self.isSingleLabel(name) {
            let reason = HostName.isAddress(name) ? "is an address, which belongs there as ip:, not as dns:" : "is not a DNS name"
            findings.append(
                finding(
                    .oddSAN,
                    .warning,
                    "The subject alternative name \(name) \(reason); no client will match it.",
                    advice: "Have the certificate issued again."
                )
            )
        }
        return findings
    }

    /// Hosts of a local network have names without dots.
    private static func isSingleLabel(_ name: String) -> Bool { HostName.isPlausible(name + ".local") && !name.contains(".") }

    private static func list(_ names: [String]) -> String {
        names.isEmpty ? "none of them a host" : names.prefix(5).joined(separator: ", ") + (names.count > 5 ? ", …" : "")
    }

    private static func isOfOtherUse(_ traits: CertificateTraits) -> Bool {
        traits.isAuthority == true || (traits.purposes.map { !$0.contains(Self.serverAuth) } ?? false)
    }

    // MARK: Usage

    private static let serverAuth = "1.3.6.1.5.5.7.3.1"
    private static let anyPurpose = "2.5.29.37.0"
    /// The CA/Browser Forum's limit for certificates issued since September 2020, and a second of grace.
    private static let longest: Int64 = 398 * 86_400 + 1

    private func usage(_ fields: CertificateFields, _ traits: CertificateTraits) -> [KeyStoreFinding] {
        var findings: [KeyStoreFinding] = []
        if traits.isAuthority == true {
            let isServer = traits.hasAlternativeNames || traits.purposes?.contains(Self.serverAuth) == true
            findings.append(
                finding(
                    .caLeaf,
                    isServer ? .warning : .info,
                    "The certificate of \(fields.subject) is marked as an authority (CA:true)\(isServer ? " although it is a server's; some clients refuse that, and whoever takes the key could issue certificates" : "").",
                    advice: isServer ? "Have it issued with -ext bc=ca:false." : "Keep the keys of authorities away from servers."
                )
            )
        }
        if let purposes = traits.purposes, !purposes.contains(Self.serverAuth), !purposes.contains(Self.anyPurpose) {
            findings.append(
                finding(
                    .missingServerAuth,
                    .warning,
                    "The extended key usage of \(fields.subject) does not include serverAuth: as a server's certificate it will be refused.",
                    advice: "Have it issued with -ext eku=serverAuth, unless it is for a client only."
                )
            )
        }
        if let keyUsage = traits.keyUsage, !keyUsage.contains(0), traits.isAuthority != true {
            findings.append(
                finding(
                    .missingDigitalSignature,
                    .warning,
                    "The key usage of \(fields.subject) does not include digitalSignature, which TLS 1.3 and all (EC)DHE handshakes need.",
                    advice: "Have it issued with -ext ku=digitalSignature (for RSA also keyEncipherment)."
                )
            )
        }
        if fields.notAfter - fields.notBefore > Self.longest, traits.isAuthority != true {
            findings.append(
                finding(
                    .longValidity,
                    .info,
                    "The certificate of \(fields.subject) is valid for \((fields.notAfter - fields.notBefore) / 86_400) days; browsers accept at most 398 "
                        + "from publicly trusted authorities.",
                    advice: "Nothing, if the authority is your own."
                )
            )
        }
        return findings
    }
}
