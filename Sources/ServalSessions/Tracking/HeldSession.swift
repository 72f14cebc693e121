/// A session as one request knows it: under the id with which the request found it, or under one that the request itself has given it.
///
/// When somebody else gives the session another id, the request has no session any more: it may come from whoever planted the old id before somebody signed on.
package struct HeldSession: Sendable {
    /// The session.
    package let session: HTTPSession
    /// The id that the request may know; `nil` for a session that the request has made and told nobody of: then all of its ids come from this request.
    package private(set) var id: SessionID?
    /// How often it had been changed when the request found it; `nil` if the request has made it.
    private let changeCount: UInt64?

    /// A session that was found under an id.
    ///
    /// - Parameter isMade: whether the request has made it, under an id that others know.
    package init(_ session: HTTPSession, foundAs id: SessionID, isMade: Bool = false) {
        self.session = session
        self.id = id
        self.changeCount = isMade ? nil : session.changeCount
    }

    /// A session that the request has made.
    package init(made session: HTTPSession) {
        self.session = session
        self.id = nil
        self.changeCount = nil
    }

    /// The session with an id that the request may use and its client may learn; `nil` if somebody else has given the session another one.
    package var known: (session: HTTPSession, id: SessionID)? {
        let current = self.session.id
        return self.id == nil || self.id == current ? (self.session, current) : nil
    }

    /// Saves what has changed, before a response that depends on it is sent.
    ///
    /// - Throws: what ``SessionManager/save(_:)`` throws, if anything was changed since the request found the session, by this request or beside it. What another
    ///   one has left behind that could not be saved is nothing to a request that has only read.
    package func save(to manager: any SessionManager) async throws(SessionError) {
        do {
            try await manager.save(self.session)
        } catch {
            guard self.session.changeCount == self.changeCount else { throw error }
        }
    }

    /// Whether the request may give the session an id in place of this one.
    package func mayReplace(_ id: SessionID) -> Bool { self.id == nil || self.id == id }

    /// Notes that the request has given the session another id.
    package mutating func didReplace(_ old: SessionID, by new: SessionID) {
        if self.id == old { self.id = new }
    }

    /// Notes that an id goes to the client: from now on others know it.
    package mutating func tell(_ id: SessionID) { self.id = id }
}

/// A request that knows sessions by their ids.
package protocol SessionHolder: AnyObject, Sendable {
    /// Who has signed in with the request by itself, as every request of the same client does; `nil` for nobody.
    var clientOwner: String? { get }
    /// Whether the request may give a session another id than `id`; `true` for sessions of which it does not know.
    func mayReplace(_ id: SessionID, of session: HTTPSession) -> Bool
    /// Says that the request has given a session another id.
    func didReplace(_ old: SessionID, by new: SessionID, of session: HTTPSession)
}

extension SessionHolder {
    /// Nobody.
    package var clientOwner: String? { nil }
}

/// The request on whose behalf a task works.
package enum SessionRequest {
    /// The request that the current task answers; `nil` outside of requests, and for those that can neither have come with an id nor have a client that signs in.
    @TaskLocal package static var current: (any SessionHolder)?
}

extension HTTPSession {
    /// The id that a rotation replaces.
    ///
    /// - Throws: ``SessionError/Code/invalidated`` if the current request knows the session only by a former id: it must not take a session over from whoever
    ///   has got the present one.
    func replaceableID() throws(SessionError) -> SessionID {
        let id = self.id
        guard SessionRequest.current?.mayReplace(id, of: self) ?? true else {
            let reason = "the session got another id since this request found it, and belongs to whoever knows that one"
            throw SessionError(code: .invalidated, message: reason)
        }
        return id
    }
}
