/// The TLS side of a connector.
public struct TLSEndpointConfiguration: Sendable, Hashable {
    /// No hosts.
    public init() {}
}
