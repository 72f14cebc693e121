public import ServalServlet

/// Pages on which a person tries out sessions: attributes, tracking by cookie and URL, signing in and out, and a page without sessions.
///
/// Every link and form goes through `encodedURL`, so the pages also work without cookies. What changes something is a POST that redirects.
public struct SessionPagesServlet: HTTPServlet {
    /// What the visitor has entered.
    private enum Notes: SessionAttributeKey {
        typealias Value = [String: String]
        static let name = "serval.examples.notes"
    }

    /// Who has signed in.
    private enum User: SessionAttributeKey {
        typealias Value = String
        static let name = "serval.examples.user"
    }

    private static let noteLimit = 20
    // In units of UTF-16, as browsers count for `maxlength`: one character may have any number of combining marks.
    private static let nameLimit = 64
    private static let valueLimit = 256

    /// A servlet without settings.
    public init() {}

    /// GET and POST.
    public var allowedMethods: [HTTPRequest.Method] { [.get, .head, .post, .options] }

    /// Shows a page.
    public func get(_ request: Request) async throws -> Response {
        switch request.pathInfo {
        case nil: return .redirect(to: request.encodedURL(Self.link("/", request)))
        case "/": return Self.page("Sessions", request, Self.index)
        case "/attributes": return Self.page("Attributes", request, Self.attributes(request, try await request.session()))
        case "/tracking": return Self.page("Tracking", request, try await Self.tracking(request))
        case "/sign-in": return Self.page("Signing in", request, Self.signIn(request, try await request.existingSession()))
        case "/none": return try await Self.none(request.with(sessionPolicy: .forbidden))
        default: return .error(.notFound)
        }
    }

    /// Changes something, then redirects to the page that shows it.
    public func post(_ request: Request) async throws -> Response {
        try await request.form(upTo: 16_384)
        switch request.pathInfo {
        case "/attributes": return try await self.changeAttributes(request)
        case "/sign-in": return try await self.signIn(request)
        case "/sign-out":
            try await request.existingSession()?.invalidate()
            return Self.see("/sign-in", request)
        default: return .error(.notFound)
        }
    }

    // MARK: Changes

    private func changeAttributes(_ request: Request) async throws -> Response {
        let name = request.parameter("name") ?? ""
        guard !name.isEmpty, name.utf16.count <= Self.nameLimit else { throw HTTPError(.badRequest, "a name has 1 to \(Self.nameLimit) characters") }
        let value = request.parameter("value") ?? ""
        guard value.utf16.count <= Self.valueLimit else { throw HTTPError(.badRequest, "a value has at most \(Self.valueLimit) characters") }
        let removes = request.parameter("action") == "remove"
        let session = try await request.session()
        let isKept = session.update(Notes.self, default: [:]) { notes in
            if removes {
                notes[name] = nil
            } else {
                guard notes[name] != nil || notes.count < Self.noteLimit else { return false }
                notes[name] = value
            }
            return true
        }
        guard isKept else { throw HTTPError(.badRequest, "a session keeps at most \(Self.noteLimit) attributes here") }
        return Self.see("/attributes", request)
    }

    /// The session gets another id, so that an id that somebody planted before is worth nothing.
    private func signIn(_ request: Request) async throws -> Response {
        let user = request.parameter("user") ?? ""
        guard !user.isEmpty, user.utf16.count <= Self.nameLimit else { throw HTTPError(.badRequest, "a name has 1 to \(Self.nameLimit) characters") }
        let session = try await request.session()
        try await session.rotateID()
        session[User.self] = user
        return Self.see("/sign-in", request)
    }

    private static func see(_ page: String, _ request: Request) -> Response {
        .redirect(to: request.encodedURL(Self.link(page, request)), status: .seeOther)
    }

    // MARK: Pages

    private static let index = "<p>Each page shows one thing that a session does. Look at the cookies and at the address while you click.</p>"

