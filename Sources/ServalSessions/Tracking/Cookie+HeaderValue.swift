extension Cookie {
    /// The value of the `Set-Cookie` field, in Tomcat's spelling and order.
    ///
    /// `NAME=value; Expires=…; Max-Age=…; Domain=…; Path=…; Secure; HttpOnly; SameSite=…; Partitioned; other=…`. A deleted cookie
    /// (``maxAge`` zero) has only `Expires`.
    ///
    /// No text gets through that could end the field or begin another attribute: an attribute that is not legal is left out, and a cookie whose name or
    /// value is not legal gives an empty string. Call ``validate()`` to hear of it instead.
    public var headerValue: String { self.headerValue(now: .now) }

    /// The same as ``headerValue``, with `Expires` counted from a given moment.
    public func headerValue(now: Timestamp) -> String {
        guard self.name.isCookieToken, self.value.isCookieValue else { return "" }
        var header = ""
        header.reserveCapacity(128)
        header += self.name
        header += "="
        header += self.value
        if let seconds = self.maxAge?.roundedUpSeconds, seconds >= 0 {
            if seconds == 0 {
                // Ten seconds after the epoch, because some clients take zero for "none".
                header += "; Expires=Thu, 01 Jan 1970 00:00:10 GMT"
            } else {
                header += "; Expires=\(now.httpDate(after: seconds)); Max-Age=\(seconds)"
            }
        }
        if let domain = self.domain, domain.isCookieDomain { header += "; Domain=\(domain)" }
        if let path = self.path, !path.isEmpty, path.isCookieAttributeValue { header += "; Path=\(path)" }
        if self.isSecure { header += "; Secure" }
        if self.isHTTPOnly { header += "; HttpOnly" }
        if let sameSite = self.sameSite { header += "; SameSite=\(sameSite.rawValue)" }
        if self.isPartitioned { header += "; Partitioned" }
        for (name, value) in self.additionalAttributes.sorted(by: { $0.key < $1.key }) {
            guard name.isCookieToken, !name.isCookieAttributeWithProperty, value.isCookieAttributeValue else { continue }
            header += value.isEmpty ? "; \(name)" : "; \(name)=\(value)"
        }
        return header
    }

    /// Throws if the cookie cannot be sent as it is.
    ///
    /// - Throws: ``CookieError`` that names the part which is not legal (RFC 6265 §4.1.1; as in Tomcat, values may have characters beyond ASCII).
    public func validate() throws(CookieError) {
        guard self.name.isCookieToken else {
            throw CookieError(code: .illegalName, message: "the cookie's name must be a token: letters, digits and !#$%&'*+-.^_`|~, at least one")
        }
        guard self.value.isCookieValue else {
            let reason = "the value of cookie '\(self.name)' has a control character, a space or one of \",;\\; encode it, for instance in Base64"
            throw CookieError(code: .illegalValue, message: reason)
        }
        try Self.validateAttributes(of: self.name, domain: self.domain, path: self.path, additional: self.additionalAttributes)
    }

    static func validateAttributes(of name: String, domain: String?, path: String?, additional: [String: String]) throws(CookieError) {
        if let domain, !domain.isCookieDomain {
            let reason = "the Domain of cookie '\(name)' must be a host name like example.org, without a dot at the beginning"
            throw CookieError(code: .illegalAttribute, message: reason)
        }
        if let path, !path.isCookieAttributeValue {
            let reason = "the Path of cookie '\(name)' has a semicolon, a control character or one beyond ASCII"
            throw CookieError(code: .illegalAttribute, message: reason)
        }
        for (attribute, value) in additional.sorted(by: { $0.key < $1.key }) {
            guard attribute.isCookieToken else {
                throw CookieError(code: .illegalAttribute, message: "an attribute of cookie '\(name)' has a name that is not a token")
            }
            guard !attribute.isCookieAttributeWithProperty else {
                let reason = "attribute '\(attribute)' of cookie '\(name)' has a setting of its own; use that one"
                throw CookieError(code: .illegalAttribute, message: reason)
            }
            guard value.isCookieAttributeValue else {
                let reason = "the value of attribute '\(attribute)' of cookie '\(name)' has a semicolon, a control character or one beyond ASCII"
                throw CookieError(code: .illegalAttribute, message: reason)
            }
        }
    }
}

extension Duration {
    /// Whole seconds; a part of a second counts as one, so that a short life is not taken for a deletion.
    fileprivate var roundedUpSeconds: Int64 {
        let (seconds, attoseconds) = self.components
        if attoseconds < 0 { return min(seconds, -1) }
        return attoseconds > 0 && seconds < .max ? seconds + 1 : seconds
    }
}

extension String {
    /// RFC 9110 `token`.
    fileprivate var isCookieToken: Bool {
        !self.isEmpty && self.utf8.allSatisfy(CookieSyntax.isTokenCharacter)
    }

    /// RFC 6265 `cookie-value`, quoted or not.
    fileprivate var isCookieValue: Bool {
        CookieSyntax.isValue(self.utf8)
    }

    /// Printable ASCII without the semicolon; may be empty.
    fileprivate var isCookieAttributeValue: Bool {
        self.utf8.allSatisfy { $0 >= 0x20 && $0 <= 0x7E && $0 != UInt8(ascii: ";") }
    }

    /// Labels of letters, digits and inner hyphens.
    fileprivate var isCookieDomain: Bool {
        self.utf8.count <= 253
            && self.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
                guard let first = label.first, let last = label.last, CookieSyntax.isAlphanumeric(first), CookieSyntax.isAlphanumeric(last) else {
                    return false
                }
                return label.allSatisfy { CookieSyntax.isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
            }
    }

    /// Whether an attribute is one of those that ``Cookie`` has a property for.
    fileprivate var isCookieAttributeWithProperty: Bool {
        switch self.lowercased() {
        case "expires", "max-age", "domain", "path", "secure", "httponly", "samesite", "partitioned": true
        default: false
        }
    }
}
