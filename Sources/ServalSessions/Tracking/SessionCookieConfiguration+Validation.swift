extension SessionCookieConfiguration {
    /// Throws if browsers would refuse the session cookie, or if it cannot be sent as it is set.
    ///
    /// Meant for the start of a context, when all settings are known: a cookie that a browser drops shows itself only as sessions that get lost.
    /// The rules are those of RFC 6265bis §4.1.3 (name prefixes, in whatever case), §5.7 (`SameSite`) and CHIPS (`Partitioned`). "Secure" means
    /// ``Secure/always``: with ``Secure/whenRequestIsSecure`` the cookie would still be sent without it over plain HTTP.
    ///
    /// - Parameter contextPath: the path that the cookie gets if ``path`` is `nil`, `""` for the root context; `nil` if it is not known yet.
    /// - Throws: ``CookieError`` that names the settings which exclude each other, or the one that is not legal.
    public func validate(contextPath: String? = nil) throws(CookieError) {
        try Cookie(name: self.name, value: "").validate()
        try Cookie.validateAttributes(of: self.name, domain: self.domain, path: self.path, additional: self.additionalAttributes)

        let lowercasedName = self.name.lowercased()
        let hasHostPrefix = lowercasedName.utf8.starts(with: "__host-".utf8)
        if hasHostPrefix || lowercasedName.utf8.starts(with: "__secure-".utf8) {
            let prefix = hasHostPrefix ? "__Host-" : "__Secure-"
            try self.requireSecure(because: "name '\(self.name)' begins with \(prefix)")
        }
        if hasHostPrefix {
            if let domain = self.domain {
                throw Self.contradiction(
                    "name '\(self.name)' begins with __Host-, and domain is '\(domain)'; leave out the domain or rename the cookie"
                )
            }
            let path = self.path ?? contextPath.map { $0.isEmpty ? "/" : $0 }
            if let path, !path.utf8.elementsEqual("/".utf8) {
                let origin = self.path == nil ? "path is not set, which means the context path '\(path)'" : "path is '\(path)'"
                throw Self.contradiction("name '\(self.name)' begins with __Host-, and \(origin); set path to '/' or rename the cookie")
            }
        }
        if self.sameSite == Cookie.SameSite.none { try self.requireSecure(because: "sameSite is None") }
        if self.isPartitioned { try self.requireSecure(because: "partitioned is true") }
    }

    private func requireSecure(because reason: String) throws(CookieError) {
        if self.secure == .always { return }
        throw Self.contradiction("\(reason), and secure is not true; set secure to true, or browsers refuse the cookie")
    }

    private static func contradiction(_ settings: String) -> CookieError {
        CookieError(code: .contradiction, message: "session cookie: \(settings)")
    }
}
