/// The targets of Package.swift, read from its text: asking SwiftPM would wait for the build that runs these tests.
struct PackageManifest {
    /// Where a target's files are.
    enum Place {
        case sources, tests
        /// Fuzz/ and Examples/: what is built from the package and never part of it.
        case elsewhere
    }

    struct Target {
        var name: String
        var place: Place
        /// Names of targets, and of the constants that stand for products of other packages.
        var dependencies: Set<String>
    }

    var targets: [Target] = []

    init(text: String) {
        // What stands before "targets: [" declares constants, products and other packages.
        guard let start = text.ranges(of: "\n    targets: [").last else { return }
        // What stands behind the list is for scripts that build the package otherwise.
        let end = text.ranges(of: "\n    swiftLanguageModes:").first?.lowerBound ?? text.endIndex
        var rest = text[start.upperBound..<end]
        while let opening = rest.firstMatch(of: #/\.(target|executableTarget|testTarget)\(/#) {
            let body = Self.untilClosingParenthesis(rest[opening.range.upperBound...])
            rest = rest[body.endIndex...]
            guard let name = body.firstMatch(of: #/name: "(\w+)"/#) else { continue }
            var dependencies: Set<String> = []
            if let list = body.firstMatch(of: #/dependencies: \[([^\]]*)\]/#) {
                for item in list.1.split(separator: ",") {
                    let name = item.trimmingPrefix(while: { !$0.isLetter && $0 != "_" }).prefix { $0.isLetter || $0.isNumber || $0 == "_" }
                    if !name.isEmpty { dependencies.insert(String(name)) }
                }
            }
            let place: Place =
                if body.contains(#/path: "(Fuzz|Examples)["\/]/#) { .elsewhere } else if opening.1 == "testTarget" || body.contains("path: \"Tests/")
                {
                    .tests
                } else {
                    .sources
                }
            targets.append(Target(name: String(name.1), place: place, dependencies: dependencies))
        }
    }

    private static func untilClosingParenthesis(_ text: Substring) -> Substring {
        var depth = 1
        var index = text.startIndex
        while index < text.endIndex {
            if text[index] == "(" { depth += 1 }
            if text[index] == ")" { depth -= 1 }
            if depth == 0 { break }
            index = text.index(after: index)
        }
        return text[..<index]
    }
}
