import ServalKeyStore

@testable import ServalKeytool

/// Any file at all, looked into without and with the password, with the checks of `-lint`, and shown to people and to programs.
enum InspectionFuzzing {
    static func run(_ bytes: [UInt8]) {
        // The same input gives the same findings at any time.
        let lint = KeyStoreLint(time: 1_800_000_000, days: 30)
        for password in [nil, KeyStoreFuzzing.password] {
            let inspection = KeyStoreInspection(bytes: bytes, password: password, lint: lint)
            expect(inspection.size == bytes.count, "the size is the number of bytes")
            let severities = inspection.findings.map(\.severity)
            expect(severities == severities.sorted(by: >), "the worst comes first")
            expect(inspection.certificates.allSatisfy { $0.der.count <= bytes.count }, "a certificate is no larger than its file")
            show(inspection)
        }
        if let store = try? KeyStore(bytes: bytes, password: KeyStoreFuzzing.password) { _ = lint.findings(in: store) }
    }

    private static func show(_ inspection: KeyStoreInspection) {
        let lines = InspectCommand.lines(inspection, file: "FILE").map(FindingText.line) + inspection.findings.flatMap(FindingText.lines)
        // The console makes other control characters harmless.
        for line in lines { expect(!line.unicodeScalars.contains("\n"), "what stands in a file begins no line of its own") }
        let document = InspectCommand.json(inspection, file: "FILE")
        expectDifferentNames(document)
        expect(!document.text.unicodeScalars.contains { $0 != "\n" && commands($0) }, "a document commands no terminal")
    }

    /// What a terminal takes for a command.
    private static func commands(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
    }

    private static func expectDifferentNames(_ value: JSONText) {
        switch value {
        case .array(let values): for value in values { expectDifferentNames(value) }
        case .object(let members):
            expect(Set(members.map(\.name)).count == members.count, "the members of an object have different names: \(members.map(\.name))")
            for member in members { expectDifferentNames(member.value) }
        case .string, .number, .null: break
        }
    }
}
