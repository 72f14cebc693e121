import ServalServlet
import ServalTLS

/// Which hosts the requests of one TLS connection may be for: those that belong to the TLS host that the client connected to.
///
/// Attribute `strictSni`.
struct AdmittedHosts {
    private let facts: TLSConnectionFacts
    /// The last host that was admitted.
    private var admitted: [UInt8] = []

    init(_ facts: TLSConnectionFacts) { self.facts = facts }

    mutating func admits(_ head: ReceivedHead) -> Bool {
        guard let host = head.hostBytes, !host.isEmpty else { return true }
        if host.elementsEqual(self.admitted) { return true }
        var name = host
        if let colon = name.lastIndex(of: UInt8(ascii: ":")), name[colon...].firstIndex(of: UInt8(ascii: "]")) == nil { name = name[..<colon] }
        guard self.facts.admits(requestHost: String(decoding: name, as: UTF8.self)) else { return false }
        self.admitted = Array(host)
        return true
    }
}
