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

/// Which hosts the requests of one TLS connection may be for: those that belong to the TLS host that the client connected to.
///
/// What counts is the name that chooses the virtual host, also where it is in an absolute-form target. A request without one (HTTP/1.0, or an empty `Host`)
/// goes to the default host, so it may come only over a connection that a client without a server name gets. With `proxyName` all requests are for that name,
/// whatever `Host` says.
///
/// Attribute `strictSni`.
struct AdmittedHosts {
    private let facts: TLSConnectionFacts
    private let proxyName: String?
    /// Whether `proxyName` is admitted.
    private let admitsProxyName: Bool
    /// The last authority that was admitted.
    private var admitted: [UInt8] = []

    init(_ facts: TLSConnectionFacts, proxyName: String?) {
        self.facts = facts
        self.proxyName = proxyName
        self.admitsProxyName = proxyName.map { facts.admits(requestHost: $0) } ?? false
    }

    /// Whether a request may come over this connection.
    mutating func admits(_ head: ReceivedHead) -> Bool {
        if self.proxyName != nil { return self.admitsProxyName }
        guard let host = head.authorityBytes, !host.isEmpty else { return self.facts.admits(requestHost: nil) }
        if self.isAdmitted(host) { return true }
        guard self.facts.admits(requestHost: Self.name(in: host)) else { return false }
        self.admitted = Array(host)
        return true
    }

    /// Whether this very host was admitted before: all but the first request of a connection.
    private func isAdmitted(_ host: ArraySlice<UInt8>) -> Bool {
        guard host.count == self.admitted.count else { return false }
        return host.withUnsafeBytes { host in
            self.admitted.withUnsafeBytes { admitted in
                guard let one = host.baseAddress, let other = admitted.baseAddress else { return false }
                return memcmp(one, other, host.count) == 0
            }
        }
    }

    /// The host without its port.
    private static func name(in host: ArraySlice<UInt8>) -> String {
        var name = host
        if let colon = name.lastIndex(of: UInt8(ascii: ":")), name[colon...].firstIndex(of: UInt8(ascii: "]")) == nil { name = name[..<colon] }
        return String(decoding: name, as: UTF8.self)
    }

    /// Tells the operator what the client, which only sees the status, cannot know.
    func report(_ head: ReceivedHead, status: Int, to handshakes: TLSHandshakeReporter?, channel: (any Channel)?) {
        guard let channel else { return }
        let host = self.proxyName ?? head.authorityBytes.flatMap { $0.isEmpty ? nil : Self.name(in: $0) }
        handshakes?.refusedRequest(
            for: host,
            over: self.facts,
            status: status,
            client: channel.remoteAddress,
            on: channel.eventLoop
        )
    }
}
