/// The settings of an HTTP connector: `<Connector>` of `server.xml`, without TLS.
///
/// Every field names Tomcat's attribute. Sizes are bytes. Where an attribute takes -1 for "no limit", so does the field.
public struct ConnectorConfiguration: Sendable, Hashable {
    /// When a client that sent `Expect: 100-continue` gets its interim response.
    ///
    /// Attribute `continueResponseTiming`.
    public enum ContinueResponseTiming: String, Sendable, Hashable {
        /// As soon as the request head was read.
        case immediately
        /// When the application first reads the body; a request that is refused before costs the client no upload.
        case onRead
    }

    // MARK: Where

    /// The TCP port, 0 to 65535; 0 chooses a free one.
    ///
    /// Attribute `port`.
    public var port: Int
    /// The address or host name to listen on; `nil` (the default) listens on all addresses, IPv6 and IPv4.
    ///
    /// Attribute `address`.
    public var address: String?

    // MARK: How much

    /// The number of connections that the system queues while the connector does not accept.
    ///
    /// Default 100. Attribute `acceptCount`.
    public var acceptCount = 100
    /// The most connections open at once; -1 for no limit.
    ///
    /// Default 8192. Beyond it nothing is accepted, so that clients wait in the system's queue. Attribute `maxConnections`.
    public var maxConnections = 8192
    /// The most requests inside applications at once, and the most threads for blocking servlets; at least 1.
    ///
    /// Default 200. Attribute `maxThreads`.
    ///
    /// Further requests wait in the order of their arrival; each keeps only its head.
    public var maxThreads = 200

    // MARK: How long

    /// How long a client may take for a whole request head, TLS handshake included, and how long a read or write may make no progress.
    ///
    /// Negative for no limit. Default 60 s (`server.xml` usually sets 20 s). Attribute `connectionTimeout`.
    public var connectionTimeout: Duration = .seconds(60)
    /// How long an idle connection waits for its next request; `nil` (the default) is ``connectionTimeout``, negative is for ever.
    ///
    /// Attribute `keepAliveTimeout`.
    public var keepAliveTimeout: Duration?
    /// The most requests on one connection; 1 turns keep-alive off, -1 is no limit.
    ///
    /// Default 100. Attribute `maxKeepAliveRequests`.
    public var maxKeepAliveRequests = 100
    /// How long the body of a request may make no progress if ``disableUploadTimeout`` is false.
    ///
    /// Default 300 s. Attribute `connectionUploadTimeout`.
    public var connectionUploadTimeout: Duration = .seconds(300)
    /// Whether ``connectionTimeout`` is used for bodies, too, and ``connectionUploadTimeout`` is ignored.
    ///
    /// Default true. Attribute `disableUploadTimeout`.
    public var disableUploadTimeout = true
    /// The least bytes a second, averaged over the time that the connector waits for the client, for bodies in both directions; 0 for no limit.
    ///
    /// Default 240. A client that stays below it after ``minimumDataRateGracePeriod`` is disconnected. No attribute of Tomcat's:
    /// `serval.minimumDataRate`.
    public var minimumDataRate = 240
    /// How long ``minimumDataRate`` is not looked at.
    ///
    /// Default 10 s. `serval.minimumDataRateGracePeriod`.
    public var minimumDataRateGracePeriod: Duration = .seconds(10)

    // MARK: Limits of a request

    /// The most bytes of a request head, request line included; more is answered with 400.
    ///
    /// Default 8192. Attribute `maxHttpRequestHeaderSize` (or `maxHttpHeaderSize`).
    public var maxHttpRequestHeaderSize = 8192
    /// The most bytes of a response head; more is answered with 500.
    ///
    /// Default 8192. Attribute `maxHttpResponseHeaderSize` (or `maxHttpHeaderSize`).
    public var maxHttpResponseHeaderSize = 8192
    /// The most header fields of a request; more is answered with 400.
    ///
    /// Default 100. Attribute `maxHeaderCount`.
    public var maxHeaderCount = 100
    /// The most bytes of the trailer section of a chunked body.
    ///
    /// Default 8192. Attribute `maxTrailerSize`.
    public var maxTrailerSize = 8192
    /// The most bytes of all chunk extensions of a body.
    ///
    /// Default 8192. Attribute `maxExtensionSize`.
    public var maxExtensionSize = 8192
    /// The most bytes of a form body that becomes parameters; negative for no limit.
    ///
    /// Default 2 MiB. Attribute `maxPostSize`.
    public var maxPostSize = 2_097_152
    /// The most bytes of a body that is kept while the client is asked for its certificate (`CLIENT-CERT`); negative for no limit.
    ///
    /// A longer one is answered with 413. Default 4096. Attribute `maxSavePostSize`.
    public var maxSavePostSize = 4096
    /// The most parameters of a request; negative for no limit.
    ///
    /// Default 1000. Attribute `maxParameterCount`.
    public var maxParameterCount = 1000
    /// The most bytes of an unread body that are read and thrown away to keep the connection; -1 for no limit.
    ///
    /// Default 2 MiB. Attribute `maxSwallowSize`.
    public var maxSwallowSize = 2_097_152

