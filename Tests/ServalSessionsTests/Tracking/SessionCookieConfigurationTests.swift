import Testing

@testable import ServalSessions

@Suite struct SessionCookieConfigurationTests {
    static let id = SessionID(rawValue: "00112233445566778899AABBCCDDEEFF")

    static func configuration(_ change: (inout SessionCookieConfiguration) -> Void) -> SessionCookieConfiguration {
        var configuration = SessionCookieConfiguration()
        change(&configuration)
        return configuration
    }

    @Test func cookieOfTheDefaults() throws {
        let configuration = SessionCookieConfiguration()
        try configuration.validate()
        let value = "JSESSIONID=00112233445566778899AABBCCDDEEFF"
        #expect(configuration.cookie(for: Self.id, contextPath: "/shop", isSecure: false).headerValue == "\(value); Path=/shop; HttpOnly")
        #expect(configuration.cookie(for: Self.id, contextPath: "", isSecure: true).headerValue == "\(value); Path=/; Secure; HttpOnly")
    }

    @Test(arguments: [("/foo", "/foo/"), ("", "/"), ("/foo/", "/foo/")])
    func trailingSlash(contextPath: String, expected: String) {
        let configuration = Self.configuration { $0.pathUsesTrailingSlash = true }
        #expect(configuration.cookie(for: Self.id, contextPath: contextPath, isSecure: false).path == expected)
    }

    @Test(
        "A context path is encoded as in URLs, a configured path is sent as it is",
        arguments: [
            ("/a b", "/a%20b"), ("/x%20y", "/x%2520y"), ("/ä", "/%C3%A4"), ("/a;b", "/a%3Bb"), ("/it's(1)~@:!$&*+,=", "/it's(1)~@:!$&*+,="),
            ("/a/b", "/a/b"),
        ]
    )
    func encodedPath(contextPath: String, expected: String) {
        #expect(SessionCookieConfiguration().cookie(for: Self.id, contextPath: contextPath, isSecure: false).path == expected)
        let configured = Self.configuration { $0.path = "/x%20y" }
        #expect(configured.cookie(for: Self.id, contextPath: contextPath, isSecure: false).path == "/x%20y")
    }

    static let allowed: [SessionCookieConfiguration] = [
        configuration {
            $0.name = "__Host-session"
            $0.path = "/"
            $0.secure = .always
            $0.sameSite = Cookie.SameSite.none
            $0.isPartitioned = true
        },
        configuration {
            $0.name = "__Host-session"
            $0.secure = .always
        },
        configuration {
            $0.name = "__Secure-session"
            $0.secure = .always
            $0.domain = "example.org"
            $0.path = "/a"
        },
        configuration { $0.sameSite = .strict },
    ]

    @Test(arguments: allowed) func acceptsWhatWorks(configuration: SessionCookieConfiguration) throws {
        try configuration.validate()
        try configuration.validate(contextPath: "")
    }

    static let refused: [(SessionCookieConfiguration, [String])] = [
        (
            configuration {
                $0.name = "__Host-s"
                $0.secure = .always
                $0.domain = "example.org"
            }, ["__Host-", "domain"]
        ),
        (
            configuration {
                $0.name = "__host-s"
                $0.secure = .always
                $0.path = "/shop"
            }, ["__host-s", "path"]
        ),
        (configuration { $0.name = "__Host-s" }, ["__Host-", "secure"]),
        (configuration { $0.name = "__SECURE-s" }, ["__SECURE-s", "secure"]),
        (configuration { $0.sameSite = Cookie.SameSite.none }, ["sameSite", "secure"]),
        (configuration { $0.isPartitioned = true }, ["partitioned", "secure"]),
    ]

    @Test(arguments: refused) func namesBothSettingsOfAContradiction(configuration: SessionCookieConfiguration, words: [String]) {
        let error = #expect(throws: CookieError.self) { try configuration.validate() }
        #expect(error?.code == .contradiction)
        for word in words { #expect(error?.message.contains(word) == true) }
    }

    @Test func hostPrefixNeedsTheRootContext() {
        let configuration = Self.configuration {
            $0.name = "__Host-s"
            $0.secure = .always
        }
        let error = #expect(throws: CookieError.self) { try configuration.validate(contextPath: "/shop") }
        #expect(error?.message.contains("'/shop'") == true)
    }

    @Test func refusesIllegalText() {
        for name in ["", "a b", "a;b", "a\r\n"] {
            #expect(throws: CookieError.self) { try Self.configuration { $0.name = name }.validate() }
        }
        #expect(throws: CookieError.self) { try Self.configuration { $0.domain = "a;b" }.validate() }
        #expect(throws: CookieError.self) { try Self.configuration { $0.path = "/;" }.validate() }
        #expect(throws: CookieError.self) { try Self.configuration { $0.additionalAttributes = ["SameSite": "Lax"] }.validate() }
    }
}
