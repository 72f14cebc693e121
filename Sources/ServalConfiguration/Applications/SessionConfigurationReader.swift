import ServalSessions

/// Reads `<session-config>`.
///
/// Source: Servlet 6.1 §14.4.9.
struct SessionConfigurationReader {
    let scope: FileScope

    func read(_ element: XMLElement, into session: inout WebDescriptor.SessionConfiguration) {
        self.scope.checkChildren(of: element, known: ["session-timeout", "cookie-config", "tracking-mode", "description"])
        session.origin = .init(scope: self.scope, element: element)
        self.scope.warnOfRepetition(in: element, of: ["session-timeout", "cookie-config"])
        for child in element.children where child.name == "session-timeout" || child.name == "tracking-mode" {
            for attribute in child.attributes where attribute.name != "id" {
                self.scope.report(
                    .warning,
                    "the attribute \"\(attribute.writtenName)\" of <\(child.name)> is not known and is ignored",
                    at: attribute.position,
                    element: child.name,
                    attribute: attribute.name
                )
            }
        }
        if let child = element.child("session-timeout") { session.timeout = self.integer(child) }
        for child in element.children("tracking-mode") {
            let word = self.text(child)
            if SessionTrackingMode(rawValue: word) == nil {
                self.scope.report(
                    .error,
                    "<tracking-mode> has to be one of COOKIE, URL, SSL, found \"\(word)\"",
                    child,
                    suggestion: NearestName.find(word, among: SessionTrackingMode.allCases.map(\.rawValue))
                )
            } else {
                session.trackingModes.insert(word)
            }
        }
        if let cookie = element.child("cookie-config") { self.readCookie(cookie, &session) }
    }

    private func readCookie(_ element: XMLElement, _ session: inout WebDescriptor.SessionConfiguration) {
        self.scope.checkChildren(of: element, known: ["name", "domain", "path", "comment", "http-only", "secure", "max-age", "attribute"])
        self.scope.warnOfRepetition(in: element, of: ["name", "domain", "path", "http-only", "secure", "max-age"], wins: "last")
        for child in element.children {
            switch child.name {
            case "name": self.set(\.cookieName, .name, child, &session)
            case "domain": self.set(\.cookieDomain, .domain, child, &session)
            case "path": self.set(\.cookiePath, .path, child, &session)
            case "http-only": session.isHTTPOnly = self.boolean(child)
            case "secure": session.isSecure = self.boolean(child)
            case "max-age": session.maxAge = self.integer(child)
            case "attribute":
                guard let name = child.child("attribute-name").map({ self.text($0) }), !name.isEmpty else {
                    self.scope.report(.error, "<attribute> needs <attribute-name>", child)
                    continue
                }
                session.cookieAttributes[name] = child.child("attribute-value").map { self.text($0) } ?? ""
                let setting: WebDescriptor.CookieSetting =
                    switch name.lowercased() {
                    case "samesite": .sameSite
                    case "partitioned": .partitioned
                    default: .attributes
                    }
                session.cookieOrigins[setting] = .init(scope: self.scope, element: child)
            default: break
            }
        }
    }

    private func set(
        _ field: WritableKeyPath<WebDescriptor.SessionConfiguration, String?>,
        _ setting: WebDescriptor.CookieSetting,
        _ element: XMLElement,
        _ session: inout WebDescriptor.SessionConfiguration
    ) {
        session[keyPath: field] = self.text(element)
        session.cookieOrigins[setting] = .init(scope: self.scope, element: element)
    }

    private func text(_ element: XMLElement) -> String { self.scope.resolve(element.trimmedText, at: element.position) }

    private func integer(_ element: XMLElement) -> Int? {
        let text = self.text(element)
        guard let number = Int(text), abs(number) <= Int(Int32.max) else {
            self.scope.report(.error, "<\(element.name)> has to be a number, found \"\(text)\"", element)
            return nil
        }
        return number
    }

    private func boolean(_ element: XMLElement) -> Bool? {
        switch self.text(element).lowercased() {
        case "true": return true
        case "false": return false
        default:
            self.scope.report(.error, "<\(element.name)> has to be true or false, found \"\(self.text(element))\"", element)
            return nil
        }
    }
}
