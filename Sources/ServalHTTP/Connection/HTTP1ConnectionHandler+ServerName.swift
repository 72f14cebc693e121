import ServalServlet
import ServalTLS

extension HTTP1ConnectionHandler {
    /// Whether a request may come over this TLS connection: its host belongs to the TLS host that the client connected to.
    ///
    /// Attribute `strictSni`.
    func admits(_ head: ReceivedHead, _ facts: TLSConnectionFacts) -> Bool {
        guard let host = head.hostBytes, !host.isEmpty else { return true }
        if host.elementsEqual(self.admittedHost) { return true }
        var name = host
        if let colon = name.lastIndex(of: UInt8(ascii: ":")), name[colon...].firstIndex(of: UInt8(ascii: "]")) == nil { name = name[..<colon] }
        guard facts.admits(requestHost: String(decoding: name, as: UTF8.self)) else { return false }
        self.admittedHost = Array(host)
        return true
    }
}
