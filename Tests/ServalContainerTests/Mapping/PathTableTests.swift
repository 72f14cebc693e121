import Testing

@testable import ServalContainer

@Suite("A table of paths")
struct PathTableTests {
    @Test("finds what was put in, and nothing else")
    func manyPaths() {
        var table = PathTable<Int>()
        #expect(table.isEmpty && table[[]] == nil)
        let paths = (0..<500).map { "/a\($0 % 7)/\($0)" } + ["", "/", "/ä"]
        for (index, path) in paths.enumerated() { table.set(path, index) }
        for (index, path) in paths.enumerated() {
            #expect(table[Array(path.utf8)[...]] == index)
            #expect(table[Array((path + "x").utf8)[...]] == nil)
            // A part of a longer path.
            #expect(table[Array("--\(path)--".utf8).dropFirst(2).dropLast(2)] == index)
        }
        #expect(!table.isEmpty)
    }

    @Test("keeps the last value of a path")
    func replaces() {
        var table = PathTable<String>()
        for value in ["one", "two"] { table.set("/x", value) }
        #expect(table[Array("/x".utf8)[...]] == "two")
    }
}
