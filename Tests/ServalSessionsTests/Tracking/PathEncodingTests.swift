import ServalSessions
import Testing

@Suite("Paths in URLs")
struct PathEncodingTests {
    @Test(
        "Paths are encoded for Location fields and cookies",
        arguments: [("/a b/ä;x?", "/a%20b/%C3%A4%3Bx%3F"), ("//evil", "/evil"), ("/%2e", "/%252e"), ("/a\"<", "/a%22%3C"), ("/it's", "/it's")]
    )
    func encoding(path: String, expected: String) {
        #expect(PathEncoding.encoded(Array(path.utf8)) == expected)
    }
}
