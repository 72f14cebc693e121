import Testing

/// What the fuzzer found once; without the mends, each of these ends the process.
@Suite("What the fuzzer found")
struct FindingTests {
    struct Finding: Sendable, CustomTestStringConvertible {
        let target: FuzzTarget
        let bytes: [UInt8]
        let testDescription: String

        init(_ target: FuzzTarget, _ text: String, _ description: String) {
            self.init(target, bytes: Array(text.utf8), description)
        }

        init(_ target: FuzzTarget, bytes: [UInt8], _ description: String) {
            self.target = target
            self.bytes = bytes
            self.testDescription = description
        }
    }

    static let findings = [
        Finding(.extensions, "9999999999999999999.1", "object identifier whose first number is too large"),
        Finding(.extensions, "eku=1.18446744073709551615", "purpose whose second number is too large"),
        Finding(.extensions, "aia=1844674407370955161.6:uri:http://a", "access method whose first numbers are too large"),
        Finding(.extensions, "san=oid:461168601842738791.1", "name whose first numbers are too large"),
        Finding(.inspect, String(repeating: "x", count: 261), "file that ends where a tar archive says what it is"),
    ]

    @Test("Found once, mended since", arguments: findings)
    func finding(_ finding: Finding) {
        finding.target.run(finding.bytes)
    }

    @Test("Every target takes what is nothing at all", arguments: FuzzTarget.allCases)
    func nothing(_ target: FuzzTarget) {
        for bytes: [UInt8] in [[], [0], [0x30, 0x80], Array(repeating: 0x30, count: 4096), Array(repeating: 0xFF, count: 64)] { target.run(bytes) }
    }
}
