import Foundation
import Testing

/// docs/compatibility.md: every feature of Tomcat's documents that Serval follows, and the tests that show it.
///
/// The features stand in docs/compatibility.tsv, one a line: id, title and, where tests alone do not tell, the state (`open` or `partly`) with the reason. A
/// feature is done if the title of a test names its id.
@Suite("The page of compatibility")
struct CompatibilityPageTests {
    struct Feature {
        var id: String
        var title: String
        var state: String?
        var reason: String
    }

    private static let path = "docs/compatibility.md"
    private static let groups: [(Character, String)] = [
        ("A", "Quick start and introduction"), ("B", "Key stores and certificates"), ("C", "TLS implementations"), ("D", "Connectors, old style"),
        ("E", "Connectors, new style"), ("F", "Certificates of an authority"), ("G", "OCSP"), ("H", "Troubleshooting"),
        ("I", "Tracking by TLS sessions"), ("J", "Sessions in web.xml"), ("K", "Sessions in Context"), ("L", "Manager and session ids"),
        ("M", "StandardManager"), ("N", "PersistentManager and stores"), ("O", "System properties"), ("P", "How sessions are found"),
        ("Q", "Switching sessions off"),
    ]

    static func features() throws -> [Feature] {
        try Repository.text(of: "docs/compatibility.tsv").split(separator: "\n").map { line in
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map { String($0) }
            let isMarked = fields.count == 4
            try #require(fields.count == 2 || isMarked, "a line has two or four fields: \(line)")
            return Feature(id: fields[0], title: fields[1], state: isMarked ? fields[2] : nil, reason: isMarked ? fields[3] : "")
        }
    }

    /// The files of tests by the ids that the titles of tests and suites in them name.
    static func tests() throws -> [String: [String]] {
        let title = #/@(?:Test|Suite)\(\s*"((?:[^"\\]|\\.)*)"/#
        var files: [String: [String]] = [:]
        for file in try Repository.swiftFiles(in: "Tests") {
            let ids = Set(file.text.matches(of: title).flatMap { $0.output.1.matches(of: #/\b[A-Q][0-9]{2}\b/#).map { String($0.output) } })
            for id in ids { files[id, default: []].append(file.path) }
        }
        return files
    }

    static func page(_ features: [Feature], _ tests: [String: [String]]) -> String {
        func state(_ feature: Feature) -> String { feature.state ?? (tests[feature.id] == nil ? "open" : "done") }
        let states = features.map(state)
        func count(_ state: String) -> Int { states.count { $0 == state } }
        var lines = [
            "# Compatibility", "",
            "The features of Tomcat's documents about TLS, key stores and sessions (those of Tomcat 7, 9 and 11) that Serval follows, and the tests whose titles name",
            "them by the id in the first column. This page is written by `scripts/reference` from [compatibility.tsv](compatibility.tsv) and the tests.",
            "",
            "\(features.count) features: \(count("done")) done, \(count("partly")) partly, \(count("open")) open.", "",
        ]
        for (letter, name) in self.groups {
            lines += ["## \(letter). \(name)", "", "| id | feature | state | tests |", "| --- | --- | --- | --- |"]
            for feature in features where feature.id.first == letter {
                let files = (tests[feature.id] ?? []).map { path in
                    "[\(path.split(separator: "/").last?.dropLast(6) ?? "")](../\(path))"
                }
                let reason = feature.reason.isEmpty ? "" : ": \(feature.reason)"
                lines.append(
                    "| \(feature.id) | \(feature.title.replacing("|", with: "\\|")) | \(state(feature))\(reason) | \(files.joined(separator: ", ")) |"
                )
            }
            lines.append("")
        }
        return lines.joined(separator: "\n")
    }

    @Test("The page says what the table and the tests say")
    func isUpToDate() throws {
        let expected = Self.page(try Self.features(), try Self.tests())
        // scripts/reference sets this to bring the page up to date.
        if ProcessInfo.processInfo.environment["SERVAL_WRITE_REFERENCE"] == "1" {
            try Data(expected.utf8).write(to: Repository.root.appending(path: Self.path))
        }
        let actual = (try? Repository.text(of: Self.path)) ?? ""
        #expect(actual == expected, "\(Self.path) is out of date: run scripts/reference")
    }

    @Test("The table is whole: every id once, in order, with a title; a mark has a reason, and tests name no other ids")
    func table() throws {
        let features = try Self.features()
        #expect(features.count == 324)
        let ids = features.map(\.id)
        #expect(ids == ids.sorted() && Set(ids).count == ids.count)
        for feature in features {
            #expect(!feature.title.isEmpty && !feature.title.hasSuffix("."), "\(feature.id)")
            #expect(feature.state == nil || ["open", "partly"].contains(feature.state) && !feature.reason.isEmpty, "\(feature.id)")
        }
        #expect(Set(try Self.tests().keys).subtracting(ids) == [])
    }

    @Test("A feature without a test is open, and a mark is stronger than tests")
    func states() {
        let features = [
            Feature(id: "A01", title: "One", state: nil, reason: ""), Feature(id: "A02", title: "Two", state: nil, reason: ""),
            Feature(id: "A03", title: "Three", state: "partly", reason: "one half is missing"),
        ]
        let page = Self.page(features, ["A01": ["Tests/X/OneTests.swift"], "A03": ["Tests/X/ThreeTests.swift", "Tests/Y/MoreTests.swift"]])
        #expect(page.contains("3 features: 1 done, 1 partly, 1 open."))
        #expect(page.contains("| A01 | One | done | [OneTests](../Tests/X/OneTests.swift) |\n| A02 | Two | open |  |\n"))
        #expect(
            page.contains(
                "| A03 | Three | partly: one half is missing | [ThreeTests](../Tests/X/ThreeTests.swift), [MoreTests](../Tests/Y/MoreTests.swift) |"
            )
        )
    }
}
