/// What the connector knows of the connection that carries a request; one per connection, shared by its requests.
package final class ConnectionInfo: Sendable {
    /// The client's address in text form, without port.
    package let remoteAddress: String
    package let remotePort: Int
    /// The server's address in text form, without port.
    package let localAddress: String
    package let localPort: Int
    /// `http` or `https`; the connector's `scheme`, or from TLS.
    package let scheme: String
    /// The connector's `secure`, or from TLS.
    package let isSecure: Bool
    /// The connector's `proxyName`: what `serverName` tells instead of the `Host` field.
    package let proxyName: String?
    /// The connector's `proxyPort`; 0 for none.
    package let proxyPort: Int
    package let tls: TLSConnectionInfo?
    /// The connector's bounded pool, for servlets that block.
    package let blockingExecutor: (any TaskExecutor)?
    /// Where redirects to a secure connection go; the connector's `redirectPort`.
    package let redirectPort: Int
    /// The most bytes of a form body; negative for no limit.
    package let maxPostSize: Int
    /// The most bytes of a body that is kept while the client is asked for its certificate; negative for no limit.
    package let maxSavePostSize: Int
    /// The most parameters of one request; negative for no limit.
    package let maxParameterCount: Int
    /// The connector's own object for the connection, for adapters of frameworks that want one.
    package let transport: (any Sendable)?

    package init(
        remoteAddress: String = "127.0.0.1",
        remotePort: Int = 0,
        localAddress: String = "127.0.0.1",
        localPort: Int = 80,
        scheme: String = "http",
        isSecure: Bool = false,
        proxyName: String? = nil,
        proxyPort: Int = 0,
        tls: TLSConnectionInfo? = nil,
        blockingExecutor: (any TaskExecutor)? = nil,
        redirectPort: Int = 443,
        maxPostSize: Int = 2_097_152,
        maxSavePostSize: Int = 4096,
        maxParameterCount: Int = 1000,
        transport: (any Sendable)? = nil
    ) {
        self.remoteAddress = remoteAddress
        self.remotePort = remotePort
        self.localAddress = localAddress
        self.localPort = localPort
        self.scheme = scheme
        self.isSecure = isSecure
        self.proxyName = proxyName
        self.proxyPort = proxyPort
        self.tls = tls
        self.blockingExecutor = blockingExecutor
        self.redirectPort = redirectPort
        self.maxPostSize = maxPostSize
        self.maxSavePostSize = maxSavePostSize
        self.maxParameterCount = maxParameterCount
        self.transport = transport
    }
}
