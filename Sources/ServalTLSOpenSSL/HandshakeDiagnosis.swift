import COpenSSL
import ServalTLS

/// Finds out what a client and a host lack in common, by comparing what both say.
struct HandshakeDiagnosis {
    let offer: ClientHelloReader.Offer
    let host: OpenSSLHostContext

    /// The error with the cause that the comparison shows, where OpenSSL only says that nothing fits.
    func refined(_ error: TLSError) -> TLSError {
        guard error.code == .noSharedCipher || error.code == .noSharedProtocol else { return error }
        let offered = Set(offer.versions)
        let common = host.versions.filter { offered.contains($0.number) }
        guard let version = common.max() else {
            return said(error, .noSharedProtocol, "the client speaks none of the host's protocol versions", "SSLHostConfig protocols")
        }
        return version == .v1_3 ? refinedForTLS13(error) : refinedForTLS12(error)
    }

    private func refinedForTLS13(_ error: TLSError) -> TLSError {
        if !sharesCipher(where: { $0 >> 8 == 0x13 }) {
            return said(error, .noSharedCipher, "the client offers none of the host's cipherSuites for TLS 1.3", "SSLHostConfig cipherSuites")
        }
        if error.cause == .noSharedGroup || sharesNoGroup { return noGroup(error) }
        return noSignature(error)
    }

    private func refinedForTLS12(_ error: TLSError) -> TLSError {
        let offered = Set(offer.cipherSuites)
        let own = Set(host.cipherNumbers)
        let shared = CipherCatalog.system.ciphers.filter { offered.contains($0.number) && own.contains($0.number) }
        guard !shared.isEmpty else {
            return said(error, .noSharedCipher, "the client offers none of the host's ciphers for TLS 1.2 and older", "SSLHostConfig ciphers")
        }
        let types = host.description.certificates.map(\.keyType)
        let fitting = shared.filter { cipher in
            switch cipher.authentication {
            case "RSA": types.contains { $0.hasPrefix("RSA") }
            case "ECDSA": types.contains { $0 == "EC" || $0.hasPrefix("ED") }
            default: false
            }
        }
        guard !fitting.isEmpty else {
            let wanted = Set(shared.map { $0.authentication == "ECDSA" ? "EC" : $0.authentication }).sorted().joined(separator: " or ")
            return said(
                error,
                .noSharedCipher,
                "the ciphers that both know need a certificate with a key of type [\(wanted)], and the host has [\(types.joined(separator: ", "))]",
                "Certificate type"
            )
        }
        if fitting.allSatisfy({ $0.keyExchange == "ECDH" }), error.cause == .noSharedGroup || sharesNoGroup { return noGroup(error) }
        if error.cause == .noSharedSignatureAlgorithm { return noSignature(error) }
        return said(error, .noSharedCipher, "OpenSSL's security level forbids the ciphers that both know", "SSLHostConfig ciphers")
    }

    private func noGroup(_ error: TLSError) -> TLSError {
        said(error, .noSharedGroup, "the client offers none of the host's groups for key exchange", "SSLHostConfig groups")
    }

    private func noSignature(_ error: TLSError) -> TLSError {
        let types = host.description.certificates.map(\.keyType).joined(separator: ", ")
        return said(
            error,
            .noSharedSignatureAlgorithm,
            "the client accepts no signature that a key of type [\(types)] can make; a Certificate with another key type would help",
            "Certificate type"
        )
    }

    private func said(_ error: TLSError, _ cause: TLSHandshakeFailure.Cause, _ words: String, _ setting: String) -> TLSError {
        var error = error.because(cause, decidedBy: setting)
        error.message += ": \(words)"
        return error
    }

    private func sharesCipher(where isMeant: (UInt16) -> Bool) -> Bool {
        let offered = Set(offer.cipherSuites.filter(isMeant))
        return host.cipherNumbers.contains { offered.contains($0) }
    }

    /// False where the host's groups are OpenSSL's own choice.
    private var sharesNoGroup: Bool {
        guard !host.groups.isEmpty, !offer.groups.isEmpty else { return false }
        let own = Set(host.groups.compactMap { TLSGroup.named($0)?.number })
        return !offer.groups.contains(where: own.contains)
    }
}

extension OpenSSLHostContext {
    /// The versions that connections may speak, whatever `OpenSSLConfCmd`s say.
    var versions: [TLSProtocolVersion] {
        TLSProtocolVersion.allCases.filter { serval_ctx_speaks(context, Int32($0.number)) == 1 }
    }

    var cipherNumbers: [UInt16] {
        let list = SSL_CTX_get_ciphers(context)
        return (0..<serval_cipher_count(list)).compactMap { serval_cipher_at(list, $0).map { SSL_CIPHER_get_protocol_id($0) } }
    }

    /// What a client may choose from, for the log.
    var offer: TLSOffer {
        TLSOffer(
            versions: versions.map(\.rawValue),
            cipherSuites: cipherNumbers.map(CipherCatalog.name(of:)),
            groups: groups.isEmpty ? ["OpenSSL's own"] : groups.map { TLSGroup.named($0)?.name ?? $0 },
            signatureAlgorithms: description.certificates.map(\.keyType)
        )
    }

    /// Whether a certificate that is presented has expired.
    var hasExpiredCertificate: Bool {
        let now = Int64(currentSecond())
        return description.certificates.contains { $0.chainNotAfter < now }
    }
}

extension CipherCatalog {
    /// The RFC's name of a cipher suite; hexadecimal digits for one that OpenSSL does not know.
    static func name(of number: UInt16) -> String { system.name(of: number) }
}

extension TLSProtocolVersion {
    /// The number on the wire.
    var number: UInt16 {
        switch self {
        case .v1: 0x0301
        case .v1_1: 0x0302
        case .v1_2: 0x0303
        case .v1_3: 0x0304
        }
    }
}
