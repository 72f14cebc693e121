package import Logging
package import NIOCore
package import ServalTLS
import Synchronization

/// The hosts of one connector, each with its own `SSL_CTX`.
///
/// The host is chosen from the ClientHello before an `SSL` exists, so that a connection never sees another host's ticket keys, session cache, versions or
/// trust: nothing can be resumed across hosts.
package final class OpenSSLServerContext: TLSServerContext {
    package let hostNames: TLSHostNames
    package let summary: [String]
    let hosts: [OpenSSLHostContext]
    let clientHelloLimit: Int
    let handshakeTimeout: TimeAmount
    private let connections = Atomic<Int>(0)

    package init(
        _ configuration: TLSEndpointConfiguration,
        tokens: (any TLSTokens)? = nil,
        revocation: RevocationService = RevocationService(),
        logger: Logger
    ) throws(TLSError) {
        try configuration.validate()
        hostNames = try TLSHostNames(configuration)
        var hosts: [OpenSSLHostContext] = []
        for host in configuration.hosts {
            hosts.append(
                try OpenSSLHostContext(
                    host,
                    alpnProtocols: configuration.alpnProtocols,
                    tokens: tokens,
                    service: revocation,
                    stapleDirectory: configuration.stapleDirectory,
                    logger: logger
                )
            )
        }
        let staples = hosts.map { (name: $0.hostName, staples: $0.staples) }
        if configuration.asksResponders {
            try HostStaples.prepare(staples)
        } else {
            HostStaples.tellOfUnchecked(staples, logger)
        }
        self.hosts = hosts
        summary = hosts.map(\.summary)
        clientHelloLimit = configuration.sniParseLimit
        handshakeTimeout = TimeAmount(configuration.handshakeTimeout)
    }

    package var revocationFacts: [TLSRevocationFacts] { hosts.map(\.revocationFacts) }

    package func makeHandler(reporter: TLSHandshakeReporter?) -> any ChannelHandler { OpenSSLServerHandler(self, reporter: reporter) }

    package func makeHandler(reporter: TLSHandshakeReporter?, keeper: any TLSConnectionKeeper) -> (any KeptTLSHandler)? {
        OpenSSLServerHandler(self, reporter: reporter, keeper: keeper)
    }

    package var hostDescriptions: [TLSHostDescription] { hosts.map(\.description) }

    func host(for serverName: String?) -> OpenSSLHostContext { hosts[hostNames.position(for: serverName)] }

    /// How many connections of this context have TLS state now.
    package var connectionCount: Int { connections.load(ordering: .relaxed) }

    func connectionBegan() { connections.add(1, ordering: .relaxed) }

    func connectionEnded() { connections.subtract(1, ordering: .relaxed) }
}
