import Glibc
import ServalKeyStore

/// `-lint`: what is wrong, or soon will be, with key stores and certificates; for people and for monitoring.
enum LintCommand: Command {
    static let name = "-lint"
    static let summary = "Finds what is wrong, or soon will be, with key stores and certificates"
    static let options: [OptionDescription] = [.inputFile, .keyStore, .storePassword, .keyPassword, .alias, .days, .json]
    static let takesFiles = true

    /// The exit codes: 1 is left to command lines that are wrong, as with every command.
    private static func exitCode(_ worst: KeyStoreFinding.Severity?) -> Int32 {
        switch worst {
        case nil, .info?: 0
        case .warning?: 2
        case .error?: 3
        }
    }

    static func run(in session: Session) throws {
        var files = session.options.all(.keystore) + session.options.all(.file)
        if files.isEmpty { files = [session.environment.home + "/.keystore"] }
        let lint = try session.lint()
        let inspections = files.map { (file: $0, inspection: inspect($0, lint, session)) }
        try checkAlias(inspections.map(\.inspection), session)
        let results = inspections.map { file, inspection in
            let findings = inspection.findings.filter { finding in
                guard let alias = session.options[.alias] else { return true }
                return finding.alias == nil || finding.alias?.lowercased() == alias.lowercased()
            }
            return (file: file, format: inspection.format, findings: findings)
        }
        let all = results.flatMap(\.findings)
        session.exitCode = exitCode(all.map(\.severity).max())
        if session.options.has(.json) {
            let documents = results.map { result in
                JSONText.object([
                    ("file", .string(result.file)), ("format", .string(result.format.code)),
                    ("findings", .array(result.findings.map(FindingText.json))),
                ])
            }
            session.console.print(
                JSONText.object([
                    ("version", .number(1)), ("time", .string(ISOTime.text(lint.time))), ("days", .number(Int64(lint.days))),
                    ("worst", .optional(all.map(\.severity).max()?.rawValue)), ("files", .array(documents)),
                ]).text
            )
            return
        }
        for result in results {
            session.console.print(FindingText.line("\(result.file): \(FindingText.summary(result.findings))"))
            for line in result.findings.flatMap(FindingText.lines) { session.console.print(line) }
        }
    }

    /// Refuses an alias that none of the files has: monitoring that watches a misspelt one must not be told that nothing was found.
    private static func checkAlias(_ inspections: [KeyStoreInspection], _ session: Session) throws {
        guard let alias = session.options[.alias] else { return }
        let items = inspections.flatMap(\.items)
        let isHidden = inspections.contains { $0.items.isEmpty } || items.contains { $0.kind == .encryptedPart }
        guard !isHidden, !items.contains(where: { $0.alias?.lowercased() == alias.lowercased() }) else { return }
        throw Failure.unknownAlias(alias)
    }

    /// Looks into a file, and asks a person for the password where that shows more.
    private static func inspect(_ file: String, _ lint: KeyStoreLint, _ session: Session) -> KeyStoreInspection {
        let given = session.options[.storepass]
        let first = KeyStoreInspection(contentsOf: file, password: given, keyPassword: session.options[.keypass], lint: lint)
        let isClosed = first.findings.contains { $0.code == .notChecked || $0.code == .keyNotOpened }
        guard given == nil, session.options[.keypass] == nil, isClosed, isatty(STDIN_FILENO) == 1,
            let password = session.console.askPassword("Enter password of \(FindingText.line(file)):  ")
        else { return first }
        return KeyStoreInspection(contentsOf: file, password: password, lint: lint)
    }
}
