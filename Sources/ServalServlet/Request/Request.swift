public import Logging
import Synchronization

/// An HTTP request on its way through valves and filters to a servlet.
///
/// A value: to change the request for the rest of the chain, change a copy and pass it to `next`. Attributes are shared by all copies.
public struct Request: Sendable {
    package let state: RequestState
    package var mapping: RequestMapping?
    /// What a valve or filter has changed; `nil` for nearly every request, so that a copy costs two retains.
    private var changes: RequestChanges?
    /// Whether code that handles this request may read or create a session.
    ///
    /// Default ``SessionPolicy/allowed``.
    public var sessionPolicy = SessionPolicy.allowed

    package init(state: RequestState) { self.state = state }

    /// The method.
    ///
    /// Changing it is for filters such as a method override.
    public var method: HTTPRequest.Method {
        get { self.changes?.method ?? self.state.method }
        set { self.change { $0.method = newValue } }
    }

    /// The header fields, decoded when asked for.
    public var headers: HeaderFields {
        get { self.changes?.headers ?? HeaderFields(received: self.state.head) }
        set { self.change { $0.headers = newValue } }
    }

    /// The body, received piece by piece.
    public var body: RequestBody {
        get { self.changes?.body ?? self.state.body }
        set { self.change { $0.body = newValue } }
    }

    /// `http` or `https`, for a valve that trusts a proxy.
    package var effectiveScheme: String? {
        get { self.changes?.scheme }
        set { self.change { $0.scheme = newValue } }
    }

    /// The client's address, for a valve that trusts a proxy.
    package var effectiveRemoteAddress: String? {
        get { self.changes?.remoteAddress }
        set { self.change { $0.remoteAddress = newValue } }
    }

    private mutating func change(_ body: (inout RequestChanges.Values) -> Void) {
        var values = self.changes?.values ?? RequestChanges.Values()
        body(&values)
        self.changes = RequestChanges(values)
    }

    // MARK: Target

    /// The request target as received, with query: `/shop/items?page=2`.
    ///
    /// Absolute-form targets keep their scheme and host.
    public var target: String {
        String(decoding: self.state.head.bytes[self.state.head.target], as: UTF8.self)
    }

    /// The path as received, still percent-encoded, without query.
    ///
    /// Source: Servlet `getRequestURI`.
    public var path: String { String(decoding: self.pathBytes, as: UTF8.self) }

    /// The query as received, without `?`; `nil` where there is none.
    ///
    /// Source: Servlet `getQueryString`.
    public var query: String? {
        let bytes = self.state.head.bytes[self.state.head.target]
        guard let mark = bytes.firstIndex(of: UInt8(ascii: "?")) else { return nil }
        return String(decoding: bytes[(mark + 1)...], as: UTF8.self)
    }

    /// The bytes of the path as received; of an absolute-form target, what follows the authority.
    package var pathBytes: ArraySlice<UInt8> {
        var bytes = self.state.head.bytes[self.state.head.target]
        if bytes.first != UInt8(ascii: "/"), let authority = self.state.head.targetAuthority {
            bytes = bytes[authority.endIndex...]
        }
        if let mark = bytes.firstIndex(of: UInt8(ascii: "?")) { bytes = bytes[..<mark] }
        return bytes
    }

    /// The path of the context that handles the request as it stands in URLs, percent-encoded; `""` for the root context.
    ///
    /// `ServletContext.path` is the decoded one. Source: Servlet `getContextPath`.
    public var contextPath: String { self.mapping?.context.encodedPath ?? "" }

    /// The part of the decoded path that chose the servlet.
    ///
    /// Source: Servlet 6.1 §3.6.
    public var servletPath: String { self.mapping?.servletPath ?? "" }

    /// The decoded path behind ``servletPath``, or `nil`.
    ///
    /// Source: Servlet 6.1 §3.6.
    public var pathInfo: String? { self.mapping?.pathInfo }

    // MARK: Connection

    /// The HTTP version: `HTTP/1.1`, `HTTP/1.0` or `HTTP/2.0`.
    public var protocolVersion: String {
        switch self.state.head.version {
        case .http10: "HTTP/1.0"
        case .http11: "HTTP/1.1"
        case .http2: "HTTP/2.0"
        }
    }

