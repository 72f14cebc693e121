import Foundation

extension ToolRun {
    /// The run with everything replaced that differs between two keys, two certificates and two moments.
    var masked: ToolRun {
        ToolRun(status: status, output: Self.masked(output), errors: Self.masked(errors))
    }

    private static let patterns: [(pattern: String, replacement: String)] = [
        ("Serial number: [0-9a-f]+", "Serial number: N"),
        ("Valid from: .* until: .*", "Valid from: T until: T"),
        ("(SHA1|SHA256|\\(SHA-256\\)): [0-9A-F:]+", "$1: F"),
        ("(?m)^[0-9A-F]{4}: .*$", "hex"),
        ("(?s)(-----BEGIN [A-Z ]+-----\n).*?(-----END)", "$1$2"),
    ]

    private static func masked(_ text: String) -> String {
        patterns.reduce(text) { $0.replacingOccurrences(of: $1.pattern, with: $1.replacement, options: .regularExpression) }
    }
}
