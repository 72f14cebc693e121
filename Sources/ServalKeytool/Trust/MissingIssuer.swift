import ServalKeyStore

/// Why a chain does not reach a root, in words: which certificate is missing, and where to get it.
struct MissingIssuer {
    private let top: CertificateData
    private let lines: [String]

    /// Looks for the end of the longest way up from `certificate`.
    ///
    /// - Parameters:
    ///   - pool: Every certificate at hand.
    ///   - system: The system's authorities, to say whether `-trustcacerts` would help; nil if that was given.
    /// - Returns: Nil if nothing is missing.
    init?(above certificate: CertificateData, pool: [CertificateData], system: [CertificateData]?) {
        let search = ChainSearch(pool)
        let paths = search.paths(from: certificate)
        guard !paths.contains(where: { $0.last?.isSelfSigned == true }), let path = paths.max(by: { $0.count < $1.count }), let top = path.last,
            let fields = try? top.fields()
        else { return nil }
        self.top = top
        let traits = CertificateTraits(fields)
        let identifier = traits.issuerKeyIdentifier.map { " (key identifier \(HexDump.digits($0)))" } ?? ""
        var lines = ["The chain of <\(certificate.subjectDescription)> cannot be completed: a certificate is missing."]
        if path.count > 1 { lines.append("  Found:    " + path.map(\.subjectDescription).joined(separator: "  <-  ")) }
        lines.append("  Missing:  the certificate of \(fields.issuer)\(identifier), which signed that of \(fields.subject)")
        if !search.namedAsIssuer(of: top).isEmpty {
            lines.append("  A certificate of this name is there, but its key did not make the signature: the authority has several of this name.")
        }
        if !traits.issuerURLs.isEmpty {
            lines.append("  Where:    \(traits.issuerURLs.prefix(3).joined(separator: "  or  ")) (named in the certificate; nothing was fetched)")
        }
        if let system, !ChainSearch(system).issuers(of: top).isEmpty {
            lines.append("  The system trusts that authority: repeat the command with -trustcacerts.")
        } else {
            lines.append("  What to do: put it into the file, or name its file with -certfile, or import it first under an alias of its own.")
        }
        self.lines = lines.map(FindingText.line)
    }

    /// Tells the person, on standard error.
    func explain(in session: Session) {
        for line in lines { session.console.print(error: line) }
    }
}
