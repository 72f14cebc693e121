import NIOCore
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
        guard facts.admits(requestHost: Self.name(in: host)) else { return false }
        self.admittedHost = Array(host)
        return true
    }

    /// Tells the operator what the client, which only sees the status, cannot know.
    func reportForeignHost(_ head: ReceivedHead, _ facts: TLSConnectionFacts) {
        guard let channel = self.context?.channel, let host = head.hostBytes else { return }
        self.runtime.handshakes?.refusedRequest(
            for: Self.name(in: host),
            over: facts,
            status: 400,
            client: channel.remoteAddress,
            on: channel.eventLoop
        )
    }

    /// A host without its port.
    private static func name(in host: ArraySlice<UInt8>) -> String {
        var name = host
        if let colon = name.lastIndex(of: UInt8(ascii: ":")), name[colon...].firstIndex(of: UInt8(ascii: "]")) == nil { name = name[..<colon] }
        return String(decoding: name, as: UTF8.self)
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
