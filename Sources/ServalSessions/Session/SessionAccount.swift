/// The application's own name for somebody whose client signs in by itself with every request.
///
/// It travels with the session, as an attribute: the requests that follow come from the same client, and nobody else's may have the session.
struct SessionAccount: Codable, Hashable, Sendable {
    enum Key: SessionAttributeKey {
        typealias Value = SessionAccount
        static let name = "serval.account"
    }

    /// The name under which the session was signed on; if it has another one meanwhile, this here means nothing.
    var name: String
    /// Who had signed in with the request that did so.
    var owner: String
}
