import HTTPTypes
import NIOHPACK
import ServalServlet
import Testing

@testable import ServalHTTP

/// Header lists and the requests that become of them; what comes over a socket is in `Tests/ConformanceTests/HTTP2`.
@Suite struct HTTP2RequestMapperTests {
    private func mapper(scheme: String? = "https", maxHeadSize: Int = 8192, maxHeaderCount: Int = 100) -> HTTP2RequestMapper {
        HTTP2RequestMapper(
            syntax: HTTP1Syntax(maxHeadSize: maxHeadSize),
            maxHeaderCount: maxHeaderCount,
            maxTrailerCount: 3,
            maxTrailerSize: 100,
            requiredScheme: scheme
        )
    }

    private let get = [(":method", "GET"), (":scheme", "https"), (":authority", "h.example:8443"), (":path", "/a/b?c=d")]

    /// What became of a list, in words.
    private func outcome(_ fields: [(String, String)], mapper: HTTP2RequestMapper? = nil) -> String {
        switch (mapper ?? self.mapper()).request(HPACKHeaders(fields)) {
        case .request: "request"
        case .malformed: "malformed"
        case .refused(let refusal): "\(refusal.status)"
        }
    }

    @Test func everythingIsWhereHTTP1PutsIt() throws {
        let fields = self.get + [("x-one", "1"), ("cookie", "a=1"), ("x-two", ""), ("cookie", "b=2"), ("content-length", "5")]
        guard case .request(let mapped) = self.mapper().request(HPACKHeaders(fields)) else {
            Issue.record("refused")
            return
        }
        #expect(mapped.method == .get && mapped.contentLength == 5 && !mapped.expectsContinue)
        let state = RequestState(head: mapped.head, method: .get, body: .empty, connection: ConnectionInfo(scheme: "https"), startNanoseconds: 0)
        let request = Request(state: state)
        #expect(request.protocolVersion == "HTTP/2.0")
        #expect(request.target == "/a/b?c=d" && request.path == "/a/b" && request.query == "c=d")
        #expect(request.serverName == "h.example" && request.serverPort == 8443)
        let names = request.headers.map { "\($0.name.canonicalName): \($0.value)" }
        #expect(names == ["host: h.example:8443", "x-one: 1", "x-two: ", "content-length: 5", "cookie: a=1; b=2"])
        #expect(request.cookies.map(\.name) == ["a", "b"])
    }

    @Test func theSchemeIsTheConnections() {
        let http = self.get.map { $0.0 == ":scheme" ? (":scheme", "http") : $0 }
        #expect(self.outcome(http) == "malformed")
        #expect(self.outcome(http, mapper: self.mapper(scheme: nil)) == "request")
        #expect(self.outcome(http, mapper: self.mapper(scheme: "http")) == "request")
    }

    @Test func hostAndAuthorityAreTheSameByteForByteButForTheCaseOfASCII() {
        let authority = [(":method", "GET"), (":scheme", "https"), (":authority", "k.example"), (":path", "/")]
        #expect(self.outcome(authority + [("host", "K.Example")]) == "request")
        // U+212A, which is a `k` in lower case.
        #expect(self.outcome(authority + [("host", "\u{212A}.example")]) == "malformed")
    }

    @Test func limits() {
        let mapper = self.mapper(maxHeadSize: 300, maxHeaderCount: 5)
        let fields = (1...4).map { ("x-\($0)", "1") }
        #expect(self.outcome(self.get + fields, mapper: mapper) == "request")
        #expect(self.outcome(self.get + fields + [("x-5", "1")], mapper: mapper) == "400")
        // Crumbs of cookies are one field.
        #expect(self.outcome(self.get + fields.dropLast() + [("cookie", "a=1"), ("cookie", "b=1")], mapper: mapper) == "request")
        #expect(self.outcome(self.get + [("x-long", String(repeating: "a", count: 300))], mapper: mapper) == "400")
    }

    @Test func trailers() {
        func trailers(_ fields: [(String, String)]) -> [String]? { self.mapper().trailers(HPACKHeaders(fields))?.map(\.name.canonicalName) }
        #expect(trailers([("x-checksum", "1"), ("x-time", "2")]) == ["x-checksum", "x-time"])
        // What must be known before the body means nothing here.
        #expect(trailers([("authorization", "Basic x"), ("x-a", "1")]) == ["x-a"])
        for name in [":path", "X-A", "content-length", "transfer-encoding", "connection", "host", "te", ""] {
            #expect(trailers([(name, "1")]) == nil)
        }
        #expect(trailers([("x-a", "1\r\n")]) == nil)
        #expect(trailers((0..<4).map { ("x-\($0)", "1") }) == nil)
        #expect(trailers([("x-a", String(repeating: "1", count: 100))]) == nil)
    }

    /// Random lists, and honest ones with a change, never become a head that reads differently from its list.
    @Test func randomLists() {
        var generator = SystemRandomNumberGenerator()
        let pieces = [
            "", ":", "a", "A", " ", "\r\n", "\0", "host", ":path", ":method", "content-length", "te", "cookie", "\u{7f}", "é", "/", "*", "?", "1",
        ]
        func text() -> String { (0..<Int.random(in: 0...3, using: &generator)).map { _ in pieces.randomElement() ?? "" }.joined() }
        for _ in 0..<20000 {
            var fields = self.get + [("x-a", "1"), ("cookie", "b=2")]
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let place = Int.random(in: 0..<fields.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: fields[place].0 = text()
                case 1: fields[place].1 = text()
                case 2: fields.insert((text(), text()), at: place)
                default: if fields.count > 1 { fields.remove(at: place) }
                }
            }
            guard case .request(let mapped) = self.mapper().request(HPACKHeaders(fields)) else { continue }
            let headers = HeaderFields(received: mapped.head)
            #expect(headers.allSatisfy { !$0.value.utf8.contains { $0 < 0x20 && $0 != 0x09 } }, "\(fields)")
            #expect(headers.filter { $0.name.canonicalName == "host" }.count == 1, "\(fields)")
            let target = mapped.head.bytes[mapped.head.target]
            #expect(target.elementsEqual((fields.first { $0.0 == ":path" }?.1 ?? "").utf8), "\(fields)")
        }
    }
}
