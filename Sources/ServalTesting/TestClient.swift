import HTTPTypes
import ServalContainer
public import ServalServlet
import Synchronization

/// Sends requests to applications in the same process and keeps their cookies, as a browser does.
public final class TestClient: Sendable {
    private let engine: Engine
    private let jar = Mutex<[String: String]>([:])

    init(engine: Engine) { self.engine = engine }

    /// Sends a request.
    ///
    /// - Parameters:
    ///   - path: path and query, percent-encoded.
    ///   - headers: further fields; `Host: localhost` is added when missing, and `Cookie` from what responses have set.
    ///   - body: the whole body.
    ///   - isSecure: whether the request looks as if it came over TLS.
    public func send(
        _ method: HTTPRequest.Method,
        _ path: String,
        headers: HeaderFields = [:],
        body: [UInt8] = [],
        isSecure: Bool = false
    ) async throws -> TestResponse {
        var headers = headers
        if !headers.contains(Self.host) { headers.append(Self.host, "localhost") }
        let cookies = self.jar.withLock { $0 }.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        if !cookies.isEmpty, !headers.contains(.cookie) { headers.append(.cookie, cookies.joined(separator: "; ")) }
        let request = Request(
            method: method,
            target: path,
            headers: headers,
            body: .bytes(body),
            connection: ConnectionInfo(scheme: isSecure ? "https" : "http", isSecure: isSecure)
        )
        let response = await self.engine.respond(to: request)
        self.keepCookies(of: response)
        return try await TestResponse(response, method: method) { completion in request.state.complete(completion) }
    }

    /// Sends GET.
    public func get(_ path: String, headers: HeaderFields = [:]) async throws -> TestResponse { try await self.send(.get, path, headers: headers) }

    /// Sends POST with a form.
    public func post(_ path: String, form: String) async throws -> TestResponse {
        try await self.send(.post, path, headers: [.contentType: "application/x-www-form-urlencoded"], body: Array(form.utf8))
    }

    /// The cookies that are kept.
    public var cookies: [String: String] {
        get { self.jar.withLock { $0 } }
        set { self.jar.withLock { $0 = newValue } }
    }

    private static let host = HTTPField.Name("Host") ?? .origin

    private func keepCookies(of response: Response) {
        for field in response.headers[values: .setCookie] {
            let parts = field.split(separator: ";", omittingEmptySubsequences: false)
            guard let pair = parts.first, let equals = pair.firstIndex(of: "=") else { continue }
            let name = String(pair[..<equals])
            let value = String(pair[pair.index(after: equals)...])
            let isDeletion = parts.dropFirst().contains { part in
                let attribute = part.lowercased().filter { $0 != " " }
                return attribute == "max-age=0" || attribute.hasPrefix("expires=thu,01jan1970")
            }
            self.jar.withLock { $0[name] = isDeletion ? nil : value }
        }
    }
}

/// A response with its whole body.
public struct TestResponse: Sendable {
    /// The status.
    public let status: HTTPResponse.Status
    /// The header fields that the application and the container set; those of a connector are missing.
    public let headers: HeaderFields
    /// The body; empty for HEAD.
    public let body: [UInt8]
    /// The trailer fields of a streamed body.
    public let trailers: HeaderFields

    /// The body as UTF-8 text.
    public var text: String { String(decoding: self.body, as: UTF8.self) }

    init(_ response: Response, method: HTTPRequest.Method, onCompletion: (RequestCompletion) -> Void) async throws {
        let collector = BodyCollector()
        var trailers: HeaderFields?
        if method != .head {
            switch response.body.storage {
            case .bytes(let bytes): collector.append(bytes[...])
            case .file(let file, let offset, let length): collector.append(try file.read(from: offset, count: length)[...])
            case .stream(_, let write):
                var writer: any ResponseBodyWriter = CollectingWriter(collector: collector)
                trailers = try await write(&writer)
            }
        }
        self.status = response.status
        self.headers = response.headers
        self.body = collector.bytes
        self.trailers = trailers ?? [:]
        onCompletion(RequestCompletion(status: response.status.code, bodyBytes: self.body.count, nanoseconds: 0, isComplete: true))
    }
}

private final class BodyCollector: Sendable {
    private let collected = Mutex<[UInt8]>([])
    var bytes: [UInt8] { self.collected.withLock { $0 } }
    func append(_ piece: ArraySlice<UInt8>) { self.collected.withLock { $0 += piece } }
}

private struct CollectingWriter: ResponseBodyWriter {
    let collector: BodyCollector
    func write(_ piece: ArraySlice<UInt8>) async throws { self.collector.append(piece) }
}
