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

    package init(principal: Principal, type: String) {
        self.principal = principal
        self.type = type
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
    package var authentication: Authentication? {
        get { self.state.shared.withLock { $0.authentication } }
        nonmutating set { self.state.shared.withLock { $0.authentication = newValue } }
    }
}
