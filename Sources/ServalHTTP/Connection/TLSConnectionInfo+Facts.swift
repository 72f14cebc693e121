import Logging
import ServalServlet
import ServalTLS
import SwiftASN1
import X509

extension TLSConnectionInfo {
    /// What requests are told of a handshake.
    init(facts: TLSConnectionFacts, logger: Logger) {
        let invalidate = facts.invalidateSession
        var ask: (@Sendable () async -> PeerCertificates.Shown)?
        if let request = facts.requestClientCertificates { ask = { PeerCertificates.Shown(await request(), logger) } }
        self.init(
            protocolVersion: facts.protocolVersion,
            cipherSuite: facts.cipherSuite,
            keySize: facts.keySize,
            serverName: facts.serverName,
            isResumed: facts.isResumed,
            sessionID: facts.sessionID.isEmpty ? nil : TLSConnectionInfo.SessionID(hexString: facts.sessionID),
            peer: PeerCertificates(PeerCertificates.Shown(facts.clientCertificates, logger), ask: ask),
            invalidate: { invalidate() }
        )
    }
}

extension PeerCertificates.Shown {
    fileprivate init(_ certificates: TLSClientCertificates, _ logger: Logger) {
        do {
            switch certificates {
            case .none: self = .none
            case .verified(let chain): self = .verified(try chain.map { try Certificate(derEncoded: $0) })
            case .unverified(let chain): self = .unverified(UnverifiedCertificates(try chain.map { try Certificate(derEncoded: $0) }))
            }
        } catch {
            // Half a chain would be misread; the TLS host has taken it, so this is a gap of the parser.
            self = .none
            logger.warning("a client certificate cannot be parsed and is not shown to applications", metadata: ["error": "\(error)"])
        }
    }
}