    /// `http` or `https`.
    public var scheme: String { self.effectiveScheme ?? self.state.connection.scheme }

    /// Whether the request came over a secure connection, here or, for a connector with `secure="true"`, at the proxy in front.
    public var isSecure: Bool {
        if let effectiveScheme { return effectiveScheme == "https" }
        return self.state.connection.isSecure
    }

    /// What TLS tells about the connection; `nil` for plain HTTP.
    public var tls: TLSConnectionInfo? { self.state.connection.tls }

    /// The client's address, without port.
    public var remoteAddress: String { self.effectiveRemoteAddress ?? self.state.connection.remoteAddress }

    /// The client's port.
    public var remotePort: Int { self.state.connection.remotePort }

    /// The address at which the request arrived, without port.
    public var localAddress: String { self.state.connection.localAddress }

    /// The port at which the request arrived.
    public var localPort: Int { self.state.connection.localPort }

    /// The host that the client asked for: the connector's `proxyName`, the target's authority, the `Host` field, or the local address.
    public var serverName: String {
        if let proxyName = self.state.connection.proxyName { return proxyName }
        guard let (host, _) = self.authority else { return self.state.connection.localAddress }
        return String(decoding: host, as: UTF8.self)
    }

    /// The port that the client asked for: the connector's `proxyPort`, the port in the authority, or the scheme's default.
    public var serverPort: Int {
        if self.state.connection.proxyPort > 0 { return self.state.connection.proxyPort }
        if let (_, port) = self.authority, let port { return port }
        return self.scheme == "https" ? 443 : 80
    }

    /// The host in the `Host` field or an absolute-form target, without port, as received; IPv6 literals keep their brackets.
    package var authority: (host: ArraySlice<UInt8>, port: Int?)? {
        guard let bytes = self.state.head.authorityBytes, let host = self.authorityHost else { return nil }
        guard host.endIndex < bytes.endIndex else { return (host, nil) }
        return (host, Int(String(decoding: bytes[(host.endIndex + 1)...], as: UTF8.self)))
    }

    /// The host of ``authority``.
    package var authorityHost: ArraySlice<UInt8>? {
        guard let bytes = self.state.head.authorityBytes, !bytes.isEmpty else { return nil }
        let isLiteral = bytes.first == UInt8(ascii: "[")
        guard let colon = bytes.lastIndex(of: UInt8(ascii: ":")), !isLiteral || bytes[colon...].firstIndex(of: UInt8(ascii: "]")) == nil else {
            return bytes
        }
        return bytes[..<colon]
    }

    // MARK: Context, attributes

    /// The application that handles the request.
    ///
    /// The choice is made before the first valve. A request that belongs to no application has an empty context without a name.
    public var context: ServletContext { self.mapping?.context ?? .unmapped }

    /// The application's logger.
    public var logger: Logger { self.context.logger }

    /// Typed request attributes, shared by every copy of this request.
    public subscript<Value: Sendable>(key: RequestAttributeKey<Value>) -> Value? {
        get { self.attribute(named: key.name).flatMap { $0 as? Value } }
        nonmutating set {
            let name = TLSAttributeNames.canonical(key.name)
            self.state.shared.withLock { shared in
                var attributes = shared.attributes ?? [:]
                attributes[name] = newValue
                shared.attributes = attributes
            }
        }
    }

