import Synchronization

/// Who has signed in.
///
/// Source: Servlet `getUserPrincipal`.
public struct Principal: Sendable, Hashable {
    /// The name; of a client with a certificate its subject, `CN=Alice,O=Example`.
    public let name: String

    /// Somebody with a name.
    public init(name: String) { self.name = name }
}

/// How somebody has signed in.
package struct Authentication: Sendable {
    package var principal: Principal
    /// Servlet's word: `CLIENT_CERT`.
    package var type: String
    /// The name under which sessions belong to the principal; not empty, and nobody else's.
    package var owner: String

    /// - Parameter owner: for principals whose names do not tell them apart.
    package init(principal: Principal, type: String, owner: String? = nil) {
        self.principal = principal
        self.type = type
        self.owner = owner ?? principal.name
    }
}

extension Request {
    /// Who has signed in; nil before, and where nothing asks for it.
    ///
    /// Source: Servlet `getUserPrincipal`.
    public var userPrincipal: Principal? { self.authentication?.principal }

    /// How: `CLIENT_CERT`; nil while nobody has signed in.
    ///
    /// Source: Servlet `getAuthType`.
    public var authType: String? { self.authentication?.type }

    /// The name of who has signed in.
    ///
    /// Source: Servlet `getRemoteUser`.
    public var remoteUser: String? { self.userPrincipal?.name }

    /// Set by the authenticator; shared by every copy of the request.
    ///
    /// From then on the session of somebody else is not the request's, whatever id its client has sent.
    package var authentication: Authentication? {
        get { self.state.shared.withLock { $0.authentication } }
        nonmutating set {
            self.state.shared.withLock { $0.authentication = newValue }
            self.mapping?.sessions?.authenticationChanged(to: newValue?.owner)
        }
    }
}
