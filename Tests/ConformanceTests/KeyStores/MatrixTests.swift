import Foundation
import ServalKeyStore
import Testing

/// Every writer of key stores against every reader: what was put in comes out again, or the rules say why not.
@Suite struct MatrixTests {
    @Test func everyCell() async throws {
        let matrix = try await Matrix(in: TemporaryFolder())
        for (file, words) in matrix.surprisingWrites { Issue.record("\(file): \(words)") }
        for cell in matrix.cells where !cell.isAsExpected {
            Issue.record("written by \(cell.writer), read by \(cell.reader.rawValue), \(cell.row.rawValue): \(cell.outcome)")
        }
        // Each rule is needed somewhere.
        for rule in MatrixRules.unreadable {
            #expect(matrix.cells.contains { rule.applies($0.writer, $0.reader, $0.row) }, "the rule that \(rule.reason)")
        }
        for (index, rule) in MatrixRules.unwritable.enumerated() {
            #expect(matrix.refusedWrites.contains(index), "the rule that \(rule.reason)")
        }
    }

    /// With `SERVAL_WRITE_REFERENCE=1` the page is written anew.
    @Test func thePageSaysWhatTheRulesSay() throws {
        let page = try String(contentsOfFile: MatrixPage.path, encoding: .utf8)
        let head = try #require(page.range(of: MatrixPage.begin + "\n"))
        let tail = try #require(page.range(of: MatrixPage.end))
        if ProcessInfo.processInfo.environment["SERVAL_WRITE_REFERENCE"] != nil {
            let text = page.replacingCharacters(in: head.upperBound..<tail.lowerBound, with: "\n" + MatrixPage.text + "\n")
            try Data(text.utf8).write(to: URL(fileURLWithPath: MatrixPage.path))
        } else {
            #expect(page[head.upperBound..<tail.lowerBound] == "\n" + MatrixPage.text + "\n", "scripts/reference writes docs/key-stores.md anew")
        }
    }
}
