import Foundation

/// The matrix as the tables of docs/key-stores.md.
enum MatrixPage {
    static let begin = "<!-- The matrix: written by the tests, see Tests/ConformanceTests/KeyStores/MatrixPage.swift -->"
    static let end = "<!-- End of the matrix -->"

    static let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../../docs/key-stores.md").standardizedFileURL.path

    /// What stands between the two comments of the page.
    static var text: String {
        var reasons: [String] = []
        func note(_ reason: String) -> String {
            if !reasons.contains(reason) { reasons.append(reason) }
            return "[\((reasons.firstIndex(of: reason) ?? 0) + 1)]"
        }
        var lines = [
            "| written by | not in the file | " + StoreTool.allCases.map { "read by \($0.rawValue)" }.joined(separator: " | ") + " |",
            "| --- | --- |" + StoreTool.allCases.map { _ in " --- |" }.joined(),
        ]
        for writer in StoreWriter.all {
            let unwritable = MatrixRules.unwritable.filter { $0.writers.contains(writer) }
            let missing = unwritable.map { "\($0.rows.count == StoreRow.allCases.count ? "nothing is written" : words($0.rows)) \(note($0.reason))" }
                .joined(separator: ", ")
            let unwritten = Set(unwritable.flatMap(\.rows))
            let cells = StoreTool.allCases.map { reader in cell(writer, reader, unwritten, note) }
            lines.append("| \(writer) | \(missing.isEmpty ? "–" : missing) | " + cells.joined(separator: " | ") + " |")
        }
        lines.append("")
        lines += reasons.enumerated().map { "\($0.offset + 1). \($0.element)" }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func cell(_ writer: StoreWriter, _ reader: StoreTool, _ unwritten: Set<StoreRow>, _ note: (String) -> String) -> String {
        let rows = Set(StoreRow.allCases).subtracting(unwritten)
        guard !rows.isEmpty else { return "–" }
        var left = rows
        var exceptions: [String] = []
        for rule in MatrixRules.unreadable {
            let concerned = left.filter { rule.applies(writer, reader, $0) }
            guard !concerned.isEmpty else { continue }
            left.subtract(concerned)
            if concerned == rows { return "no \(note(rule.reason))" }
            exceptions.append("\(words(concerned)) \(note(rule.reason))")
        }
        return exceptions.isEmpty
            ? "all" : left.isEmpty ? "no: " + exceptions.joined(separator: ", ") : "all but " + exceptions.joined(separator: ", ")
    }

    /// Rows in the order of the matrix; where all keys but one are concerned, the one is said.
    private static func words(_ rows: Set<StoreRow>) -> String {
        StoreRow.allCases.filter(rows.contains).map(\.rawValue).joined(separator: ", ")
    }
}
