/// The settings of HTTP/2 on a connector: `<UpgradeProtocol className="org.apache.coyote.http2.Http2Protocol">` of `server.xml`.
///
/// Every field names Tomcat's attribute. The limits of single requests (size of heads, trailers, forms) are the connector's. Negative times are for ever.
///
/// Source: RFC 9113.
public struct HTTP2Configuration: Sendable, Hashable {
    // MARK: Time

    /// How long a frame that has begun may make no progress.
    ///
    /// Default 5 s. Attribute `readTimeout`.
    public var readTimeout: Duration = .seconds(5)
    /// How long the socket may take no bytes although there are some to send.
    ///
    /// Default 5 s. Attribute `writeTimeout`.
    public var writeTimeout: Duration = .seconds(5)
    /// How long a connection without streams waits for the next frame.
    ///
    /// Default 20 s. Attribute `keepAliveTimeout`.
    public var keepAliveTimeout: Duration = .seconds(20)
    /// How long an application that reads a body waits for its next bytes.
    ///
    /// Default 20 s. Attribute `streamReadTimeout`.
    public var streamReadTimeout: Duration = .seconds(20)
    /// How long a response waits for the client to open its window.
    ///
    /// Default 20 s. Attribute `streamWriteTimeout`.
    public var streamWriteTimeout: Duration = .seconds(20)
    /// How long clients may still begin streams after they were told that the connector stops; `nil` (the default) is the time of one round trip.
    ///
    /// Attribute `drainTimeout`, in nanoseconds there.
    public var drainTimeout: Duration?

    // MARK: Streams

    /// The most streams of a connection at once, 1 to 2147483647; further ones are refused with REFUSED_STREAM.
    ///
    /// Default 100. Attribute `maxConcurrentStreams`.
    public var maxConcurrentStreams = 100
    /// The most requests of one connection inside applications at once, at least 1; further ones wait.
    ///
    /// Default 20. Attribute `maxConcurrentStreamExecution`.
    public var maxConcurrentStreamExecution = 20
    /// The bytes of a body that a client may send before the application reads them, 0 to 2147483647.
    ///
    /// Default 65535. Attribute `initialWindowSize`.
    public var initialWindowSize = 65535
    /// The most header fields of a request; `nil` (the default) for the connector's `maxHeaderCount`, negative for no limit.
    ///
    /// Attribute `maxHeaderCount`.
    public var maxHeaderCount: Int?
    /// The most trailer fields of a request; negative for no limit.
    ///
    /// Default 100. Attribute `maxTrailerCount`.
    public var maxTrailerCount = 100
    /// Whether `:scheme` may differ from how the client connected, for proxies that end TLS in front of this connector.
    ///
    /// Default false. Attribute `allowSchemeMismatch`.
    public var allowSchemeMismatch = false
    /// Whether clear-text clients may change to HTTP/2 by `Upgrade: h2c` (RFC 7540 §3.2), as Tomcat's do; prior knowledge works in any case.
    ///
    /// RFC 9113 has given the upgrade up: through a proxy that passes the field on, a client speaks to this server past the proxy's rules, and from the proxy's
    /// address. Default false. `serval.allowUpgrade`.
    public var allowsUpgrade = false

    // MARK: Attacks

    /// What a PING, SETTINGS, PRIORITY or unknown frame counts; a connection is closed when its count exceeds zero.
    ///
    /// Less than 1 turns the count off.
    /// The count begins at -10 times this, each HEADERS and each DATA frame takes 20 off, down to -100 times this.
    ///
    /// Default 10. Attribute `overheadCountFactor`.
    public var overheadCountFactor = 10
    /// What a stream counts that the client resets, or makes the server reset; less than 0 is 0.
    ///
    /// Default 50. Attribute `overheadResetFactor`.
    public var overheadResetFactor = 50
    /// CONTINUATION frames with fewer bytes that are not the last count this divided by their size; 0 or less turns that off.
    ///
    /// Default 1024. Attribute `overheadContinuationThreshold`.
    public var overheadContinuationThreshold = 1024
    /// DATA frames that are not the last and on average of two have fewer bytes count this divided by the average; 0 or less turns that off.
    ///
    /// Default 1024. Attribute `overheadDataThreshold`.
    public var overheadDataThreshold = 1024
    /// WINDOW_UPDATE frames that on average of two add fewer bytes count this divided by the average; 0 or less turns that off.
    ///
    /// Default 1024. Attribute `overheadWindowUpdateThreshold`.
    public var overheadWindowUpdateThreshold = 1024

    /// Tomcat's defaults.
    public init() {}
}
