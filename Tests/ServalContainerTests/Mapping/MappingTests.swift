import Testing

@testable import ServalContainer

@Suite("Paths, hosts, contexts and servlets")
struct MappingTests {
    private func path(_ received: String) -> String? {
        guard let path = try? RequestPath(Array(received.utf8)[...]) else { return nil }
        return String(decoding: path.bytes, as: UTF8.self)
    }

    @Test(
        "Paths are decoded once and normalised",
        arguments: [
            ("/", "/"), ("", "/"), ("/a/b", "/a/b"), ("/a/b/", "/a/b/"), ("/a//b", "/a/b"), ("//a", "/a"), ("/a/./b", "/a/b"), ("/a/.", "/a/"),
            ("/a/b/..", "/a/"), ("/a/../b", "/b"), ("/a/b/../..", "/"), ("/.a", "/.a"), ("/a/..b", "/a/..b"), ("/...", "/..."), ("/%61", "/a"),
            ("/%2561", "/%61"), ("/%252e%252e/x", "/%2e%2e/x"), ("/a%20b", "/a b"), ("/%C3%A4", "/ä"), ("/a;x=1/b;y", "/a/b"), ("/a/;x", "/a/"),
            ("/a;jsessionid=1", "/a"), ("/;a", "/"), ("/a/%2e%2e/b", "/b"), ("/a/%2E/b", "/a/b"), ("/a%3bb", "/a;b"), ("/ä", "/ä"),
        ]
    )
    func normalised(received: String, expected: String) {
        #expect(self.path(received) == expected)
    }

    @Test(
        "Paths that can be read in two ways are refused",
        arguments: [
            "/..", "/../a", "/a/../../b", "/%2e%2e/a", "/..%2fa", "/a%2fb", "/a%2Fb", "/a%5cb", "/a\\b", "/%00", "/a%0ab", "/a%7f", "/a%", "/a%1",
            "/a%zz",
            "/..;/a", "/a/..;x=1/b", "/a/.;/b", "/%c0%ae%c0%ae/", "/%c0%af", "/%e0%80%af", "/%ff", "/%ed%a0%80", "a", "*", "http", "/\u{1}",
            "/a/%2e%2e/%2e%2e/b",
        ]
    )
    func refused(received: String) {
        #expect(self.path(received) == nil)
    }

    @Test("Path parameters keep their last value")
    func parameters() {
        let path = Array("/a;jsessionid=1/b;x=2;jsessionid=3".utf8)[...]
        #expect(RequestPath.parameter("jsessionid", in: path) == "3")
        #expect(RequestPath.parameter("x", in: path) == "2")
        #expect(RequestPath.parameter("y", in: path) == nil)
        #expect(RequestPath.parameter("jsessionid", in: Array("/a;JSESSIONID=1".utf8)[...]) == nil)
    }

    @Test("A plain path is not copied")
    func plainPathIsShared() throws {
        let received = Array("GET /shop/items HTTP/1.1".utf8)
        let path = try RequestPath(received[4..<15])
        let isShared = received.withUnsafeBytes { whole in path.bytes.withUnsafeBytes { $0.baseAddress == whole.baseAddress.map { $0 + 4 } } }
        #expect(isShared)
    }

    // The table of Servlet 6.1 §12.2.2, and what surrounds it.
    private static let mapper: ServletMapper<String> = {
        var mapper = ServletMapper<String>()
        let patterns = [
            ("/foo/bar/*", "servlet1"), ("/baz/*", "servlet2"), ("/catalog", "servlet3"), ("*.bop", "servlet4"), ("/", "default"), ("", "root"),
            ("/foo/bar/exact", "exact"),
        ]
        for (pattern, name) in patterns {
            if let pattern = try? URLPattern(pattern) { mapper.add(pattern, name) }
        }
        return mapper
    }()

