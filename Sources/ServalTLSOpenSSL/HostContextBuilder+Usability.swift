import COpenSSL
import ServalTLS

/// Settings that leave a host, or a part of it, to nobody.
extension HostContextBuilder {
    /// Refuses a host that no client could agree with, and tells of versions and certificates that none could.
    func checkUsability() throws(TLSError) {
        let versions = spokenProtocols
        let configured = configuration.protocols.sorted().map(\.rawValue).joined(separator: "+")
        guard !versions.isEmpty else {
            throw TLSError(
                .noProtocols,
                about("No protocol can be spoken: protocols [\(configured)] and the OpenSSLConfCmd commands leave none"),
                origin: configuration.openSSLCommands.last?.origin?.place(of: "name") ?? place("protocols")
            )
        }
        let keyTypes = certificates.map(\.keyType)
        var obstacles: [(version: TLSProtocolVersion, words: String)] = []
        var usable: [EffectiveCipher] = []
        let level = SSL_CTX_get_security_level(context)
        for version in versions {
            // OpenSSL would find out when it looks for a signature.
            let ciphers = version < .v1_2 && level > 0 ? [] : EffectiveCipher.all(context, version: version)
            let fitting = ciphers.filter { $0.fits(keyTypes) }
            usable += fitting
            if fitting.isEmpty { obstacles.append((version, obstacle(to: version, ciphers, keyTypes))) }
        }
        guard obstacles.count < versions.count else {
            let words = obstacles.map { "[\($0.version)]: \($0.words)" }.joined(separator: "; ")
            throw problem(.noCiphers, "No protocol can be spoken: \(words)", "ciphers")
        }
        for obstacle in obstacles { warn(["The protocol [\(obstacle.version)] cannot be spoken: \(obstacle.words)"], "ciphers") }
        for certificate in certificates where certificate.keyType != "DSA" && !usable.contains(where: { $0.fits([certificate.keyType]) }) {
            let spoken = versions.map(\.rawValue).joined(separator: "+")
            warn(
                [
                    "The certificate with a key of type [\(certificate.keyType)] is never presented: no cipher of [\(spoken)] is for it (\(certificate.source))"
                ],
                at: certificate.origin?.place(of: "type", "certificateFile", "certificateKeystoreFile") ?? place("ciphers")
            )
        }
    }

    private func obstacle(to version: TLSProtocolVersion, _ ciphers: [EffectiveCipher], _ keyTypes: [String]) -> String {
        let level = SSL_CTX_get_security_level(context)
        if version < .v1_2, level > 0 { return "OpenSSL's security level \(level) forbids it" }
        guard ciphers.isEmpty else {
            let needed = Set(ciphers.compactMap(\.keyType)).sorted().joined(separator: " or ")
            return "its ciphers need a certificate with a key of type [\(needed)], and the host has [\(keyTypes.joined(separator: ", "))]"
        }
        if version == .v1_3 { return "none of the cipherSuites can be used at OpenSSL's security level \(level)" }
        return "none of the ciphers [\(configuration.ciphers.prefix(200))] can be used with it at OpenSSL's security level \(level)"
    }

    /// Tells of authorities whose clients no list lets in, which is all of them where lists alone decide.
    func checkCoverage(_ lists: RevocationLists, _ policy: RevocationPolicy) throws(TLSError) {
        // Whom a responder can vouch for needs no list.
        guard policy == .off, !lists.facts.isEmpty else { return }
        let uncovered = authorities.filter { !lists.issuers.contains($0.name) }
        guard !uncovered.isEmpty else { return }
        let names = uncovered.prefix(10).map(\.words).joined(separator: ", ") + (uncovered.count > 10 ? " and \(uncovered.count - 10) more" : "")
        if case .required = configuration.clientAuthentication, uncovered.count == trustedCount {
            throw TLSError(.invalidConfiguration, about("No client can be let in: no revocation list is of a trusted authority [\(names)]"))
        }
        warn(["There is no revocation list of [\(names)]: certificates that it has issued are refused"], "certificateRevocationListFile")
    }
}
