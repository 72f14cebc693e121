import ServalSessions

/// Has no sessions: `<Manager className="serval.session.DisabledManager"/>`.
///
/// Finds none, makes none, and sends no cookie.
final class DisabledSessionManager: SessionManager {
    /// Always `nil`; there is nothing that it could apply to.
    var defaultMaxInactiveInterval: Duration? {
        get { nil }
        set {}
    }

    var statistics: SessionStatistics { SessionStatistics() }

    func find(_ id: SessionID) async throws(SessionError) -> HTTPSession? { nil }

    func create(id: SessionID?) async throws(SessionError) -> HTTPSession {
        throw SessionError(code: .creationForbidden, message: "sessions are disabled for this application by serval.session.DisabledManager")
    }

    func processExpires() async {}
    func addListener(_ listener: any HTTPSessionListener) {}
    func start() async throws {}
    func stop() async {}
}
