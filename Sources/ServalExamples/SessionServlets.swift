public import ServalServlet

/// The visits of a client, counted in its session.
enum VisitCount: SessionAttributeKey {
    typealias Value = Int
    static let name = "serval.examples.visits"
}

/// Counts the visits of a client in its session; makes the session if there is none.
public struct SessionServlet: Servlet {
    /// A servlet without settings.
    public init() {}

    /// Answers the number of visits.
    ///
    /// `invalidate=true` then ends the session, `timeout=N` sets its idle time in seconds (0 or less: none), `json=true` answers what is known of it.
    public func respond(to request: Request) async throws -> Response {
        let session = try await request.session()
        let count = session.update(VisitCount.self, default: 0) { count in
            count += 1
            return count
        }
        if let seconds = try request.number("timeout", in: -1...Int(Int32.max)) {
            session.maxInactiveInterval = seconds > 0 ? .seconds(seconds) : nil
        }
        let json = request.parameter("json") == "true" ? Self.json(session, count: count) : nil
        if request.parameter("invalidate") == "true" { try await session.invalidate() }
        return json.map { .json($0) } ?? .text(String(count))
    }

    private static func json(_ session: HTTPSession, count: Int) -> String {
        var json = JSONWriter()
        json.object { json in
            json.member("id", session.id.rawValue)
            json.member("isNew", session.isNew)
            json.member("count", count)
            json.member("creationTime", Int(session.creationTime.millisecondsSince1970))
            json.member("lastAccessedTime", Int(session.lastAccessedTime.millisecondsSince1970))
            json.member("maxInactiveInterval", session.maxInactiveInterval.map { Int($0.components.seconds) } ?? -1)
        }
        return json.text
    }
}

/// Tells the number of visits of a client that has a session; never makes one.
public struct LookupServlet: Servlet {
    /// A servlet without settings.
    public init() {}

    /// Answers the number of visits, or `none`.
    public func respond(to request: Request) async throws -> Response {
        guard let session = try await request.existingSession() else { return .text("none") }
        return .text(String(session[VisitCount.self] ?? 0))
    }
}

/// Encodes the URL in the parameter `url` for a client that does not take cookies.
public struct EncodeServlet: Servlet {
    /// A servlet without settings.
    public init() {}

    /// Answers the URL, with the session id in it if the client has a session and needs that.
    public func respond(to request: Request) async throws -> Response {
        guard let url = request.parameter("url") else { throw HTTPError(.badRequest, "the parameter url is missing") }
        _ = try await request.existingSession()
        return .text(request.encodedURL(url))
    }
}
