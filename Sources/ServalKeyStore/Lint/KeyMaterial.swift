/// What the checks look at: keys with their chains, trusted certificates, and certificates without either role.
struct KeyMaterial: Sendable {
    struct Key: Sendable {
        var alias: String?
        var chain: [CertificateData]
        /// `nil` if it could not be opened.
        var key: PrivateKey?
        /// Whether the certificates are those of a file, where the key's own may stand anywhere.
        var isFile = false
    }

    var keys: [Key] = []
    var trusted: [(alias: String?, certificate: CertificateData)] = []
    var certificates: [CertificateData] = []
    /// Revocation lists: their issuers, and when the next ones are due.
    var lists: [(issuer: String, nextUpdate: Int64)] = []

    /// The certificates of every role.
    var allCertificates: [CertificateData] { keys.flatMap(\.chain) + trusted.map(\.certificate) + certificates }

    /// Takes over the entries of a store, and returns what is to be said about opening them.
    mutating func take(_ store: KeyStore, keyPassword: String?) -> [KeyStoreFinding] {
        var findings: [KeyStoreFinding] = []
        for alias in store.aliases {
            switch store[alias]?.content {
            case .privateKey(let entry):
                let (key, finding) = Self.open(entry, alias: alias, password: keyPassword)
                // Without the password a PKCS12 file does not show which certificates are the key's.
                if !entry.certificateChain.isEmpty || !store.hasUnreadParts {
                    keys.append(Key(alias: alias, chain: entry.certificateChain, key: key))
                }
                if let finding { findings.append(finding) }
            case .trustedCertificate(let certificate): trusted.append((alias, certificate))
            case .secretKey, nil: break
            }
        }
        if store.count == 0, !store.hasUnreadParts { findings.append(Self.empty(store)) }
        if store.count > 0, !store.unmarkedCertificates.isEmpty { findings.append(Self.unmarked(store, .info)) }
        return findings
    }

    private static func open(
        _ entry: PrivateKeyEntry,
        alias: String,
        password: String?
    ) -> (key: PrivateKey?, finding: KeyStoreFinding?) {
        do throws(KeyStoreError) {
            return (try entry.privateKey(), nil)
        } catch {
            guard error.code == .wrongKeyPassword else { return (nil, finding(error, alias: alias)) }
        }
        guard let password else { return (nil, finding(KeyStoreError(.wrongKeyPassword, ""), alias: alias)) }
        do throws(KeyStoreError) {
            return (try entry.privateKey(password: password), nil)
        } catch {
            return (nil, finding(error, alias: alias))
        }
    }

    private static func finding(_ error: KeyStoreError, alias: String) -> KeyStoreFinding {
        switch error.code {
        case .wrongKeyPassword:
            KeyStoreFinding(
                .keyNotOpened,
                .info,
                alias: alias,
                "The private key did not open, so that nobody has checked whether it belongs to its certificate.",
                advice: "Give the store's password (-storepass), and the key's (-keypass) if it has one of its own."
            )
        case .unsupportedAlgorithm, .unsupportedFormat:
            KeyStoreFinding(
                .unsupported,
                .warning,
                alias: alias,
                "The private key cannot be opened: \(error.message).",
                advice: "Export and import it again with the tool that made it, with a usual cipher."
            )
        default:
            KeyStoreFinding(
                .corrupt,
                .error,
                alias: alias,
                "The private key is not readable: \(error.message).",
                advice: "Take the file from a backup."
            )
        }
    }

    private static func empty(_ store: KeyStore) -> KeyStoreFinding {
        guard store.unmarkedCertificates.isEmpty else { return unmarked(store, .warning) }
        return KeyStoreFinding(.emptyStore, .info, "The key store has no entries.", advice: "Nothing, if it is meant to be filled later.")
    }

    private static func unmarked(_ store: KeyStore, _ severity: KeyStoreFinding.Severity) -> KeyStoreFinding {
        let count = store.unmarkedCertificates.count
        return KeyStoreFinding(
            .unmarkedCertificate,
            severity,
            "\(count) certificate\(count == 1 ? " belongs" : "s belong") to no key and lack\(count == 1 ? "s" : "") Java's mark of trust: "
                + "Java does not list \(count == 1 ? "it" : "them").",
            advice: "If they are to be trusted, export them (openssl pkcs12 -nokeys) and import them with -importcert."
        )
    }
}

extension IssuerIndex {
    /// The certificate that signed this one, `nil` if it is not here; one whose signature cannot be computed counts if there is no better.
    func issuer(of certificate: CertificateData) -> CertificateData? {
        let named = named(asIssuerOf: certificate)
        return named.first { verification(of: certificate, by: $0) == .holds } ?? named.first { verification(of: certificate, by: $0) == .unknown }
    }
}
