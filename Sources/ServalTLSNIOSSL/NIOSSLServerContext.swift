#if NIOSSL
package import Logging
package import NIOCore
package import ServalTLS
import Synchronization

/// The hosts of one connector.
///
/// The host is chosen from the ClientHello before swift-nio-ssl sees anything of a connection.
package final class NIOSSLServerContext: TLSServerContext {
    package let hostNames: TLSHostNames
    package let summary: [String]
    let clientHelloLimit: Int
    let handshakeTimeout: TimeAmount
    private let hosts: [NIOSSLHostContext]
    private let connections = Atomic<Int>(0)

    package init(_ configuration: TLSEndpointConfiguration, tokens: (any TLSTokens)? = nil, logger: Logger) throws(TLSError) {
        try configuration.validate()
        hostNames = try TLSHostNames(configuration)
        var hosts: [NIOSSLHostContext] = []
        for host in configuration.hosts {
            hosts.append(try NIOSSLHostContext(host, alpnProtocols: configuration.alpnProtocols, tokens: tokens, logger: logger))
        }
        self.hosts = hosts
        summary = hosts.map(\.summary)
        clientHelloLimit = configuration.sniParseLimit
        handshakeTimeout = TimeAmount(configuration.handshakeTimeout)
    }

    package var hostDescriptions: [TLSHostDescription] { hosts.map(\.description) }

    package func makeHandler(reporter: TLSHandshakeReporter?) -> any ChannelHandler { SocketSideHandler(self, reporter: reporter) }

    package func makeHandler(reporter: TLSHandshakeReporter?, keeper: any TLSConnectionKeeper) -> (any KeptTLSHandler)? {
        SocketSideHandler(self, reporter: reporter, keeper: keeper)
    }

    func host(for serverName: String?) -> NIOSSLHostContext { hosts[hostNames.position(for: serverName)] }

    /// How many connections of this context have TLS state now.
    package var connectionCount: Int { connections.load(ordering: .relaxed) }

    func connectionBegan() { connections.add(1, ordering: .relaxed) }

    func connectionEnded() { connections.subtract(1, ordering: .relaxed) }
}
#endif
