import Foundation
import Testing

@Suite("What every source file keeps")
struct SourceRuleTests {
    @Test("No file or folder has a name that says nothing", arguments: ["Sources", "Tests"])
    func names(folder: String) throws {
        #expect(try Repository.paths(in: folder).flatMap(Self.emptyNames(in:)) == [])
    }

    @Test("No file is too long", arguments: ["Sources", "Tests"])
    func lengths(folder: String) throws {
        let long = try Repository.swiftFiles(in: folder).filter { !$0.isGenerated && $0.lines.count > HouseRules.longestFile + 1 }
        #expect(long.map { "\($0.path): \($0.lines.count - 1) lines" } == [])
    }

    @Test("What the compiler is told to believe has a comment that says why")
    func uncheckedClaims() throws {
        #expect(try Repository.swiftFiles(in: "Sources").flatMap(Self.unexplainedClaims(in:)) == [])
    }

    @Test("Nothing ends the process on bad input, and nothing is left for later")
    func forbiddenWords() throws {
        #expect(try Repository.swiftFiles(in: "Sources").flatMap(Self.forbiddenWords(in:)) == [])
    }

    @Test(
        "Each kind of fault is found",
        arguments: [
            "let key = try! load()", "fatalError(\"no\")", "let a = b as! C", "// TODO: later", "let x = 1 // FIXME", "    fatalError()",
        ]
    )
    func findsForbiddenWords(line: String) {
        #expect(Self.forbiddenWords(in: SourceFile(path: "Sources/A/B.swift", text: line)).count == 1)
    }

    @Test("Words in strings and comments are not code", arguments: ["log(\"try! again\")", "// never try! here", "let s = \"fatalError(\""])
    func leavesTextAlone(line: String) {
        #expect(Self.forbiddenWords(in: SourceFile(path: "Sources/A/B.swift", text: line)) == [])
    }

    @Test("An unexplained claim is found, an explained one is not")
    func findsUnexplainedClaims() {
        func claims(_ text: String) -> Int { Self.unexplainedClaims(in: SourceFile(path: "Sources/A/B.swift", text: text)).count }
        #expect(claims("final class A: @unchecked Sendable {}") == 1)
        #expect(claims("let a = 1\nnonisolated(unsafe) var b = 2") == 1)
        #expect(claims("// Only touched on its event loop.\nfinal class A: @unchecked Sendable {}") == 0)
        #expect(claims("// Set once before any thread starts.\n@inlinable\nnonisolated(unsafe) var b = 2") == 0)
        #expect(claims("nonisolated(unsafe) var b = 2 // set once") == 0)
        #expect(claims("// Set once.\nnonisolated(unsafe) var b = 2\nnonisolated(unsafe) var c = 3") == 0)
    }

    @Test("An empty name is found", arguments: ["Sources/A/Utils", "Sources/A/StringUtils.swift", "Tests/B/Helpers/C.swift", "Sources/New/A.swift"])
    func findsEmptyNames(path: String) {
        #expect(!Self.emptyNames(in: path).isEmpty)
        #expect(Self.emptyNames(in: "Sources/ServalHTTP/NewlineScanner.swift") == [])
    }

    private static func emptyNames(in path: String) -> [String] {
        path.split(separator: "/").compactMap { component in
            let name = component.hasSuffix(".swift") ? component.dropLast(6) : component
            let isEmpty = HouseRules.emptyNames.contains { word in
                name == word || (word.count > 3 && name.hasSuffix(word) && name.dropLast(word.count).last?.isLowercase == true)
            }
            return isEmpty ? "\(path): \(component) says nothing about what is inside" : nil
        }
    }

    private static func unexplainedClaims(in file: SourceFile) -> [String] {
        let lines = file.lines
        func isClaim(_ line: String) -> Bool { line.contains("@unchecked Sendable") || line.contains("nonisolated(unsafe)") }
        return file.codeLines.compactMap { number, code in
            guard isClaim(code) else { return nil }
            if lines[number - 1].contains("//") { return nil }
            // One comment may speak for several lines below it, and attributes may stand between.
            var above = number - 2
            while above >= 0, isClaim(String(lines[above])) || lines[above].trimmingCharacters(in: .whitespaces).hasPrefix("@") { above -= 1 }
            if above >= 0, lines[above].trimmingCharacters(in: .whitespaces).hasPrefix("//") { return nil }
            return "\(file.path):\(number): say in a comment why this is safe"
        }
    }

    private static func forbiddenWords(in file: SourceFile) -> [String] {
        var found: [String] = []
        for (number, code) in file.codeLines {
            for word in ["try!", "as!", "fatalError("] where code.contains(word) {
                found.append("\(file.path):\(number): \(word)")
            }
        }
        for (index, line) in file.lines.enumerated() {
            for word in ["TODO", "FIXME"] where line.contains(word) {
                found.append("\(file.path):\(index + 1): \(word)")
            }
        }
        return found
    }
}
