import Logging
import ServalServlet
import ServalTLS
import SwiftASN1
import X509

extension TLSConnectionInfo {
    /// What requests are told of a handshake.
    init(facts: TLSConnectionFacts, logger: Logger) {
        var certificates: [Certificate] = []
        do {
            for der in facts.peerCertificates { certificates.append(try Certificate(derEncoded: der)) }
        } catch {
            // Half a chain would be misread; the TLS host has verified it, so this is a gap of the parser.
            certificates = []
            logger.warning("a verified client certificate cannot be parsed and is not shown to applications", metadata: ["error": "\(error)"])
        }
        let invalidate = facts.invalidateSession
        self.init(
            protocolVersion: facts.protocolVersion,
            cipherSuite: facts.cipherSuite,
            keySize: facts.keySize,
            serverName: facts.serverName,
            isResumed: facts.isResumed,
            sessionID: facts.sessionID.isEmpty ? nil : SessionID(hexString: facts.sessionID),
            peerCertificates: certificates,
            invalidate: { invalidate() }
        )
    }
}
