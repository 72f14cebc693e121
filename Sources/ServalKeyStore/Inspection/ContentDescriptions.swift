import Crypto

private typealias Detail = KeyStoreInspection.Detail

/// The facts about keys and certificates that an inspection lists.
extension KeyStoreInspection.Item {
    /// A certificate, as far as it can be read.
    static func certificate(_ certificate: CertificateData, kind: Kind = .certificate, alias: String? = nil, line: Int? = nil) -> Self {
        let fingerprint = Detail(name: "SHA-256 fingerprint", value: FingerprintText.hexadecimal(certificate.sha256Fingerprint))
        guard let fields = try? certificate.fields() else {
            return Self(kind, alias: alias, line: line, [Detail(name: "Problem", value: "cannot be read as a certificate"), fingerprint])
        }
        let traits = CertificateTraits(fields)
        var details = [
            Detail(name: "Subject", value: fields.subject.description), Detail(name: "Issuer", value: fields.issuer.description),
            Detail(name: "Serial number", value: fields.serialNumberDescription), Detail(name: "Valid from", value: ISOTime.text(fields.notBefore)),
            Detail(name: "Valid until", value: ISOTime.text(fields.notAfter)), Detail(name: "Key", value: fields.publicKeyDescription),
            Detail(name: "Signature algorithm", value: fields.signatureAlgorithmName),
        ]
        if traits.hasAlternativeNames {
            details.append(Detail(name: "Alternative names", value: traits.alternativeNames.joined(separator: ", ")))
        }
        if let isAuthority = traits.isAuthority { details.append(Detail(name: "Authority", value: isAuthority ? "yes" : "no")) }
        if !traits.issuerURLs.isEmpty { details.append(Detail(name: "Issuer's certificate at", value: traits.issuerURLs.joined(separator: ", "))) }
        return Self(kind, alias: alias, line: line, details + [fingerprint])
    }

    /// A private key, opened or not.
    ///
    /// - Parameter protection: How it is encrypted; `nil` for a key in the clear.
    static func privateKey(
        _ key: PrivateKey?,
        protection: String?,
        alias: String? = nil,
        line: Int? = nil,
        more: [KeyStoreInspection.Detail] = [],
        chain: [CertificateData] = []
    ) -> Self {
        var details = more
        if let key {
            details.append(Detail(name: "Key", value: key.description))
            if !key.publicKeyInfo.isEmpty {
                details.append(Detail(name: "Public key SHA-256", value: FingerprintText.hexadecimal(Array(SHA256.hash(data: key.publicKeyInfo)))))
            }
        } else {
            details.append(Detail(name: "Key", value: "not opened"))
        }
        if let protection { details.append(Detail(name: "Protection", value: protection)) }
        return Self(.privateKey, alias: alias, line: line, details, parts: chain.map { certificate($0) })
    }
}

extension FileContents {
    /// Lists the entries of a store, and hands them to the checks.
    ///
    /// - Parameter protections: How the keys are protected, by alias in lower case.
    mutating func take(_ store: KeyStore, passwords: Passwords, protections: [String: String]) {
        for alias in store.aliases {
            guard let entry = store[alias] else { continue }
            let date = entry.creationDate < readingBegan ? [Detail(name: "Created", value: ISOTime.text(entry.creationDate / 1000))] : []
            switch entry.content {
            case .privateKey(let key):
                hold(key.isClear ? .clear : .protected)
                let opened = (try? key.privateKey()) ?? passwords.key.flatMap { try? key.privateKey(password: $0) }
                let protection = key.isClear ? "none" : protections[alias.lowercased()]
                items.append(
                    .privateKey(opened, protection: protection, alias: alias, more: date, chain: key.certificateChain)
                )
            case .trustedCertificate(let certificate):
                items.append(.certificate(certificate, kind: .trustedCertificate, alias: alias))
            case .secretKey(let secret):
                hold(.protected)
                let opened = (try? secret.secretKey()) ?? passwords.key.flatMap { try? secret.secretKey(password: $0) }
                items.append(KeyStoreInspection.Item(.secretKey, alias: alias, date + [Detail(name: "Key", value: Self.text(opened))]))
            }
        }
        for certificate in store.unmarkedCertificates { items.append(.certificate(certificate)) }
        findings += material.take(store, keyPassword: passwords.key)
    }
}

extension FileContents {
    /// The length of a password would help those who guess it, so that it does not show.
    private static func text(_ key: SecretKey?) -> String {
        guard let key else { return "not opened" }
        return key.algorithm.hasPrefix("PBE") ? "a password (\(key.algorithm))" : key.description
    }
}

extension PrivateKeyEntry {
    /// Whether the key stands in the clear.
    var isClear: Bool {
        if case .protected = key { false } else { true }
    }
}
