public import ServalServlet
import X509

/// Tells what the server understood of a request, as JSON.
public struct HeadersServlet: Servlet {
    /// A servlet without settings.
    public init() {}

    /// Answers an object; fields and parameters map to arrays, because names may repeat.
    public func respond(to request: Request) async throws -> Response {
        // Looked up first: of several ids it decides which one is the request's.
        let isValid = await request.isRequestedSessionIDValid()
        try await request.form()
        var json = JSONWriter()
        json.object { json in
            json.member("method", request.method.rawValue)
            json.member("uri", request.path)
            json.member("query", request.query)
            json.member("protocol", request.protocolVersion)
            json.member("scheme", request.scheme)
            json.member("secure", request.isSecure)
            json.member("serverName", request.serverName)
            json.member("serverPort", request.serverPort)
            json.member("remoteAddress", request.remoteAddress)
            json.member("contextPath", request.contextPath)
            json.member("servletPath", request.servletPath)
            json.member("pathInfo", request.pathInfo)
            json.member("headers", Self.grouped(request.headers.map { ($0.name.rawName, $0.value) }, ignoringCase: true))
            json.member("parameters", Self.grouped(request.parameters.map { ($0.name, $0.value) }, ignoringCase: false))
            json.member("cookies", Self.grouped(request.cookies.map { ($0.name, $0.value) }, ignoringCase: false))
            json.member("requestedSessionId", request.requestedSessionID)
            json.member("requestedSessionIdFrom", request.requestedSessionIDSource?.rawValue.lowercased())
            json.member("requestedSessionIdValid", isValid)
        }
        return .json(json.text)
    }

    /// Pairs with one name under its first spelling, in order.
    private static func grouped(_ pairs: [(String, String)], ignoringCase: Bool) -> [(name: String, values: [String])] {
        var groups: [(name: String, values: [String])] = []
        var places: [String: Int] = [:]
        for (name, value) in pairs {
            let key = ignoringCase ? name.lowercased() : name
            if let place = places[key] {
                groups[place].values.append(value)
            } else {
                places[key] = groups.count
                groups.append((name, [value]))
            }
        }
        return groups
    }
}

/// Tells what TLS says about the connection, as JSON.
public struct TLSServlet: Servlet {
    /// A servlet without settings.
    public init() {}

    /// Answers an object with `null` where there is nothing to tell.
    ///
    /// With `?invalidate=true` the TLS session ends, and with it the connection, as the documents about tracking by TLS sessions show it.
    public func respond(to request: Request) async throws -> Response {
        let tls = request.tls
        var ends = false
        if request.parameter("invalidate") == "true", let manager = request[.sslSessionManager] {
            try await request.existingSession()?.invalidate()
            await manager.invalidateSession()
            ends = true
        }
        // A session that travels by TLS has the id of the TLS session.
        let isTracked = request.context.sessionTrackingModes.contains(.ssl)
        var json = JSONWriter()
        json.object { json in
            json.member("scheme", request.scheme)
            json.member("secure", request.isSecure)
            json.member("protocol", tls?.protocolVersion)
            json.member("cipher", request[.cipherSuite])
            json.member("keySize", request[.keySize])
            json.member("sslSessionId", request[.sslSessionID])
            json.member("trackingId", isTracked ? request.requestedSessionID : tls?.sessionID?.hexString)
            json.member("resumed", tls?.isResumed)
            json.member("sni", tls?.serverName)
            json.member("clientSubject", tls?.peerCertificates.first?.subject)
            json.member("clientIssuer", tls?.peerCertificates.first?.issuer)
        }
        var response = Response.json(json.text)
        // The session stays in use until its connection is closed.
        if ends { response.headers[.connection] = "close" }
        return response
    }
}
