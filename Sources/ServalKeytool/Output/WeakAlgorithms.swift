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
    private let fields: CertificateFields

    init(_ fields: CertificateFields) {
        self.fields = fields
        signature = Self.judgement(ofSignature: fields.signatureAlgorithmName)
        key = Self.judgement(ofKey: fields.publicKeyDescription)
    }

    private static func judgement(ofSignature name: String) -> Judgement {
        name.uppercased().hasPrefix("MD") ? .disabled : name.uppercased().hasPrefix("SHA1WITH") ? .weak : .acceptable
    }

    private static func judgement(ofKey description: String) -> Judgement {
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
        let weakness = WeakAlgorithms(fields)
        let risk = "which is considered a security risk"
        if !isTrusted { warn(aboutSignature: fields.signatureAlgorithmName, label: label, in: session) }
        let key = "\(label) uses a \(fields.publicKeyDescription) \(risk)"
        switch weakness.key {
        case .acceptable: break
        case .weak: session.warnings.append("\(key). This key size will be disabled in a future update.")
        case .disabled: session.warnings.append("\(key) and is disabled.")
        }
    }

    /// Adds the JDK's warning about a signature algorithm.
    static func warn(aboutSignature name: String, label: String, in session: Session) {
        let signature = "\(label) uses the \(name) signature algorithm which is considered a security risk"
        switch judgement(ofSignature: name) {
        case .acceptable: break
        case .weak: session.warnings.append("\(signature). This algorithm will be disabled in a future update.")
        case .disabled: session.warnings.append("\(signature) and is disabled.")
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
