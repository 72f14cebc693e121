import Logging
package import ServalServlet

/// Signs clients in by their certificates (`CLIENT-CERT`).
///
/// The certificate is the one that the client has shown in the handshake, that a proxy vouches for (`SSLValve`), or that the client is asked for now where
/// TLS 1.3 allows it. Certificates that nobody has verified sign nobody in. Without one the answer is 401.
///
/// Source: Servlet 6.1 §13.6.4, Tomcat's `SSLAuthenticator`.
package struct ClientCertificateAuthenticator: Sendable {
    /// What became of a request.
    package enum Outcome: Sendable {
        /// The request of somebody who is known, to go on with: its body may have been read.
        case authenticated(Request)
        /// The answer to somebody who is not.
        case refused(Response)
    }

    /// Servlet's name for it.
    package static let authenticationType = "CLIENT_CERT"

    package init() {}

    /// Finds out who the client is.
    ///
    /// - Throws: ``HTTPError`` 413 where the body is longer than `maxSavePostSize` and the client has to be asked, and what reading the body throws.
    package func authenticate(_ request: Request) async throws -> Outcome {
        if let leaf = request[.x509Certificate]?.first { return .authenticated(try await self.note(leaf, request)) }
        // Behind a proxy it would be the proxy that is asked.
        guard !request.withholds(.x509Certificate), let tls = request.tls, tls.canRequestPeerCertificates else { return Self.refusal }
        let request = try await self.withSavedBody(request)
        guard let leaf = await tls.requestPeerCertificates().first else { return Self.refusal }
        return .authenticated(try await self.note(leaf, request))
    }

    /// Does what is left of a request whose client is known: a session that is signed on meanwhile under another name, the application's own for the same client,
    /// stays the client's.
    package func goOn(
        _ request: Request,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (Request) async throws -> Response
    ) async throws -> Response {
        guard let tracker = request.mapping?.sessions as? SessionTracker, SessionRequest.current !== tracker else { return try await body(request) }
        return try await SessionRequest.$current.withValue(tracker) { try await body(request) }
    }

    private static var refusal: Outcome {
        .refused(.error(.unauthorized, message: "There is no client certificate that could tell who the client is"))
    }

    /// The client's certificate comes behind what it has sent already, so that has to be read first.
    ///
    /// A client that waits for `100 Continue` has not sent its body.
    private func withSavedBody(_ request: Request) async throws -> Request {
        guard !request.body.isEmpty, request.headers[.expect]?.lowercased() != "100-continue" else { return request }
        let limit = request.state.connection.maxSavePostSize
        var copy = request
        copy.body = .bytes(try await request.body.collect(upTo: limit < 0 ? Int.max : limit))
        return copy
    }

    private func note(_ leaf: PeerCertificate, _ request: Request) async throws -> Request {
        // Sessions tell their owners apart by name, and a subject may be empty.
        let owner = leaf.subject.isEmpty ? "serial number \(leaf.serialNumber) of \(leaf.issuer)" : leaf.subject
        request.authentication = Authentication(principal: Principal(name: leaf.subject), type: Self.authenticationType, owner: owner)
        // Whoever knew the session's id before need not know it now. The id of a TLS session cannot be changed, and nobody can plant it. A session that has an owner
        // is the principal's own: that of somebody else is not the request's any more.
        guard !request.context.sessionTrackingModes.contains(.ssl),
            let session = try await request.existingSession(), session.principalName == nil
        else { return request }
        do throws(SessionError) {
            try await session.signOn(as: owner)
        } catch {
            // Ended at this moment, or another request with the same id has signed on first: then this one came with an id that means nothing any more.
            guard error.code == .invalidated else { throw error }
        }
        return request
    }
}
