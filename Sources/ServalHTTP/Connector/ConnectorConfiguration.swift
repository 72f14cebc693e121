/// The settings of an HTTP connector: `<Connector>` of `server.xml`, without TLS.
public struct ConnectorConfiguration: Sendable, Hashable {
    /// The TCP port; 0 chooses a free one. Attribute `port`.
    public var port: Int
    /// The address to listen on; `nil` (the default) listens on all. Attribute `address`.
    public var address: String?

    /// A connector on `port`.
    public init(port: Int) { self.port = port }
}
