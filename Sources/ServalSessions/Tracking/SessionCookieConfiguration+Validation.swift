extension SessionCookieConfiguration {
    /// Something about the settings that cannot be sent, or that browsers refuse.
    package struct Problem: Sendable, Hashable {
        /// The setting that it is about, for its place in a file.
        package enum Setting: Sendable, Hashable {
            case name, domain, path, sameSite, partitioned, attributes
        }

        package var setting: Setting
        package var error: CookieError
        /// Whether it is none for a cookie that carries `Secure`.
        package var endsWithSecure = false
    }

    /// Throws if browsers would refuse the session cookie, or if it cannot be sent as it is set.
    ///
    /// Meant for the start of a context, when all settings are known: a cookie that a browser drops shows itself only as sessions that get lost.
    /// The rules are those of RFC 6265bis §4.1.3 (name prefixes, in whatever case), §5.7 (`SameSite`) and CHIPS (`Partitioned`). "Secure" means
    /// ``Secure/always``: with ``Secure/whenRequestIsSecure`` the cookie would still be sent without it over plain HTTP.
    ///
    /// - Parameter contextPath: the path that the cookie gets if ``path`` is `nil`, `""` for the root context; `nil` if it is not known yet.
    /// - Throws: ``CookieError`` that names the settings which exclude each other, or the one that is not legal; the first, if there are several.
    public func validate(contextPath: String? = nil) throws(CookieError) {
        if let problem = self.problems(contextPath: contextPath).first { throw problem.error }
    }

    /// All that ``validate(contextPath:)`` would throw.
    package func problems(contextPath: String?) -> [Problem] {
        var problems: [Problem] = []
        func check(_ setting: Problem.Setting, _ body: () throws(CookieError) -> Void) {
            do throws(CookieError) { try body() } catch { problems.append(Problem(setting: setting, error: error)) }
        }
        check(.name) { () throws(CookieError) in try Cookie(name: self.name, value: "").validate() }
        check(.domain) { () throws(CookieError) in
            try Cookie.validateAttributes(of: self.name, domain: self.domain, path: nil, additional: [:])
        }
        check(.path) { () throws(CookieError) in try Cookie.validateAttributes(of: self.name, domain: nil, path: self.path, additional: [:]) }
        for (name, value) in self.additionalAttributes.sorted(by: { $0.key < $1.key }) {
            check(.attributes) { () throws(CookieError) in
                try Cookie.validateAttributes(of: self.name, domain: nil, path: nil, additional: [name: value])
            }
        }
        return problems + self.contradictions(contextPath: contextPath)
    }

    private func contradictions(contextPath: String?) -> [Problem] {
        var problems: [Problem] = []
        func needSecure(_ setting: Problem.Setting, because reason: String) {
            guard self.secure != .always else { return }
            let error = Self.contradiction("\(reason), and secure is not true; set secure to true, or browsers refuse the cookie")
            problems.append(Problem(setting: setting, error: error, endsWithSecure: true))
        }
        let lowercasedName = self.name.lowercased()
        let hasHostPrefix = lowercasedName.utf8.starts(with: "__host-".utf8)
        if hasHostPrefix || lowercasedName.utf8.starts(with: "__secure-".utf8) {
            needSecure(.name, because: "name '\(self.name)' begins with \(hasHostPrefix ? "__Host-" : "__Secure-")")
        }
        if hasHostPrefix {
            if let domain = self.domain {
                let error = Self.contradiction(
                    "name '\(self.name)' begins with __Host-, and domain is '\(domain)'; leave out the domain or rename the cookie"
                )
                problems.append(Problem(setting: .domain, error: error))
            }
            let path = self.path ?? contextPath.map { $0.isEmpty ? "/" : $0 }
            if let path, !path.utf8.elementsEqual("/".utf8) {
                let origin = self.path == nil ? "path is not set, which means the context path '\(path)'" : "path is '\(path)'"
                let error = Self.contradiction(
                    "name '\(self.name)' begins with __Host-, and \(origin); set path to '/' or rename the cookie"
                )
                problems.append(Problem(setting: self.path == nil ? .name : .path, error: error))
            }
        }
        if self.sameSite == Cookie.SameSite.none { needSecure(.sameSite, because: "sameSite is None") }
        if self.isPartitioned { needSecure(.partitioned, because: "partitioned is true") }
        return problems
    }

    private static func contradiction(_ settings: String) -> CookieError {
        CookieError(code: .contradiction, message: "session cookie: \(settings)")
    }
}