    /// An attribute by its name; of TLS under the names that the Servlet specification and Tomcat give them, `jakarta.` and `javax.` alike.
    ///
    /// `…servlet.request.X509Certificate`, `.cipher_suite`, `.key_size`, `.ssl_session_id`, `.ssl_session_mgr` and `.secure_protocol`, and
    /// `org.apache.tomcat.util.net.secure_protocol_version`, answer without having been set. Certificates that nobody has verified (`optionalNoCA`) are
    /// ``UnverifiedCertificates``, others `[PeerCertificate]`.
    public func attribute(named name: String) -> (any Sendable)? {
        guard self.state.shared.withLock({ $0.attributes != nil }) || TLSAttributeNames.mayContain(name) else { return nil }
        let name = TLSAttributeNames.canonical(name)
        if let value = self.state.shared.withLock({ $0.attributes?[name] }) { return value is WithheldAttribute ? nil : value }
        guard name.hasPrefix(TLSAttributeNames.prefix), let tls = self.tls else { return nil }
        switch name.dropFirst(TLSAttributeNames.prefix.count) {
        case "X509Certificate":
            if let unverified = tls.unverifiedPeerCertificates { return unverified }
            let chain = tls.peerCertificates
            return chain.isEmpty ? nil : chain
        case "cipher_suite": return tls.cipherSuite
        case "key_size": return tls.keySize
        case "ssl_session_id": return tls.sessionID?.hexString
        case "ssl_session_mgr": return TLSSessionManager(tls)
        case "secure_protocol": return tls.protocolVersion
        default: return nil
        }
    }

    /// Lets an attribute have no value, even where the connection has one: for a valve that knows that the connection is not the client's own.
    package func withhold<Value>(_ key: RequestAttributeKey<Value>) {
        let name = TLSAttributeNames.canonical(key.name)
        self.state.shared.withLock { shared in
            var attributes = shared.attributes ?? [:]
            attributes[name] = WithheldAttribute()
            shared.attributes = attributes
        }
    }

    /// Whether somebody has withheld an attribute.
    package func withholds<Value>(_ key: RequestAttributeKey<Value>) -> Bool {
        let name = TLSAttributeNames.canonical(key.name)
        return self.state.shared.withLock { $0.attributes?[name] is WithheldAttribute }
    }

    // MARK: Sessions

    /// The session of this client; creates one if there is none.
    ///
    /// - Throws: ``SessionError`` `creationForbidden` where the policy forbids it, `limitReached` over the manager's limit.
    public func session() async throws(SessionError) -> HTTPSession {
        guard let sessions = self.mapping?.sessions else {
            throw SessionError(code: .creationForbidden, message: "this request is not mapped to a context with sessions")
        }
        guard self.sessionPolicy == .allowed else {
            throw SessionError(code: .creationForbidden, message: "the session policy of this request is \(self.sessionPolicy)")
        }
        return try await sessions.session(for: self)
    }

    /// The session of this client, or `nil`.
    ///
    /// Never creates one.
    public func existingSession() async throws(SessionError) -> HTTPSession? {
        guard let sessions = self.mapping?.sessions, self.sessionPolicy != .forbidden else { return nil }
        return try await sessions.existingSession(for: self, touches: self.sessionPolicy == .allowed)
    }

    /// A copy with another session policy.
    public func with(sessionPolicy: SessionPolicy) -> Request {
        var copy = self
        copy.sessionPolicy = sessionPolicy
        return copy
    }

    /// The session id that the client sent, valid or not.
    ///
    /// A secret: do not log it.
    public var requestedSessionID: String? { self.mapping?.sessions?.requestedSessionID }

    /// How the client sent the session id.
    public var requestedSessionIDSource: SessionTrackingMode? { self.mapping?.sessions?.requestedSessionIDSource }

    /// Whether the session id that the client sent names a live session.
    public func isRequestedSessionIDValid() async -> Bool { await self.mapping?.sessions?.isRequestedSessionIDValid() ?? false }

    /// The URL with the session id in it, if this client needs that; otherwise the URL as it is.
    ///
    /// Source: Servlet `encodeURL`.
    public func encodedURL(_ url: String) -> String { self.mapping?.sessions?.encodedURL(url, for: self) ?? url }
}

/// Stands for an attribute that has no value, whatever the connection says.
private struct WithheldAttribute: Sendable {}

/// What differs from the request as it was received.
private final class RequestChanges: Sendable {
    struct Values: Sendable {
        var method: HTTPRequest.Method?
        var headers: HeaderFields?
        var body: RequestBody?
        var scheme: String?
        var remoteAddress: String?
    }

    let values: Values

    init(_ values: Values) { self.values = values }

    var method: HTTPRequest.Method? { self.values.method }
    var headers: HeaderFields? { self.values.headers }
    var body: RequestBody? { self.values.body }
    var scheme: String? { self.values.scheme }
    var remoteAddress: String? { self.values.remoteAddress }
}
