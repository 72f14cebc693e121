package import ServalServlet
package import ServalTLS

extension TLSConnectionInfo {
    /// What requests are told of a handshake.
    ///
    /// - Throws: where a certificate of the client cannot be read: nobody may take such a client for one without a certificate.
    init(facts: TLSConnectionFacts) throws(TLSError) {
        let invalidate = facts.invalidateSession
        var ask: (@Sendable () async -> PeerCertificates.Shown)?
        // A backend ends the connection of a client whose answer cannot be read.
        if let request = facts.requestClientCertificates { ask = { (try? PeerCertificates.Shown(await request())) ?? .none } }
        self.init(
            protocolVersion: facts.protocolVersion,
            cipherSuite: facts.cipherSuite,
            keySize: facts.keySize,
            serverName: facts.serverName,
            isResumed: facts.isResumed,
            sessionID: facts.sessionID.isEmpty ? nil : TLSConnectionInfo.SessionID(hexString: facts.sessionID),
            peer: PeerCertificates(try PeerCertificates.Shown(facts.clientCertificates), ask: ask),
            invalidate: { invalidate() }
        )
    }
}

extension PeerCertificates.Shown {
    fileprivate init(_ certificates: TLSClientCertificates) throws(TLSError) {
        var chain: [PeerCertificate] = []
        for der in certificates.chain { chain.append(try PeerCertificate(derEncoded: der)) }
        switch certificates {
        case .none: self = .none
        case .verified: self = .verified(chain)
        case .unverified: self = .unverified(UnverifiedCertificates(chain))
        }
    }
}

extension PeerCertificate {
    /// Reads the names in a certificate.
    ///
    /// - Throws: `.clientCertificateRejected` for what is none.
    package init(derEncoded der: [UInt8]) throws(TLSError) {
        let names = try ClientCertificateNames(der: der)
        self.init(der: der, subject: names.subject, issuer: names.issuer, serialNumber: names.serialNumber)
    }
}
