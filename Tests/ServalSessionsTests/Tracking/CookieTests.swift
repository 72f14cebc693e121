import Testing

@testable import ServalSessions

@Suite struct CookieHeaderValueTests {
    static let now = Timestamp(millisecondsSince1970: 1_700_000_000_999)

    static func cookie(_ change: (inout Cookie) -> Void) -> Cookie {
        var cookie = Cookie(name: "n", value: "v")
        change(&cookie)
        return cookie
    }

    static let golden: [(Cookie, String)] = [
        (cookie { _ in }, "n=v"),
        (Cookie(name: "n", value: ""), "n="),
        (Cookie(name: "n", value: "\"v\""), "n=\"v\""),
        (Cookie(name: "n", value: "ä=b"), "n=ä=b"),
        (cookie { $0.maxAge = .seconds(3600) }, "n=v; Expires=Tue, 14 Nov 2023 23:13:20 GMT; Max-Age=3600"),
        (cookie { $0.maxAge = .milliseconds(1) }, "n=v; Expires=Tue, 14 Nov 2023 22:13:21 GMT; Max-Age=1"),
        (cookie { $0.maxAge = .zero }, "n=v; Expires=Thu, 01 Jan 1970 00:00:10 GMT"),
        (cookie { $0.maxAge = .seconds(-1) }, "n=v"),
        (cookie { $0.maxAge = .milliseconds(-1) }, "n=v"),
        (cookie { $0.maxAge = .seconds(Int64.max) }, "n=v; Expires=Fri, 31 Dec 9999 23:59:59 GMT; Max-Age=9223372036854775807"),
        (cookie { $0.domain = "example.org" }, "n=v; Domain=example.org"),
        (cookie { $0.path = "/a b" }, "n=v; Path=/a b"),
        (cookie { $0.path = "" }, "n=v"),
        (
            cookie {
                $0.maxAge = .seconds(60)
                $0.domain = "example.org"
                $0.path = "/shop"
                $0.isSecure = true
                $0.isHTTPOnly = true
                $0.sameSite = .lax
                $0.isPartitioned = true
                $0.additionalAttributes = ["Zeta": "1", "Priority": "High", "Flag": ""]
            },
            "n=v; Expires=Tue, 14 Nov 2023 22:14:20 GMT; Max-Age=60; Domain=example.org; Path=/shop; Secure; HttpOnly; SameSite=Lax; Partitioned; "
                + "Flag; Priority=High; Zeta=1"
        ),
    ]

    @Test(arguments: golden) func hasTomcatsSpellingAndOrder(cookie: Cookie, expected: String) throws {
        #expect(cookie.headerValue(now: Self.now) == expected)
        try cookie.validate()
    }

    static let illegal: [(Cookie, CookieError.Code, String)] = [
        (Cookie(name: "", value: "v"), .illegalName, ""),
        (Cookie(name: "a b", value: "v"), .illegalName, ""),
        (Cookie(name: "a=b", value: "v"), .illegalName, ""),
        (Cookie(name: "a\r\nSet-Cookie: x", value: "v"), .illegalName, ""),
        (Cookie(name: "ä", value: "v"), .illegalName, ""),
        (Cookie(name: "n", value: "v\r\nX: y"), .illegalValue, ""),
        (Cookie(name: "n", value: "v; Domain=evil"), .illegalValue, ""),
        (Cookie(name: "n", value: "a b"), .illegalValue, ""),
        (Cookie(name: "n", value: "a,b"), .illegalValue, ""),
        (Cookie(name: "n", value: "a\\b"), .illegalValue, ""),
        (Cookie(name: "n", value: "a\"b"), .illegalValue, ""),
        (Cookie(name: "n", value: "\""), .illegalValue, ""),
        (Cookie(name: "n", value: "\"v"), .illegalValue, ""),
        (Cookie(name: "n", value: "a\u{7F}"), .illegalValue, ""),
        (Cookie(name: "n", value: "a\u{0}"), .illegalValue, ""),
        (cookie { $0.domain = ".example.org" }, .illegalAttribute, "n=v"),
        (cookie { $0.domain = "" }, .illegalAttribute, "n=v"),
        (cookie { $0.domain = "a..b" }, .illegalAttribute, "n=v"),
        (cookie { $0.domain = "a-.b" }, .illegalAttribute, "n=v"),
        (cookie { $0.domain = "a.b;x" }, .illegalAttribute, "n=v"),
        (cookie { $0.domain = String(repeating: "a", count: 254) }, .illegalAttribute, "n=v"),
        (cookie { $0.path = "/a;b" }, .illegalAttribute, "n=v"),
        (cookie { $0.path = "/a\n" }, .illegalAttribute, "n=v"),
        (cookie { $0.additionalAttributes = ["a b": "c"] }, .illegalAttribute, "n=v"),
        (cookie { $0.additionalAttributes = ["a": "c;d"] }, .illegalAttribute, "n=v"),
        (cookie { $0.additionalAttributes = ["a": "c\r\nd"] }, .illegalAttribute, "n=v"),
        (cookie { $0.additionalAttributes = ["PATH": "/"] }, .illegalAttribute, "n=v"),
    ]

