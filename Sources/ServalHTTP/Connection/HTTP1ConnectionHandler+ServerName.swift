import ServalServlet
import ServalTLS

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension HTTP1ConnectionHandler {
    /// Whether a request may come over this TLS connection: its host belongs to the TLS host that the client connected to.
    ///
    /// Attribute `strictSni`.
    func admits(_ head: ReceivedHead, _ facts: TLSConnectionFacts) -> Bool {
        guard let host = head.hostBytes, !host.isEmpty else { return true }
        if self.isAdmitted(host) { return true }
        var name = host
        if let colon = name.lastIndex(of: UInt8(ascii: ":")), name[colon...].firstIndex(of: UInt8(ascii: "]")) == nil { name = name[..<colon] }
        guard facts.admits(requestHost: String(decoding: name, as: UTF8.self)) else { return false }
        self.admittedHost = Array(host)
        return true
    }

    /// Whether this very host was admitted before: all but the first request of a connection.
    private func isAdmitted(_ host: ArraySlice<UInt8>) -> Bool {
        guard host.count == self.admittedHost.count else { return false }
        return host.withUnsafeBytes { host in
            self.admittedHost.withUnsafeBytes { admitted in
                guard let one = host.baseAddress, let other = admitted.baseAddress else { return false }
                return memcmp(one, other, host.count) == 0
            }
        }
    }
}
