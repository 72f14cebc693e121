import ServalServlet
import Testing

@testable import ServalContainer

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

@Suite("Default servlet")
struct DefaultServletTests {
    private static let modified = 784_111_777
    private static let date = "Sun, 06 Nov 1994 08:49:37 GMT"
    private static let later = "Sun, 06 Nov 1994 08:49:38 GMT"
    private static let earlier = "Sun, 06 Nov 1994 08:49:36 GMT"
    private static let tag = "W/\"10-784111777000\""

    private func folder() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try folder.write("digits.txt", "0123456789")
        folder.setModified("digits.txt", seconds: Self.modified)
        try folder.write("page.html", "<p>page</p>")
        try folder.write("page.html.gz", "gzipped")
        try folder.write("page.html.br", "brotli")
        try folder.write("unknown.xyz", "?")
        try folder.write("sub/a b ä.txt", "umlaut")
        try folder.write("big.bin", [UInt8](repeating: 7, count: 100_000))
        try folder.write("WEB-INF/web.xml", "secret")
        return folder
    }

    private func run(_ folder: TemporaryFolder, _ parameters: [String: String] = [:], _ body: (EngineHarness) async throws -> Void) async throws {
        var context = ContextDefinition(path: "/app")
        context.documentRoot = folder.path
        var servlet = ApplicationDescriptor.ServletDeclaration(name: "default") { DefaultServlet() }
        servlet.initParameters = parameters
        context.descriptor.servlets = [servlet]
        context.descriptor.servletMappings = [("default", "/")]
        try await EngineHarness.run(context, body: body)
    }

    @Test("A file is served with type, weak tag and date; small ones from memory, large ones as files")
    func files() async throws {
        let folder = try self.folder()
        try await self.run(folder) { harness async throws in
            for _ in 0..<2 {
                let answer = try await harness.get("/app/digits.txt")
                #expect(answer.status == 200)
                #expect(answer.text == "0123456789")
                #expect(answer.headers[.contentType] == "text/plain")
                #expect(answer.headers[.eTag] == Self.tag)
                #expect(answer.headers[.lastModified] == Self.date)
                #expect(answer.headers[.acceptRanges] == "bytes")
            }
            #expect(try await harness.get("/app/unknown.xyz").headers[.contentType] == nil)
            #expect(try await harness.get("/app/sub/a%20b%20%C3%A4.txt").text == "umlaut")
            #expect(try await harness.get("/app/big.bin").body == [UInt8](repeating: 7, count: 100_000))
            #expect(try await harness.get("/app/none.txt").status == 404)
            #expect(try await harness.get("/app/digits.txt/").status == 404)
            #expect(try await harness.get("/app/digits.txt/x").status == 404)
            #expect(try await harness.send(.head, "/app/digits.txt").headers[.eTag] == Self.tag)
        }
    }

    @Test("Other methods are refused; OPTIONS names those that are not", arguments: [HTTPRequest.Method.post, .put, .delete, .patch, .trace])
    func methods(method: HTTPRequest.Method) async throws {
        let folder = try self.folder()
        try await self.run(folder) { harness async throws in
            let answer = try await harness.send(method, "/app/digits.txt")
            #expect(answer.status == 405)
            #expect(answer.headers[.allow] == "GET, HEAD, OPTIONS")
            #expect(try await harness.send(.options, "/app/digits.txt").headers[.allow] == "GET, HEAD, OPTIONS")
        }
    }

    @Test(
        "Conditions are evaluated in the order of RFC 9110",
        arguments: [
            ([.ifNoneMatch: Self.tag], 304), ([.ifNoneMatch: "\"10-784111777000\""], 304), ([.ifNoneMatch: "\"x\", " + Self.tag], 304),
            ([.ifNoneMatch: "*"], 304),
            ([.ifNoneMatch: "\"x\""], 200), ([.ifNoneMatch: "garbage"], 200), ([.ifModifiedSince: Self.date], 304),
            ([.ifModifiedSince: Self.later], 304),
            ([.ifModifiedSince: Self.earlier], 200), ([.ifModifiedSince: "garbage"], 200),
            ([.ifNoneMatch: "\"x\"", .ifModifiedSince: Self.later], 200),
            ([.ifMatch: "*"], 200), ([.ifMatch: "\"x\""], 412), ([.ifMatch: Self.tag], 412), ([.ifUnmodifiedSince: Self.date], 200),
            ([.ifUnmodifiedSince: Self.earlier], 412), ([.ifMatch: "*", .ifUnmodifiedSince: Self.earlier], 200),
            ([.ifMatch: "*", .ifNoneMatch: Self.tag], 304),
            ([.ifUnmodifiedSince: Self.earlier, .ifNoneMatch: Self.tag], 412),
        ] as [(HeaderFields, Int)]
    )
    func conditions(headers: HeaderFields, status: Int) async throws {
        let folder = try self.folder()
        try await self.run(folder) { harness async throws in
            let answer = try await harness.get("/app/digits.txt", headers: headers)
            #expect(answer.status == status)
            if status == 304 {
                #expect(answer.body.isEmpty)
                #expect(answer.headers[.eTag] == Self.tag)
            }
        }
    }

    @Test(
        "Single ranges",
        arguments: [
            ("bytes=0-3", 206, "0123", "bytes 0-3/10"), ("bytes=4-", 206, "456789", "bytes 4-9/10"), ("bytes=-3", 206, "789", "bytes 7-9/10"),
            ("bytes=0-999", 206, "0123456789", "bytes 0-9/10"), ("bytes=-999", 206, "0123456789", "bytes 0-9/10"),
            ("bytes=9-9", 206, "9", "bytes 9-9/10"),
            ("BYTES=0-0", 206, "0", "bytes 0-0/10"), ("bytes=0-99999999999999999999", 206, "0123456789", "bytes 0-9/10"),
            ("bytes=10-", 416, nil, "bytes */10"), ("bytes=-0", 416, nil, "bytes */10"), ("bytes=5-3", 416, nil, "bytes */10"),
            ("bytes=x", 416, nil, "bytes */10"),
            ("bytes=", 416, nil, "bytes */10"), ("bytes=--1", 416, nil, "bytes */10"), ("lines=0-1", 200, "0123456789", nil),
            ("bytes", 200, "0123456789", nil),
            ("bytes=20-30,1-2", 206, "12", "bytes 1-2/10"), ("bytes=0-4,3-6", 200, "0123456789", nil), ("bytes=0-,0-,0-", 200, "0123456789", nil),
        ] as [(String, Int, String?, String?)]
    )
    func ranges(range: String, status: Int, body: String?, contentRange: String?) async throws {
        let folder = try self.folder()
        try await self.run(folder) { harness async throws in
            let answer = try await harness.get("/app/digits.txt", headers: [.range: range])
            #expect(answer.status == status)
            #expect(answer.headers[.contentRange] == contentRange)
            if let body { #expect(answer.text == body) }
        }
    }

    @Test("Several ranges are one body in parts; too many are answered with the whole")
    func multipleRanges() async throws {
        let folder = try self.folder()
        try await self.run(folder) { harness async throws in
            let answer = try await harness.get("/app/digits.txt", headers: [.range: "bytes=0-1, 4-5,-1"])
            #expect(answer.status == 206)
            let type = try #require(answer.headers[.contentType])
            #expect(answer.headers[values: .contentType].count == 1)
            let boundary = try #require(type.split(separator: "=").last)
            #expect(type == "multipart/byteranges; boundary=\(boundary)")
            func part(_ range: String, _ text: String) -> String {
                "--\(boundary)\r\nContent-Type: text/plain\r\nContent-Range: bytes \(range)/10\r\n\r\n\(text)\r\n"
            }
            #expect(answer.text == part("0-1", "01") + part("4-5", "45") + part("9-9", "9") + "--\(boundary)--\r\n")
            let many = (0..<17).map { "\($0 * 2)-\($0 * 2)" }.joined(separator: ",")
            #expect(try await harness.get("/app/big.bin", headers: [.range: "bytes=\(many)"]).status == 200)
            let large = try await harness.get("/app/big.bin", headers: [.range: "bytes=0-69999,99999-"])
            #expect(large.status == 206)
            #expect(large.body.count { $0 == 7 } == 70_001)
            #expect(try await harness.send(.head, "/app/digits.txt", headers: [.range: "bytes=0-1"]).status == 200)
        }
    }

    @Test(
        "If-Range needs the exact date; a weak tag never suffices",
        arguments: [(Self.date, 206), (Self.later, 200), (Self.earlier, 200), (Self.tag, 200), ("\"10-784111777000\"", 200), ("garbage", 200)]
    )
    func ifRange(value: String, status: Int) async throws {
        let folder = try self.folder()
        try await self.run(folder) { harness async throws in
            #expect(try await harness.get("/app/digits.txt", headers: [.range: "bytes=0-1", .ifRange: value]).status == status)
        }
    }

    @Test(
        "Compressed variants are chosen by Accept-Encoding",
        arguments: [
            (nil, nil), ("gzip", "gzip"), ("br", "br"), ("gzip, br", "br"), ("gzip;q=1, br;q=0.5", "gzip"), ("gzip;q=0, br;q=0", nil), ("*", "br"),
            ("br;q=0, *", "gzip"),
            ("deflate", nil), ("identity;q=1, gzip;q=0.5", nil), ("GZIP", "gzip"), ("x-gzip", "gzip"), ("gzip;q=nonsense", nil), ("", nil),
        ] as [(String?, String?)]
    )
    func encodings(accept: String?, coding: String?) async throws {
        let folder = try self.folder()
        try await self.run(folder, ["precompressed": "true"]) { harness async throws in
            var headers: HeaderFields = [:]
            headers[.acceptEncoding] = accept
            let answer = try await harness.get("/app/page.html", headers: headers)
            #expect(answer.headers[.contentEncoding] == coding)
            #expect(answer.text == (coding == nil ? "<p>page</p>" : coding == "br" ? "brotli" : "gzipped"))
            #expect(answer.headers[.contentType] == "text/html")
            #expect(answer.headers[.vary] == "Accept-Encoding")
            #expect(try await harness.get("/app/digits.txt", headers: headers).headers[.vary] == nil)
        }
    }

    @Test("Without the setting no variant is chosen; a list of one's own is taken")
    func encodingSettings() async throws {
        let folder = try self.folder()
        try await self.run(folder) { harness async throws in
            #expect(try await harness.get("/app/page.html", headers: [.acceptEncoding: "gzip"]).headers[.contentEncoding] == nil)
        }
        try await self.run(folder, ["precompressed": "gzip=.gz", "fileEncoding": "utf-8"]) { harness async throws in
            let answer = try await harness.get("/app/page.html", headers: [.acceptEncoding: "gzip, br"])
            #expect(answer.headers[.contentEncoding] == "gzip")
            #expect(answer.headers[.contentType] == "text/html;charset=utf-8")
            #expect(try await harness.get("/app/page.html").headers[.contentType] == "text/html;charset=utf-8")
        }
    }

    @Test(
        "Nothing outside of the folder is served",
        arguments: [
            "/../secret", "/..%2fsecret", "/%2e%2e/secret", "/%2e%2e%2fsecret", "/..;/secret", "/sub/..;/..;/secret", "/..%5csecret", "/..\\secret",
            "/sub/../../secret",
            "/link", "/link/secret", "/sub/link.txt", "/digits.txt%00", "/digits.txt%00.html", "/%c0%ae%c0%ae/secret", "/%c0%af..%c0%afsecret",
            "/WEB-INF/web.xml",
            "/web-inf/web.xml", "/WEB-INF%2fweb.xml", "//WEB-INF/web.xml", "/./WEB-INF/web.xml", "/WEB-INF/./web.xml", "/sub/../WEB-INF/web.xml",
            "/WEB-INF;a=b/web.xml", "/%57EB-INF/web.xml", "/fifo", "/%252e%252e/secret", "/..../secret",
        ]
    )
    func traversal(path: String) async throws {
        let outer = try TemporaryFolder()
        try outer.write("secret", "secret")
        try outer.write("root/digits.txt", "0123456789")
        try outer.write("root/sub/x", "x")
        try outer.write("root/WEB-INF/web.xml", "secret")
        symlink(outer.path, outer.path + "/root/link")
        symlink(outer.path + "/secret", outer.path + "/root/sub/link.txt")
        mkfifo(outer.path + "/root/fifo", 0o644)
        var context = ContextDefinition(path: "")
        context.documentRoot = outer.path + "/root"
        try await EngineHarness.run(context) { harness async throws in
            let answer = try await harness.get(path)
            #expect(answer.status == 404 || answer.status == 400)
            #expect(!answer.text.contains("secret"))
        }
    }

    @Test("Symbolic links are followed with allowLinking; the root may be one anyway")
    func links() async throws {
        let outer = try TemporaryFolder()
        try outer.write("target/a.txt", "a")
        try outer.write("root/b.txt", "b")
        symlink(outer.path + "/target", outer.path + "/root/link")
        symlink(outer.path + "/root", outer.path + "/rootlink")
        var context = ContextDefinition(path: "")
        context.documentRoot = outer.path + "/rootlink"
        try await EngineHarness.run(context) { harness async throws in
            #expect(try await harness.get("/b.txt").text == "b")
            #expect(try await harness.get("/link/a.txt").status == 404)
        }
        var servlet = ApplicationDescriptor.ServletDeclaration(name: "default") { DefaultServlet() }
        servlet.initParameters = ["allowLinking": "true"]
        context.descriptor.servlets = [servlet]
        context.descriptor.servletMappings = [("default", "/")]
        try await EngineHarness.run(context) { harness async throws in #expect(try await harness.get("/link/a.txt").text == "a") }
    }

    @Test("Folders are listed only if asked for, escaped, without private ones")
    func listings() async throws {
        let folder = try self.folder()
        try folder.write("sub/<script>'\".txt", "x")
        try folder.write("sub/.hidden", "x")
        try await self.run(folder) { harness async throws in #expect(try await harness.get("/app/sub/").status == 404) }
        try await self.run(folder, ["listings": "true"]) { harness async throws in
            let answer = try await harness.get("/app/sub/")
            #expect(answer.status == 200)
            #expect(answer.text.contains("&lt;script&gt;&#39;&quot;.txt"))
            #expect(!answer.text.contains("<script>"))
            #expect(!answer.text.contains(".hidden"))
            #expect(answer.text.contains("a%20b%20%C3%A4.txt"))
            let root = try await harness.get("/app/").text
            #expect(root.contains("href=\"./sub/\""))
            #expect(!root.contains("WEB-INF"))
            #expect(try await harness.get("/app/none/").status == 404)
        }
    }

    @Test("A changed file is noticed once the time to live is over")
    func revalidation() async throws {
        let folder = try self.folder()
        try await self.run(folder, ["cacheTTL": "0"]) { harness async throws in
            #expect(try await harness.get("/app/digits.txt").text == "0123456789")
            try folder.write("digits.txt", "abc")
            #expect(try await harness.get("/app/digits.txt").text == "abc")
            unlink(folder.path + "/digits.txt")
            #expect(try await harness.get("/app/digits.txt").status == 404)
        }
        try await self.run(folder, ["cacheTTL": "600000"]) { harness async throws in
            #expect(try await harness.get("/app/page.html").text == "<p>page</p>")
            try folder.write("page.html", "new")
            #expect(try await harness.get("/app/page.html").text == "<p>page</p>")
        }
    }

    @Test("The files in memory stay within their budget")
    func cacheBudget() throws {
        let folder = try TemporaryFolder()
        for index in 0..<20 { try folder.write("\(index).txt", [UInt8](repeating: 1, count: 1000)) }
        let cache = FileCache(tree: DocumentTree(root: folder.path), byteLimit: 5000, timeToLive: .seconds(60))
        let context = ServletContext(path: "", logger: LogRecorder().logger)
        for index in 0..<20 {
            guard case .file(let file) = cache.entry("/\(index).txt", context: context) else {
                Issue.record("\(index).txt is missing")
                continue
            }
            #expect(file.isInMemory)
            #expect(file.read(0..<1000)?.count == 1000)
        }
        #expect(cache.byteCount <= 5000)
        #expect(cache.byteCount > 1000)
    }

    @Test("Init parameters that are unknown or wrong are told to the log")
    func parameters() async throws {
        let folder = try self.folder()
        let parameters = ["listing": "true", "readonly": "false", "cacheTTL": "x", "precompressed": "br", "debug": "0", "sendfileSize": "48"]
        try await self.run(folder, parameters) { harness async throws in
            #expect(try await harness.get("/app/digits.txt").status == 200)
            for name in ["listing", "readonly", "cacheTTL", "precompressed"] { #expect(harness.log.count(of: "init parameter \(name)=") == 1) }
            #expect(harness.log.count(of: "init parameter") == 4)
        }
    }

    @Test("JSP pages answer 501 and never their source")
    func jsp() async throws {
        let folder = try self.folder()
        try folder.write("page.jsp", "<% secret %>")
        var context = ContextDefinition(path: "")
        context.documentRoot = folder.path
        context.descriptor.servlets = [.init(name: "jsp") { JSPUnsupportedServlet() }]
        context.descriptor.servletMappings = [("jsp", "*.jsp"), ("jsp", "*.jspx")]
        try await EngineHarness.run(context) { harness async throws in
            let answer = try await harness.get("/page.jsp")
            #expect(answer.status == 501)
            #expect(!answer.text.contains("secret"))
        }
    }
}
