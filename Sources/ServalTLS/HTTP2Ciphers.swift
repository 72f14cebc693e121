/// With which protocol versions and ciphers HTTP/2 may be spoken (RFC 9113 section 9.2).
package enum HTTP2Ciphers {
    /// Whether a connection is good enough.
    ///
    /// Appendix A of the RFC lists 276 suites of TLS 1.2 that are not: all without an ephemeral key exchange, and all without authenticated encryption.
    ///
    /// - Parameters:
    ///   - protocolVersion: as in ``TLSConnectionFacts/protocolVersion``.
    ///   - suite: by its name in the RFCs.
    package static func allow(protocolVersion: String, suite: String) -> Bool {
        switch protocolVersion {
        case "TLSv1.3": true
        case "TLSv1.2": (suite.hasPrefix("TLS_ECDHE_") || suite.hasPrefix("TLS_DHE_")) && self.modes.contains { suite.contains($0) }
        default: false
        }
    }

    private static let modes = ["_GCM_", "_CCM", "_CHACHA20_POLY1305"]
}
