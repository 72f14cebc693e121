import ServalKeyStore

/// The whole matrix, measured.
struct Matrix {
    struct Cell {
        let writer: StoreWriter
        let reader: StoreTool
        let row: StoreRow
        let outcome: StoreCell
        let rule: MatrixRule?

        var isAsExpected: Bool {
            switch (rule?.outcome, outcome) {
            case (nil, .same), (.lacks, .lacks): true
            case (.refused(let text), .refused(let words)): words.contains(text)
            default: false
            }
        }
    }

    private(set) var cells: [Cell] = []
    /// Files that were refused or written against the rules.
    private(set) var surprisingWrites: [(String, String)] = []
    /// The places of the rules about writing that were met.
    private(set) var refusedWrites: Set<Int> = []

    init(in folder: TemporaryFolder) async throws {
        let writings = try await StoreWriters(folder: folder, keys: MatrixKeys.shared.get()).write()
        var files: [StoreFile] = []
        for writing in writings {
            switch writing {
            case .file(let file):
                files.append(file)
                if Self.unwritable(file.writer, file.kind) != nil { surprisingWrites.append(("\(file.writer), \(file.kind)", "was written")) }
            case .refused(let writer, let kind, let words):
                guard case .refused(let text)? = Self.unwritable(writer, kind)?.outcome, words.contains(text) else {
                    surprisingWrites.append(("\(writer), \(kind)", words))
                    continue
                }
                if let index = Self.unwritableIndex(writer, kind) { refusedWrites.insert(index) }
            }
        }
        let readings = try await StoreReaders.read(files, in: folder)
        for (reader, readings) in readings {
            for (file, reading) in zip(files.filter { $0.isRead(by: reader) }, readings) {
                for row in StoreRow.allCases where row.place(in: file.writer, for: reader).kind == file.kind {
                    let alias = row.place(in: file.writer, for: reader).alias
                    let outcome = StoreCell(reading, expected: alias.map(file.contents.only) ?? file.contents)
                    let rule = MatrixRules.unreadable.first { $0.applies(file.writer, reader, row) }
                    cells.append(Cell(writer: file.writer, reader: reader, row: row, outcome: outcome, rule: rule))
                }
            }
        }
    }

    private static func unwritable(_ writer: StoreWriter, _ kind: StoreKind) -> MatrixRule? {
        unwritableIndex(writer, kind).map { MatrixRules.unwritable[$0] }
    }

    private static func unwritableIndex(_ writer: StoreWriter, _ kind: StoreKind) -> Int? {
        MatrixRules.unwritable.firstIndex { rule in rule.writers.contains(writer) && rule.rows.contains { $0.place(in: writer).kind == kind } }
    }
}