    @Test(
        "Servlets are found by exact path, longest prefix, extension, default",
        arguments: [
            ("/foo/bar/index.html", "servlet1", "/foo/bar", "/index.html"), ("/foo/bar/index.bop", "servlet1", "/foo/bar", "/index.bop"),
            ("/foo/bar", "servlet1", "/foo/bar", nil), ("/foo/bar/", "servlet1", "/foo/bar", "/"), ("/baz", "servlet2", "/baz", nil),
            ("/baz/index.html", "servlet2", "/baz", "/index.html"), ("/catalog", "servlet3", "/catalog", nil),
            ("/catalog/index.html", "default", "/catalog/index.html", nil), ("/catalog/racecar.bop", "servlet4", "/catalog/racecar.bop", nil),
            ("/index.bop", "servlet4", "/index.bop", nil), ("/foo/barn", "default", "/foo/barn", nil), ("/bazaar", "default", "/bazaar", nil),
            ("/", "root", "", "/"), ("/foo/bar/exact", "exact", "/foo/bar/exact", nil), ("/foo/bar/exact/", "servlet1", "/foo/bar", "/exact/"),
            ("/a.bop/b", "default", "/a.bop/b", nil), ("/a.BOP", "default", "/a.BOP", nil), ("/.bop", "servlet4", "/.bop", nil),
        ] as [(String, String, String, String?)]
    )
    func servlets(path: String, target: String, servletPath: String, pathInfo: String?) throws {
        let match = try #require(Self.mapper.match(Array(path.utf8)[...]))
        #expect(match.target == target)
        #expect(match.servletPath == servletPath)
        #expect(match.pathInfo == pathInfo)
    }

    @Test("A servlet for everything has the whole path as path info")
    func everything() throws {
        var mapper = ServletMapper<Int>()
        mapper.add(try URLPattern("/*"), 1)
        mapper.add(try URLPattern("*.x"), 2)
        let match = try #require(mapper.match(Array("/a/b.x".utf8)[...]))
        #expect(match.target == 1)
        #expect(match.servletPath.isEmpty)
        #expect(match.pathInfo == "/a/b.x")
        #expect(ServletMapper<Int>().match(Array("/".utf8)[...]) == nil)
    }

    @Test("Patterns that the specification does not know are refused", arguments: ["a", "a/*", "*", "*.", "/a/*.x", "*.a/b", "*.a*", "foo.bar"])
    func badPatterns(pattern: String) {
        #expect(throws: (any Error).self) { try URLPattern(pattern) }
    }

    @Test(
        "Hosts are found by name, alias and wildcard, without regard to case",
        arguments: [
            ("a.example", "a"), ("A.EXAMPLE", "a"), ("a.example.", "a"), ("alias.example", "a"), ("x.wild.example", "w"), ("X.Wild.Example", "w"),
            ("x.y.wild.example", "d"), ("wild.example", "d"), (".wild.example", "d"), ("other", "d"), ("", "d"), ("[::1]", "d"),
        ]
    )
    func hosts(name: String, target: String) {
        let table = HostTable([(["a.example", "Alias.Example"], "a"), (["*.wild.example"], "w"), (["d.example"], "d")], fallback: "d")
        #expect(table.target(for: Array(name.utf8)[...]) == target)
        #expect(table.target(for: nil) == "d")
    }

    @Test(
        "The context with the longest path wins, on the border of a segment",
        arguments: [
            ("/", "root", "/"), ("/shop", "shop", ""), ("/shop/", "shop", "/"), ("/shop/a/b", "shop", "/a/b"), ("/shopping", "root", "/shopping"),
            ("/shop/admin", "admin", ""), ("/shop/admin/x", "admin", "/x"), ("/shop/administrator", "shop", "/administrator"),
            ("/a/b/c/d", "root", "/a/b/c/d"),
        ]
    )
    func contexts(path: String, target: String, rest: String) throws {
        let table = ContextTable([("", "root"), ("/shop", "shop"), ("/shop/admin", "admin")])
        let match = try #require(table.match(Array(path.utf8)[...]))
        #expect(match.target == target)
        #expect(String(decoding: match.rest, as: UTF8.self) == rest)
    }

    @Test("Without a root context other paths lead nowhere")
    func noRootContext() {
        #expect(ContextTable([("/shop", 1)]).match(Array("/".utf8)[...]) == nil)
    }
}
