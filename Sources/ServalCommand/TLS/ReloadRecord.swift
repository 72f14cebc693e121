import FoundationEssentials
import Glibc
import Serval

/// What came of the last reload that somebody asked for, left by the server in a file for `serval reload`.
struct ReloadRecord: Codable, Equatable {
    /// Different for each reload.
    var id: String
    var connectors: [Connector]
    /// What whoever asked should know besides.
    var hint: String?

    struct Connector: Codable, Equatable {
        var name: String
        /// Why the old certificates stay in use; nil if the new ones are in use.
        var error: String?
        /// The certificates that are new, one line each.
        var added: [String]
        /// What else is different, one line each; nil in records of older servers.
        var changed: [String]?
    }

    init(_ results: [CertificateReload], hint: String? = nil) {
        self.hint = hint
        self.id = UUID().uuidString
        self.connectors = results.map { result in
            Connector(
                name: result.connector,
                error: result.error.map { "\($0)" },
                added: result.replacement.added.map(\.description),
                changed: result.replacement.removed.isEmpty || !result.replacement.added.isEmpty
                    ? result.replacement.otherChanges
                    : ["fewer certificates are presented"] + result.replacement.otherChanges
            )
        }
    }

    /// The record in `path`; nil if there is none that can be read.
    init?(path: String) {
        guard let data = try? Data(contentsOf: URL(filePath: path)), let record = try? JSONDecoder().decode(Self.self, from: data) else { return nil }
        self = record
    }

    /// Replaces the file at `path`; whoever reads it sees the old or the new record.
    func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try encoder.encode(self).write(to: URL(filePath: path), options: .atomic)
    }

    /// The first record other than `old` that appears at `path`; nil if there is none within `patience`.
    static func next(at path: String, after old: ReloadRecord?, patience: Duration) -> ReloadRecord? {
        let deadline = ContinuousClock.now + patience
        while ContinuousClock.now < deadline {
            if let record = ReloadRecord(path: path), record.id != old?.id { return record }
            usleep(20_000)
        }
        return nil
    }
}