    @Test(arguments: illegal) func letsNothingIllegalThrough(cookie: Cookie, code: CookieError.Code, header: String) {
        #expect(cookie.headerValue == header)
        let error = #expect(throws: CookieError.self) { try cookie.validate() }
        #expect(error?.code == code)
    }

    @Test(arguments: [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (951_868_799, "Tue, 29 Feb 2000 23:59:59 GMT"),
        (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"), (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"), (-5, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"), (1_735_689_600, "Wed, 01 Jan 2025 00:00:00 GMT"),
    ])
    func datesAreRight(seconds: Int64, expected: String) {
        #expect(Timestamp(millisecondsSince1970: 0).httpDate(after: seconds) == expected)
    }
}

@Suite struct CookieParsingTests {
    static let cases: [(String, [String])] = [
        ("a=b", ["a=b"]),
        ("a=b; c=d", ["a=b", "c=d"]),
        ("a=b;c=d", ["a=b", "c=d"]),
        (" \ta = b\t;  c=d ", ["a=b", "c=d"]),
        ("a=1; a=2", ["a=1", "a=2"]),
        ("a=b=c==", ["a=b=c=="]),
        ("a=", ["a="]),
        ("a=\"b\"; c=\"\"", ["a=\"b\"", "c=\"\""]),
        ("$Version=1; a=b; $Path=/; $DOMAIN=x; $port=80; $x=y", ["a=b", "$x=y"]),
        ("", []), (";", []), (";;;=;;", []), ("=b", []), ("a", []), ("a; b=c", ["b=c"]), (" =b; c=d", ["c=d"]),
        ("a b=c; d=e", ["d=e"]),
        ("a=b c; d=e", ["d=e"]),
        ("a=b,c=d", []),
        ("a=\"b; c=d", ["c=d"]),
        ("a=b\"; c=d", ["c=d"]),
        ("a=b\u{0}; c=d", ["c=d"]),
        ("a=b\\; c=d", ["c=d"]),
        ("a=\u{e4}\u{1F36A}; \u{e4}=b", ["a=\u{e4}\u{1F36A}"]),
        // A combining mark makes one character of mark and semicolon; bytes decide.
        ("a=b;\u{301}c=d; e=f", ["a=b", "e=f"]),
        ("a=b\r\nc=d", []),
    ]

    @Test(arguments: cases) func keepsWhatIsWellFormed(header: String, expected: [String]) {
        let parsed = Cookie.parse(header)
        #expect(parsed.map { "\($0.name)=\($0.value)" } == expected)
        for name in Set(parsed.map(\.name)) {
            #expect(Cookie.values(named: name, in: header).map(String.init) == parsed.filter { $0.name == name }.map(\.value))
        }
        #expect(Array(Cookie.values(named: "absent", in: header)).isEmpty)
        #expect(Array(Cookie.values(named: "", in: header)).isEmpty)
    }

    @Test func namesDifferInCase() {
        #expect(Array(Cookie.values(named: "JSESSIONID", in: "jsessionid=a; JSESSIONID=b; JSESSIONIDX=c")) == ["b"])
    }

    @Test func readsNoMoreThanAllowed() {
        let header = (0..<300).map { "c\($0)=\($0)" }.joined(separator: "; ")
        #expect(Cookie.parse(header).count == 200)
        #expect(Cookie.parse(header, limit: 201).count == 201)
        #expect(Cookie.parse(header, limit: 0).isEmpty)
        #expect(Array(Cookie.values(named: "c299", in: header)) == ["299"])
    }

    @Test(.timeLimit(.minutes(1)), arguments: [";", "=", "a", "\"", " ", "a=b;", "$Version=1;", "a=\""])
    func takesLinearTime(part: String) {
        let header = String(repeating: part, count: 1_000_000 / part.utf8.count)
        #expect(Cookie.parse(header, limit: 10).count <= 10)
        #expect(Array(Cookie.values(named: "z", in: header)).isEmpty)
    }

    @Test func survivesNoise() {
        var state: UInt64 = 42
        let alphabet = Array("ab=; \t\"$,\\\u{1F36A}\u{301}\r\n".unicodeScalars)
        for _ in 0..<2000 {
            var header = ""
            for _ in 0..<40 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                header.unicodeScalars.append(alphabet[Int(state >> 33) % alphabet.count])
            }
            for (name, value) in Cookie.parse(header) {
                // What is read could be sent.
                #expect(throws: Never.self) { try Cookie(name: name, value: value).validate() }
            }
        }
    }
}