    // MARK: Protocol

    /// When `100 Continue` is sent.
    ///
    /// Default ``ContinueResponseTiming/immediately``. Attribute `continueResponseTiming`.
    public var continueResponseTiming = ContinueResponseTiming.immediately
    /// Whether `TRACE` is let through; otherwise it is answered with 405.
    ///
    /// Default false. Attribute `allowTrace`.
    public var allowTrace = false
    /// Characters that a path may contain unencoded although RFC 3986 forbids them, out of ``relaxableCharacters``.
    ///
    /// Default none. Attribute `relaxedPathChars`.
    public var relaxedPathChars = ""
    /// Characters that a query may contain unencoded although RFC 3986 forbids them, out of ``relaxableCharacters``.
    ///
    /// Default none. Attribute `relaxedQueryChars`.
    public var relaxedQueryChars = ""
    /// Whether the host of a request must belong to the TLS host that its connection was made to; otherwise 400.
    ///
    /// Default true. Attribute `strictSni`.
    public var strictSNI = true
    /// The value of the `Server` field; `nil` (the default) sends none of its own.
    ///
    /// Attribute `server`.
    public var server: String?
    /// Whether a `Server` field of the application is removed if ``server`` is `nil`.
    ///
    /// Default false. Attribute `serverRemoveAppProvidedValues`.
    public var serverRemoveAppProvidedValues = false
    /// Whether clients that ask for `Connection: keep-alive` get `Keep-Alive: timeout=n`.
    ///
    /// Default true. Attribute `useKeepAliveResponseHeader`.
    public var useKeepAliveResponseHeader = true

    /// HTTP/2, besides HTTP/1.1: over TLS where the client agrees to `h2` (ALPN), else with prior knowledge or by `Upgrade: h2c`; `nil` (the default) for none.
    ///
    /// Element `UpgradeProtocol`.
    public var http2: HTTP2Configuration?

    // MARK: What requests are told

    /// What `request.scheme` tells; with TLS always `https`.
    ///
    /// Default `http`. Attribute `scheme`.
    public var scheme = "http"
    /// What `request.isSecure` tells; with TLS always true.
    ///
    /// Default false. Attribute `secure`.
    public var secure = false
    /// What `request.serverName` tells instead of the `Host` field.
    ///
    /// Default none. Attribute `proxyName`.
    public var proxyName: String?
    /// What `request.serverPort` tells; 0 (the default) for what the client asked for.
    ///
    /// Attribute `proxyPort`.
    public var proxyPort = 0
    /// Where redirects to a secure connection go; 0 or less refuses with 403 instead.
    ///
    /// Default 443. Attribute `redirectPort`.
    public var redirectPort = 443

    // MARK: Sockets

    /// Whether small packets are sent at once (`TCP_NODELAY`).
    ///
    /// Default true. Attribute `tcpNoDelay`.
    public var tcpNoDelay = true
    /// Whether idle connections are probed (`SO_KEEPALIVE`); `nil` (the default) leaves it to the system.
    ///
    /// Attribute `socket.soKeepAlive`.
    public var soKeepAlive: Bool?
    /// Whether a port in the state TIME_WAIT may be bound (`SO_REUSEADDR`).
    ///
    /// Default true. Attribute `socket.soReuseAddress`.
    public var soReuseAddress = true
    /// The size of the system's send buffer (`SO_SNDBUF`); `nil` (the default) leaves it to the system.
    ///
    /// Attribute `socket.txBufSize`.
    public var txBufSize: Int?
    /// The size of the system's receive buffer (`SO_RCVBUF`); `nil` (the default) leaves it to the system.
    ///
    /// Attribute `socket.rxBufSize`.
    public var rxBufSize: Int?

    /// A connector on `port`.
    public init(port: Int) { self.port = port }

    /// The characters that ``relaxedPathChars`` and ``relaxedQueryChars`` may name; others there have no effect.
    public static let relaxableCharacters = "\"<>[\\]^`{|}"
}

extension ConnectorConfiguration {
    /// ``keepAliveTimeout`` as it takes effect.
    public var effectiveKeepAliveTimeout: Duration { self.keepAliveTimeout ?? self.connectionTimeout }
}
