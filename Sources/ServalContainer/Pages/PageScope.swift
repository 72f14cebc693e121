import Mustache
import ServalServlet

/// What a page can name: its model, and JSP's implicit objects.
///
/// Source: Jakarta Expression Language in pages, `param`, `header`, `cookie`, `initParam`, `sessionScope` (Jakarta Server Pages 4.0 §2.2.3).
struct PageScope: MustacheParent, MustacheCustomRenderable {
    let request: Request
    let session: HTTPSession?
    let model: [String: any Sendable]

    var renderText: String { "" }
    var isNull: Bool { false }

    func child(named name: String) -> Any? {
        if let value = self.model[name] { return value }
        switch name {
        case "request": return NamedValues { self.requestValue($0) }
        case "session": return self.session.map { session in NamedValues { Self.value(of: session, $0) } }
        case "sessionScope": return self.session.map { session in NamedValues { session.attributeText(named: $0) } }
        case "param": return NamedValues { self.request.parameter($0) }
        case "paramValues": return NamedValues { name in Self.list(self.request.parameters(named: name)) }
        case "header": return NamedValues { name in HTTPField.Name(name).flatMap { self.request.headers[$0] } }
        case "cookie": return NamedValues { name in self.request.cookies.first { $0.name == name }?.value }
        case "initParam": return NamedValues { self.request.context.initParameters[$0] }
        case "url": return MustacheLambda { text in self.url(text) }
        default: return nil
        }
    }

    private static func list(_ values: [String]) -> [String]? { values.isEmpty ? nil : values }

    /// The section `{{#url}}/path{{/url}}`: the path within the application, with the session's id where cookies do not carry it.
    private func url(_ text: String) -> String { self.request.encodedURL(text.hasPrefix("/") ? self.request.contextPath + text : text) }

    private func requestValue(_ name: String) -> Any? {
        switch name {
        case "method": self.request.method.rawValue
        case "requestURI": self.request.path
        case "contextPath": self.request.contextPath
        case "servletPath": self.request.servletPath
        case "queryString": self.request.query
        case "scheme": self.request.scheme
        case "secure": self.request.isSecure
        case "protocol": self.request.protocolVersion
        case "serverName": self.request.serverName
        case "serverPort": self.request.serverPort
        case "remoteAddr": self.request.remoteAddress
        case "remoteUser": self.request.remoteUser
        default: nil
        }
    }

    private static func value(of session: HTTPSession, _ name: String) -> Any? {
        switch name {
        case "id": session.id.rawValue
        case "new": session.isNew
        case "creationTime": session.creationTime.millisecondsSince1970
        case "lastAccessedTime": session.lastAccessedTime.millisecondsSince1970
        case "maxInactiveInterval": session.maxInactiveInterval.map { $0.components.seconds } ?? 0
        default: nil
        }
    }
}

/// Values that are looked up when a page names them; as a whole it is no text.
private struct NamedValues: MustacheParent, MustacheCustomRenderable {
    let value: (String) -> Any?

    var renderText: String { "" }
    var isNull: Bool { false }

    func child(named name: String) -> Any? { self.value(name) }
}
