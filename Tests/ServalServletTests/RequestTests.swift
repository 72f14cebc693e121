import Logging
import ServalServlet
import Synchronization
import Testing

@Suite struct RequestTests {
    private static func request(
        _ target: String,
        headers: HeaderFields = [:],
        connection: ConnectionInfo = ConnectionInfo(),
        body: RequestBody = .empty
    ) -> Request {
        Request(method: .post, target: target, headers: headers, body: body, connection: connection)
    }

    @Test(
        arguments: [
            ("/a/b?c=d", "/a/b", "c=d"),
            ("/", "/", nil),
            ("/?", "/", ""),
            ("http://host:80/x?y", "/x", "y"),
            ("http://host?y", "", "y"),
        ] as [(String, String, String?)]
    )
    func targetsAreTakenApart(target: String, path: String, query: String?) {
        let request = Self.request(target)
        #expect(request.path == path)
        #expect(request.query == query)
    }

    @Test(
        arguments: [
            ("example.com", "example.com", 80), ("example.com:8080", "example.com", 8080), ("[::1]:81", "[::1]", 81), ("[::1]", "[::1]", 80),
        ]
    )
    func theHostFieldNamesTheServer(field: String, name: String, port: Int) throws {
        let request = Self.request("/", headers: [try #require(HTTPField.Name("Host")): field])
        #expect(request.serverName == name)
        #expect(request.serverPort == port)
    }

    @Test func anAbsoluteTargetAndAProxyNameWin() throws {
        let host = try #require(HTTPField.Name("Host"))
        #expect(Self.request("http://other:81/", headers: [host: "example.com"]).serverName == "other")
        let proxied = Self.request("/", headers: [host: "example.com"], connection: ConnectionInfo(proxyName: "front", proxyPort: 443))
        #expect(proxied.serverName == "front")
        #expect(proxied.serverPort == 443)
    }

    @Test func parametersOfQueryAndForm() async throws {
        let request = Self.request(
            "/?a=1&b=x+y&b=%C3%A4&c&d=%zz&%20=",
            headers: [.contentType: "application/x-www-form-urlencoded; charset=utf-8"],
            body: .bytes(Array("a=2&e=f".utf8))
        )
        #expect(request.parameter("a") == "1")
        #expect(request.parameters(named: "b") == ["x y", "ä"])
        #expect(request.parameter("c") == "")
        #expect(request.parameter("d") == "%zz")
        #expect(request.parameter(" ") == "")
        #expect(request.parameter("e") == nil)
        try await request.form()
        #expect(request.parameters(named: "a") == ["1", "2"])
        #expect(request.parameter("e") == "f")
    }

    @Test func tooMuchOfAFormIsRefused() async throws {
        let type: HeaderFields = [.contentType: "application/x-www-form-urlencoded"]
        let long = Self.request("/", headers: type, body: .bytes(Array("a=\(String(repeating: "x", count: 100))".utf8)))
        await #expect(throws: HTTPError(.contentTooLarge)) { try await long.form(upTo: 50) }
        let many = Self.request("/", headers: type, connection: ConnectionInfo(maxParameterCount: 2), body: .bytes(Array("a&b&c".utf8)))
        let error = await #expect(throws: HTTPError.self) { try await many.form() }
        #expect(error?.status == .badRequest)
        #expect(Self.request("/?a&b&c", connection: ConnectionInfo(maxParameterCount: 2)).parameters.isEmpty)
    }

    @Test func aBodyMayBeReadInPieces() async throws {
        let (stream, continuation) = AsyncThrowingStream<ArraySlice<UInt8>, any Error>.makeStream()
        for piece in ["one ", "two"] { continuation.yield(Array(piece.utf8)[...]) }
        continuation.finish()
        let bytes = try await RequestBody.stream(stream).collect(upTo: 7)
        #expect(String(decoding: bytes, as: UTF8.self) == "one two")
    }

    @Test func attributesAreSharedByCopiesAndTLSFactsHaveBothNames() {
        let tls = TLSConnectionInfo(
            protocolVersion: "TLSv1.3",
            cipherSuite: "TLS_AES_128_GCM_SHA256",
            keySize: 128,
            sessionID: .init(hexString: "ab")
        )
        let request = Self.request("/", connection: ConnectionInfo(scheme: "https", isSecure: true, tls: tls))
        let key = RequestAttributeKey<Int>("mine")
        let copy = request.with(sessionPolicy: .forbidden)
        copy[key] = 5
        #expect(request[key] == 5)
        #expect(request[RequestAttributeKey<String>("mine")] == nil)
        #expect(request[.sslSessionID] == "ab")
        #expect(request[.keySize] == 128)
        for prefix in ["javax", "jakarta"] {
            #expect(request.attribute(named: "\(prefix).servlet.request.cipher_suite") as? String == "TLS_AES_128_GCM_SHA256")
        }
        #expect(request[.x509Certificate] == nil)
        #expect(request.isSecure)
    }

    @Test func withoutAContextThereAreNoSessions() async {
        let request = Self.request("/")
        await #expect(throws: SessionError.self) { try await request.session() }
        #expect(request.encodedURL("/x") == "/x")
        #expect(await request.isRequestedSessionIDValid() == false)
    }

    @Test func completionIsToldOnce() {
        let request = Self.request("/")
        let counter = Counter()
        for _ in 0..<3 { request.state.onCompletion { completion in counter.add(completion.status) } }
        let completion = RequestCompletion(status: 200, bodyBytes: 1, nanoseconds: 1, isComplete: true)
        request.state.complete(completion)
        request.state.complete(completion)
        #expect(counter.total == 600)
    }

    /// The client may go away while somebody looks for its session.
    @Test func whoAsksAfterTheEndIsToldAtOnce() {
        let request = Self.request("/")
        let counter = Counter()
        let observer = Observer(counter: counter)
        request.state.complete(RequestCompletion(status: 1, bodyBytes: 0, nanoseconds: 1, isComplete: false))
        request.state.onCompletion { completion in counter.add(completion.status) }
        #expect(counter.total == 1)
        request.state.onCompletion(observer)
        #expect(counter.total == 11)
        request.state.onCompletion(observer)
        #expect(counter.total == 21)
        request.state.complete(RequestCompletion(status: 5, bodyBytes: 0, nanoseconds: 1, isComplete: false))
        #expect(counter.total == 21)
    }
}

private final class Counter: Sendable {
    private let sum = Mutex(0)
    var total: Int { self.sum.withLock { $0 } }
    func add(_ value: Int) { self.sum.withLock { $0 += value } }
}

private final class Observer: RequestObserver {
    let counter: Counter
    init(counter: Counter) { self.counter = counter }
    func requestEnded(_ completion: RequestCompletion) { self.counter.add(10 * completion.status) }
}
