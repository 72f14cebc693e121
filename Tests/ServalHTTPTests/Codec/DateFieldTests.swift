import Testing

@testable import ServalHTTP

@Suite("Dates")
struct DateFieldTests {
    @Test("are written as HTTP wants them")
    func dates() {
        for (seconds, text) in [
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_767_225_599, "Wed, 31 Dec 2025 23:59:59 GMT"), (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"), (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
        ] {
            #expect(String(decoding: DateField(secondsSince1970: seconds).bytes, as: UTF8.self) == text)
        }
    }
}
