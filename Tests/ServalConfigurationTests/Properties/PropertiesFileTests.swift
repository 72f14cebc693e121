import Testing

@testable import ServalConfiguration

@Suite struct PropertiesFileTests {
    private func read(_ text: String) -> PropertiesFile { PropertiesFile(Array(text.utf8)) }

    @Test(arguments: [
        ("a=b", ["a": "b"]),
        ("a = b ", ["a": "b "]),
        ("a:b", ["a": "b"]),
        ("a b c", ["a": "b c"]),
        ("a\t=\tb", ["a": "b"]),
        ("  a=b", ["a": "b"]),
        ("a", ["a": ""]),
        ("a=", ["a": ""]),
        ("=b", ["": "b"]),
        ("a==b", ["a": "=b"]),
        ("# a=b\n! c=d\n\n  # e\n", [:]),
        ("a=b\\\n   c", ["a": "bc"]),
        ("a=b\\\r\n   c\r\nd=e", ["a": "bc", "d": "e"]),
        ("a=b\\\\\nc=d", ["a": "b\\", "c": "d"]),
        ("a\\ b=c", ["a b": "c"]),
        ("a\\=b=c", ["a=b": "c"]),
        ("a\\:b:c", ["a:b": "c"]),
        ("a=\\t\\n\\r\\f\\q", ["a": "\t\n\r\u{0C}q"]),
        ("a=\\u00e9\\uD83D\\uDE00", ["a": "é😀"]),
        ("# comment \\\na=b", ["a": "b"]),
        ("a=b\\\n# no comment", ["a": "b# no comment"]),
        ("a=1\na=2", ["a": "2"]),
        ("a=b\\", ["a": "b"]),
        ("\u{FEFF}a=b", ["a": "b"]),
    ])
    func syntax(_ text: String, _ expected: [String: String]) {
        #expect(self.read(text).values == expected)
        #expect(self.read(text).problems.isEmpty)
    }

    @Test func linesAreThoseOfTheNames() {
        let file = self.read("# one\na=1\\\n2\n\nb=3\n")
        #expect(file.entries.map(\.line) == [2, 5])
    }

    @Test func oldFilesAreLatin1() {
        #expect(PropertiesFile(Array("a=".utf8) + [0xE9]).values == ["a": "é"])
    }

    @Test func badEscapesAreTold() {
        let file = self.read("a=1\nb=\\u12\nc=3")
        #expect(file.problems.map(\.line) == [2])
        #expect(file.values["c"] == "3")
    }

    @Test func cutOffFilesAreAnswered() {
        let bytes = Array("a\\=b : c\\u00e9 \\\n  d\\t\r\n!x\ne=\\\\\n".utf8)
        for count in bytes.indices { #expect(PropertiesFile(Array(bytes[..<count])).entries.count <= 2) }
    }

    @Test func thereIsALimit() {
        let file = self.read(String(repeating: "a=b\n", count: PropertiesFile.limit + 5))
        #expect(file.entries.count == PropertiesFile.limit)
        #expect(file.problems.count == 1)
    }
}
