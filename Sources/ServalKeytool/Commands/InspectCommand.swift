import ServalKeyStore

/// `-inspect`: what is this file, what is in it, and what is wrong with it.
enum InspectCommand: Command {
    static let name = "-inspect"
    static let summary = "Says what a file is, what is in it, and what is wrong with it"
    static let options: [OptionDescription] = [.inputFile, .storePassword, .keyPassword, .days, .json]
    static let takesFiles = true

    static func run(in session: Session) throws {
        let files = session.options.all(.file) + session.options.all(.keystore)
        guard !files.isEmpty else { throw Failure.usage("Name the file to look into: -inspect FILE") }
        let lint = try session.lint()
        let inspections = files.map { file in
            let inspection = KeyStoreInspection(
                contentsOf: file,
                password: session.options[.storepass],
                keyPassword: session.options[.keypass],
                lint: lint
            )
            return (file: file, inspection: inspection)
        }
        if inspections.contains(where: { $0.inspection.format.code == "unreadable" }) { session.exitCode = 1 }
        if session.options.has(.json) {
            let documents = inspections.map { json($0.inspection, file: $0.file) }
            session.console.print(JSONText.object([("version", .number(1)), ("files", .array(documents))]).text)
            return
        }
        for (index, entry) in inspections.enumerated() {
            if index > 0 { session.console.print() }
            for line in lines(entry.inspection, file: entry.file) { session.console.print(FindingText.line(line)) }
        }
    }

    // MARK: For people

    static func lines(_ inspection: KeyStoreInspection, file: String) -> [String] {
        var lines = ["\(file): \(inspection.format.name), \(JavaText.grouped(inspection.size)) bytes"]
        lines += inspection.details.map { "  \($0.name): \($0.value)" }
        if !inspection.items.isEmpty { lines += ["", "Contents:"] }
        for (index, item) in inspection.items.enumerated() { lines += self.lines(item, heading: "\(index + 1). ", indentation: "  ") }
        lines += ["", "Findings: " + FindingText.summary(inspection.findings)]
        return lines + inspection.findings.flatMap(FindingText.lines)
    }

    private static func lines(_ item: KeyStoreInspection.Item, heading: String, indentation: String) -> [String] {
        var title = title(item.kind)
        if let alias = item.alias { title += " <\(alias)>" }
        if let line = item.line { title += " (line \(line))" }
        var lines = [indentation + heading + title]
        let inner = indentation + "   "
        lines += item.details.map { "\(inner)\($0.name): \($0.value)" }
        for (index, part) in item.parts.enumerated() {
            lines += self.lines(part, heading: "", indentation: inner).enumerated().map { number, line in
                number == 0 ? "\(inner)Certificate \(index + 1) of \(item.parts.count)" : line
            }
        }
        return lines
    }

    private static func title(_ kind: KeyStoreInspection.Item.Kind) -> String {
        switch kind {
        case .privateKey: "Private key"
        case .certificate: "Certificate"
        case .trustedCertificate: "Trusted certificate"
        case .secretKey: "Secret key"
        case .certificateRequest: "Certificate request"
        case .revocationList: "Revocation list"
        case .publicKey: "Public key"
        case .parameters: "Parameters"
        case .encryptedPart: "Encrypted part (give the password with -storepass to see more)"
        case .other: "Something else"
        }
    }

    // MARK: For programs

    static func json(_ inspection: KeyStoreInspection, file: String) -> JSONText {
        .object([
            ("file", .string(file)), ("format", .string(inspection.format.code)), ("formatName", .string(inspection.format.name)),
            ("size", .number(Int64(inspection.size))), ("details", json(inspection.details)), ("items", .array(inspection.items.map(json))),
            ("findings", .array(inspection.findings.map(FindingText.json))),
        ])
    }

    private static func json(_ item: KeyStoreInspection.Item) -> JSONText {
        .object([
            ("kind", .string(item.kind.rawValue)), ("alias", .optional(item.alias)), ("line", item.line.map { .number(Int64($0)) } ?? .null),
            ("details", json(item.details)), ("certificates", .array(item.parts.map(json))),
        ])
    }

    private static func json(_ details: [KeyStoreInspection.Detail]) -> JSONText {
        .object(details.map { (memberName($0.name), .string($0.value)) })
    }

    /// `Signature algorithm` becomes `signatureAlgorithm`.
    private static func memberName(_ name: String) -> String {
        let words = name.split { !$0.isLetter && !$0.isNumber }
        return words.enumerated().map { index, word in
            index == 0
                ? (word.allSatisfy { $0.isUppercase || $0.isNumber } ? word.lowercased() : word.prefix(1).lowercased() + word.dropFirst())
                : word.prefix(1).uppercased() + word.dropFirst()
        }.joined()
    }
}
