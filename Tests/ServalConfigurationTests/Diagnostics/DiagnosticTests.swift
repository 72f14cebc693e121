import Testing

@testable import ServalConfiguration

@Suite struct DiagnosticTests {
    @Test func printing() {
        let diagnostic = Diagnostic(
            .error,
            file: "conf/server.xml",
            line: 42,
            column: 17,
            element: "Connector",
            attribute: "maxThread",
            message: "the attribute is not known",
            suggestion: "maxThreads"
        )
        #expect(diagnostic.description == "conf/server.xml:42:17: error: the attribute is not known; did you mean \"maxThreads\"?")
        #expect(Diagnostic(.info, file: "a", message: "b").description == "a: info: b")
        #expect(Diagnostic(.warning, file: "a", line: 3, message: "b").description == "a:3: warning: b")
    }

    @Test func filesCannotForgeLines() {
        #expect(Diagnostic(.info, file: "a\nb", message: "c\u{1B}[31m\r\n").description == "a\\u{a}b: info: c\\u{1b}[31m\\u{d}\\u{a}")
    }

    @Test(arguments: [
        ("maxThread", "maxThreads"), ("maxthreads", "maxThreads"), ("mxaThreads", "maxThreads"), ("prot", "port"), ("portt", "port"), ("xyzzy", nil),
        ("sslEnabled", "SSLEnabled"), ("", nil),
    ])
    func nearestNames(_ word: String, _ expected: String?) {
        #expect(NearestName.find(word, among: ["port", "maxThreads", "minSpareThreads", "SSLEnabled", "protocol"]) == expected)
    }

    @Test func longWordsCostNothing() {
        #expect(NearestName.find(String(repeating: "x", count: 1_000_000), among: ["x"]) == nil)
    }

    @Test func thereIsALimitAndNothingIsSaidTwice() {
        let log = DiagnosticLog()
        for number in 0..<2000 { log.append(Diagnostic(.warning, file: "f", message: "\(number)")) }
        log.append(Diagnostic(.warning, file: "f", message: "0"))
        #expect(log.finished().count == 1001)
        #expect(log.finished().last?.message == "1000 further problems are not shown")
    }
}