    private static func attributes(_ request: Request, _ session: HTTPSession) -> String {
        var html = "<p>\(session.isNew ? "The session is new." : "You had a session.")</p><table><tr><th>Name</th><th>Value</th><th></th></tr>"
        let action = HTML.escaped(request.encodedURL(Self.link("/attributes", request)))
        for (name, value) in (session[Notes.self] ?? [:]).sorted(by: { $0.key < $1.key }) {
            html += "<tr><td>\(HTML.escaped(name))</td><td>\(HTML.escaped(value))</td><td><form method=\"post\" action=\"\(action)\">"
            html += "<input type=\"hidden\" name=\"name\" value=\"\(HTML.escaped(name))\">"
            html += "<button name=\"action\" value=\"remove\">Remove</button></form></td></tr>"
        }
        html +=
            "</table><form method=\"post\" action=\"\(action)\"><label>Name <input name=\"name\" maxlength=\"\(Self.nameLimit)\" required></label> "
        html +=
            "<label>Value <input name=\"value\" maxlength=\"\(Self.valueLimit)\"></label> <button name=\"action\" value=\"add\">Add</button></form>"
        return html
    }

    private static func tracking(_ request: Request) async throws -> String {
        let session = try await request.session()
        let count = session.update(VisitCount.self, default: 0) { count in
            count += 1
            return count
        }
        let source = request.requestedSessionIDSource.map { "by \($0.rawValue)" } ?? "not at all: this is your first request"
        let plain = Self.link("/tracking", request)
        let encoded = request.encodedURL(plain)
        var html = "<p>Visits in this session: <strong>\(count)</strong>. Your request named it \(source).</p><ul>"
        html += "<li><a href=\"\(HTML.escaped(plain))\">A link without session id</a>: the session stays only if you take cookies.</li>"
        html += "<li><a href=\"\(HTML.escaped(encoded))\">An encoded link</a>: "
        html +=
            encoded == plain
            ? "has no id, because you take cookies or URLs carry none here." : "carries the id, because you have not shown a cookie yet."
        return html + "</li></ul>"
    }

    private static func signIn(_ request: Request, _ session: HTTPSession?) -> String {
        if let user = session?[User.self] {
            let action = HTML.escaped(request.encodedURL(Self.link("/sign-out", request)))
            return "<p>You are <strong>\(HTML.escaped(user))</strong>. When you signed in, the session got another id.</p>"
                + "<form method=\"post\" action=\"\(action)\"><button>Sign out</button></form>"
        }
        let action = HTML.escaped(request.encodedURL(Self.link("/sign-in", request)))
        return "<p>Nobody has signed in. Any name will do.</p><form method=\"post\" action=\"\(action)\">"
            + "<label>Name <input name=\"user\" maxlength=\"\(Self.nameLimit)\" required></label> <button>Sign in</button></form>"
    }

    private static func none(_ request: Request) async throws -> Response {
        let session = try await request.existingSession()
        var text = "<p>This page runs under a policy that forbids sessions: it sees \(session == nil ? "none" : "one"), whatever you sent.</p>"
        do throws(SessionError) {
            _ = try await request.session()
        } catch {
            text += "<p>Asking for one fails: \(HTML.escaped(error.message))</p>"
        }
        return Self.page("No session", request, text)
    }

    // MARK: Frame

    private static func link(_ page: String, _ request: Request) -> String { request.contextPath + request.servletPath + page }

    private static func page(_ title: String, _ request: Request, _ content: String) -> Response {
        let links = [
            ("/", "Sessions"), ("/attributes", "Attributes"), ("/tracking", "Tracking"), ("/sign-in", "Signing in"), ("/none", "No session"),
        ]
        let navigation = links.map { path, name in
            "<a href=\"\(HTML.escaped(request.encodedURL(Self.link(path, request))))\">\(HTML.escaped(name))</a>"
        }
        let title = HTML.escaped(title)
        var response = Response.html(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>\(title)</title></head><body>"
                + "<nav>\(navigation.joined(separator: " | "))</nav><h1>\(title)</h1>\(content)</body></html>"
        )
        // The address may carry the session id: other sites must not learn it, and no cache may keep the page.
        response.headers[.cacheControl] = "no-store"
        if let name = HTTPField.Name("Referrer-Policy") { response.headers[name] = "no-referrer" }
        return response
    }
}

/// Text from outside in pages.
enum HTML {
    /// `text` for element content and quoted attribute values.
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "&": escaped += "&amp;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
