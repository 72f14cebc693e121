import ServalKeyStore

/// Findings about key stores and certificates, for people and for programs.
enum FindingText {
    /// Two or three lines: what it is, and what to do.
    static func lines(_ finding: KeyStoreFinding) -> [String] {
        var place = finding.alias.map { "<\($0)>" } ?? ""
        if let number = finding.certificate { place += (place.isEmpty ? "" : ", ") + "certificate \(number)" }
        let heading = "\(finding.severity.rawValue): \(finding.code)\(place.isEmpty ? "" : " (\(place))")"
        return ["  " + line(heading), "    " + line(finding.message), "    -> " + line(finding.advice)]
    }

    /// `1 error, 2 warnings, no remarks`.
    static func summary(_ findings: [KeyStoreFinding]) -> String {
        func count(_ severity: KeyStoreFinding.Severity, _ one: String) -> String? {
            let count = findings.count { $0.severity == severity }
            return count == 0 ? nil : count == 1 ? "1 \(one)" : "\(count) \(one)s"
        }
        let counts = [count(.error, "error"), count(.warning, "warning"), count(.info, "remark")].compactMap { $0 }
        return counts.isEmpty ? "nothing found" : counts.joined(separator: ", ")
    }

    static func json(_ finding: KeyStoreFinding) -> JSONText {
        .object([
            ("code", .string(finding.code.description)), ("severity", .string(finding.severity.rawValue)), ("alias", .optional(finding.alias)),
            ("certificate", finding.certificate.map { .number(Int64($0)) } ?? .null), ("message", .string(finding.message)),
            ("advice", .string(finding.advice)),
        ])
    }

    /// What stands in a file must not be able to begin a line of its own.
    static func line(_ text: String) -> String {
        // By scalars: a carriage return with its line feed is one character, and not the line feed.
        text.unicodeScalars.contains("\n") ? String(text.map { $0.isNewline ? " " : $0 }) : text
    }
}

extension OptionDescription {
    static let days = OptionDescription(.days, "days", "days before the end of validity from which on to warn (30)")
    static let json = OptionDescription(.json, nil, "output as JSON")
}

extension Session {
    /// The checks that `-inspect` and `-lint` make: by the present time, with the system's authorities as those that clients trust.
    func lint() throws -> KeyStoreLint {
        let days = try number(.days) ?? 30
        guard (0...36_525).contains(days) else { throw Failure.illegalArgument("-days is a number from 0 to 36525") }
        return KeyStoreLint(days: days, trustedAuthorities: SystemCertificates.load(environment))
    }
}
