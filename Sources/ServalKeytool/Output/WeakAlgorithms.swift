import ServalKeyStore

/// What JDK 17 thinks of a certificate's algorithms.
struct WeakAlgorithms {
    /// How bad it is.
    enum Judgement {
        case acceptable, weak, disabled

        /// What is put behind the algorithm's name.
        var note: String {
            switch self {
            case .acceptable: ""
            case .weak: " (weak)"
            case .disabled: " (disabled)"
            }
        }
    }

    let signature: Judgement
    let key: Judgement

    init(_ fields: CertificateFields) {
        signature = Self.judgement(ofSignature: fields.signatureAlgorithmName)
        key = Self.judgement(ofKey: fields.publicKeyDescription)
    }

    /// The judgement about a signature algorithm by its JDK name.
    static func judgement(ofSignature name: String) -> Judgement {
        let name = name.uppercased()
        return name.hasPrefix("MD") ? .disabled : name.hasPrefix("SHA1WITH") ? .weak : .acceptable
    }

    /// The judgement about a key by its description (`1024-bit RSA key`).
    static func judgement(ofKey description: String) -> Judgement {
        guard let bits = Int(description.prefix { $0.isNumber }) else { return .acceptable }
        if description.hasSuffix(" RSA key") || description.hasSuffix(" DSA key") {
            return bits < 1024 ? .disabled : bits < 2048 ? .weak : .acceptable
        }
        return description.contains(" EC ") && bits < 224 ? .disabled : .acceptable
    }

    /// Adds the JDK's warnings about a certificate to those that are printed at the end.
    ///
    /// - Parameters:
    ///   - label: What the warning calls the certificate.
    ///   - isTrusted: Whether the certificate is trusted as it stands, so that its signature does not matter.
    static func warn(about certificate: CertificateData, label: String, isTrusted: Bool = false, in session: Session) {
        guard let fields = try? certificate.fields() else { return }
        warn(label, signature: isTrusted ? nil : fields.signatureAlgorithmName, key: fields.publicKeyDescription, in: session)
    }

    /// Adds the JDK's warnings about a signature and a key.
    ///
    /// - Parameters:
    ///   - signature: The algorithm's name, nil if the signature does not matter.
    ///   - key: The key's description, nil if it is unknown.
    static func warn(_ label: String, signature: String?, key: String?, in session: Session) {
        let risk = "which is considered a security risk"
        if let signature {
            let text = "\(label) uses the \(signature) signature algorithm \(risk)"
            switch judgement(ofSignature: signature) {
            case .acceptable: break
            case .weak: session.warnings.append("\(text). This algorithm will be disabled in a future update.")
            case .disabled: session.warnings.append("\(text) and is disabled.")
            }
        }
        if let key {
            let text = "\(label) uses a \(key) \(risk)"
            switch judgement(ofKey: key) {
            case .acceptable: break
            case .weak: session.warnings.append("\(text). This key size will be disabled in a future update.")
            case .disabled: session.warnings.append("\(text) and is disabled.")
            }
        }
    }

    /// Adds the warnings about all certificates of a chain, numbered if there are several.
    static func warn(aboutChain chain: [CertificateData], label: String, _ opened: OpenKeyStore, in session: Session) {
        for (index, certificate) in chain.enumerated() {
            let numbered = chain.count > 1 ? "\(label) #\(index + 1) of \(chain.count)" : label
            warn(about: certificate, label: numbered, isTrusted: opened.trusts(certificate), in: session)
        }
    }
}
