import ServalServlet
import Testing

@testable import ServalContainer

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

@Suite("Errors in pages")
struct PageErrorTests {
    /// The error that a page's file gives when it is read alone.
    private func error(_ contents: String) throws -> String {
        let folder = try TemporaryFolder()
        try folder.write("a.mustache", contents)
        return self.error(in: folder)
    }

    private func scope(_ model: [String: any Sendable]) -> PageScope {
        PageScope(request: Request(method: .get, target: "/", headers: [:], connection: ConnectionInfo()), session: nil, model: model)
    }

    private func error(in folder: TemporaryFolder) -> String {
        do {
            _ = try PageLibrary(root: folder.path, testInterval: .zero).page("/a.mustache")
            return "none"
        } catch {
            return error.description
        }
    }

    @Test(
        "Errors name the file, the line and what to do",
        arguments: [
            ("\n\n{{#a}}\n{{/b}}", "/a.mustache:4: the section \"a\" of line 3 is closed as \"b\""),
            ("{{#a}}\n{{#b}}\n{{/b}}\n", "/a.mustache:1: the section \"a\" is not closed"),
            ("a\n{{/a}}", "/a.mustache:2: the section \"a\" is closed, but none is open"),
            ("a\n{{name", "/a.mustache:2: the tag {{ is not closed by }}"),
            ("a\n{{", "/a.mustache:2: the tag {{ is not closed by }}"),
            ("{{{a}}", "/a.mustache:1: the tag {{ is not closed by }}}"),
            ("{{}}", "/a.mustache:1: a tag is empty"),
            ("{{a b}}", "/a.mustache:1: \"a b\" is no name: there is a space in it"),
            ("a\nb {{ä}}", "/a.mustache:2: a tag holds something else than a name"),
            ("{{=<%}}", "/a.mustache:1: the tag {{ is not closed by =}}"),
            ("{{=<%=}}", "/a.mustache:1: a change of delimiters has two of them, as in {{=<% %>=}}"),
            ("{{>}}", "/a.mustache:1: an inclusion names no file"),
            ("{{>*name}}", "/a.mustache:1: \"*name\": the name of a file to include cannot come from a variable"),
            ("\n{{> b}}", "/a.mustache:2: the file /b.mustache is not there, or cannot be read"),
            ("\n{{> ../../b}}", "/a.mustache:2: the file /../../b.mustache is not there, or cannot be read"),
            ("{{> a}}", "/a.mustache:1: files include each other without end: /a.mustache > /a.mustache"),
            ("{{%PRAGMA:X}}", "/a.mustache:1: a pragma is unknown; there are CONTENT_TYPE:HTML and CONTENT_TYPE:TEXT"),
            ("\n{{!@ page session=false }}", "/a.mustache:2: the value of \"session\" must stand in quotes, \" or '"),
            ("<%@ page session=“false” %>", "/a.mustache:1: the value of \"session\" must stand in quotes, \" or '; typographic quotes do not count"),
            ("<%@ page session=\"no\" %>", "/a.mustache:1: session=\"no\" is neither true nor false"),
            ("\n<%@ page session=\"false\"", "/a.mustache:2: the directive <%@ is not closed by %>"),
            ("<%@ include file=\"x\" %>", "/a.mustache:1: the directive \"include\" is not known; there is \"page\""),
            (
                "<%@ page import=\"java.util.*\" %>",
                "/a.mustache:1: the page directive has no attribute \"import\"; there are session, contentType and pageEncoding"
            ),
            ("<%@ page pageEncoding=\"GBK\" %>", "/a.mustache:1: pageEncoding=\"GBK\": pages are in UTF-8"),
            ("<%@ page contentType=\"a\r\nX: y\" %>", "/a.mustache:1: contentType=\"a\r\nX: y\" is no media type"),
            (
                "{{!@ page session='false'}}\n\n{{session.id}}", "/a.mustache:3: \"session.id\" needs a session, but the page says session=\"false\""
            ),
            (
                "{{!@ page session='false'}}\n{{uppercased(sessionScope.x)}}",
                "/a.mustache:2: \"uppercased(sessionScope.x)\" needs a session, but the page says session=\"false\""
            ),
        ]
    )
    func messages(contents: String, message: String) throws {
        #expect(try self.error(contents) == message)
    }

    @Test("Errors in an included file name that file")
    func includedFiles() throws {
        let folder = try TemporaryFolder()
        try folder.write("a.mustache", "{{!@ page session='false'}}{{> b}}")
        try folder.write("b.mustache", "\n{{#x}}{{/y}}")
        #expect(self.error(in: folder) == "/b.mustache:2: the section \"x\" of line 2 is closed as \"y\"")
        try folder.write("b.mustache", "\n{{sessionScope.user}}")
        #expect(self.error(in: folder) == "/b.mustache:2: \"sessionScope.user\" needs a session, but the page says session=\"false\"")
        try folder.write("b.mustache", "{{!@ page session='true'}}")
        #expect(self.error(in: folder) == "/b.mustache: a page directive belongs into the page /a.mustache, not into a file that it includes")
    }

    @Test("Limits: size, depth of sections, depth and number of files; just below them a page is rendered")
    func limits() throws {
        let section = { (count: Int) in String(repeating: "{{#request}}", count: count) + "x" + String(repeating: "{{/request}}", count: count) }
        #expect(try self.error(section(PageSource.depthLimit)) == "none")
        #expect(try self.error(section(PageSource.depthLimit + 1)).contains("more than 64 sections lie in each other"))
        #expect(try self.error(String(repeating: "x", count: PageLibrary.fileSizeLimit)) == "none")
        #expect(
            try self.error(String(repeating: "x", count: PageLibrary.fileSizeLimit + 1)) == "/a.mustache: /a.mustache is larger than 1048576 bytes"
        )

        let folder = try TemporaryFolder()
        try folder.write("a.mustache", section(PageSource.depthLimit).replacing("x", with: "{{> f1}}"))
        for index in 1..<PageLibrary.depthLimit - 1 {
            try folder.write("f\(index).mustache", section(63).replacing("x", with: "{{> f\(index + 1)}}"))
        }
        try folder.write("f15.mustache", "deep")
        #expect(self.error(in: folder) == "none")
        let page = try #require(try PageLibrary(root: folder.path, testInterval: .zero).page("/a.mustache"))
        #expect(page.render(self.scope([:])) == "deep")
        try folder.write("f15.mustache", "{{> f16}}")
        try folder.write("f16.mustache", "deeper")
        #expect(self.error(in: folder) == "/f15.mustache:1: more than 16 files include each other")
        // Also where the files are known already.
        try folder.write("a.mustache", "{{> f2}}{{> f1}}")
        #expect(self.error(in: folder).contains("more than 16 files include each other"))

        try folder.write("a.mustache", (0..<100).map { "{{> many\($0)}}" }.joined())
        for index in 0..<100 { try folder.write("many\(index).mustache", "") }
        #expect(self.error(in: folder) == "/a.mustache:1: the page has more than 100 files")
    }

    @Test("A file that is not text, and a link out of the application, are errors")
    func files() throws {
        let folder = try TemporaryFolder()
        try folder.write("a.mustache", Array("a\nb".utf8) + [0xFF, 0x0A])
        #expect(self.error(in: folder) == "/a.mustache:2: the file is not in UTF-8")
        try folder.write("a.mustache", "{{> b}}")
        symlink("/etc/passwd", folder.path + "/b.mustache")
        #expect(self.error(in: folder) == "/a.mustache:1: the file /b.mustache is not there, or cannot be read")
    }

    @Test("Broken templates are errors or pages, never the end of the process")
    func brokenTemplates() throws {
        let whole =
            "<%@ page session='true' %>{{!x}}{{#a}}{{{b}}}{{&c}}{{^d}}{{=<% %>=}}<%x%><%={{ }}=%>{{/d}}{{/a}}{{%CONTENT_TYPE:TEXT}}{{uppercased(e)}}"
        let bytes = Array(whole.utf8)
        var generator = SystemRandomNumberGenerator()
        let folder = try TemporaryFolder()
        var rendered = 0
        for round in 0..<2_000 {
            var mutated = bytes
            if round < bytes.count {
                mutated.removeSubrange(round...)
            } else {
                for _ in 0...round % 3 {
                    let at = Int.random(in: mutated.indices, using: &generator)
                    if Bool.random(using: &generator) {
                        mutated.remove(at: at)
                    } else {
                        mutated.insert(Array("{}<>%=#/^!&$ \n.()*".utf8).randomElement() ?? 0, at: at)
                    }
                }
            }
            let text = String(decoding: mutated, as: UTF8.self)
            try folder.write("a.mustache", mutated)
            do {
                let page = try #require(try PageLibrary(root: folder.path, testInterval: .zero).page("/a.mustache"))
                _ = page.render(self.scope(["a": true, "b": "<", "c": "c", "x": 1, "e": "e"]))
                rendered += 1
            } catch let error as PageError {
                #expect(error.file == "/a.mustache", "\(text)")
            }
        }
        #expect(rendered > 20)
    }
}
