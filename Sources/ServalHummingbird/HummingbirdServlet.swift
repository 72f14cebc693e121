#if Hummingbird
    import HTTPTypes
    public import Hummingbird
    import Logging
    import NIOCore
    import NIOEmbedded
    public import ServalServlet

    /// A Hummingbird application as a servlet, so that it can be mounted as a context beside others.
    ///
    /// ```swift
    /// let router = Router()
    /// router.get("/ping") { _, _ in "pong" }
    /// let application = WebApplication(path: "/api") { context in
    ///     context.addServlet("hummingbird", HummingbirdServlet(responder: router.buildResponder())).map("/*")
    /// }
    /// ```
    ///
    /// Bodies stream in both directions, at the pace of who reads them. Connections, TLS, HTTP/2, sessions' cookies and logs are Serval's; of the Hummingbird application its
    /// `Application`, `Server` and services are not used. The upgrade to WebSocket is answered with 501. Errors that the responder throws answer with their status
    /// if they are Hummingbird's `HTTPResponseError`; others are 500.
    public struct HummingbirdServlet<Responder: HTTPResponder>: Servlet
    where Responder.Context: RequestContext, Responder.Context.Source == ApplicationRequestContextSource {
        private let responder: Responder
        private let stripsContextPath: Bool

        /// A servlet.
        ///
        /// - Parameters:
        ///   - responder: the application's, from `router.buildResponder()`.
        ///   - stripsContextPath: whether routes are written without the context's path, as servlets' mappings are. Default `true`.
        public init(responder: Responder, stripsContextPath: Bool = true) {
            self.responder = responder
            self.stripsContextPath = stripsContextPath
        }

        /// Answers with the responder's response.
        public func respond(to request: ServalServlet.Request) async throws -> ServalServlet.Response {
            if let upgrade = request.headers[.upgrade], upgrade.lowercased().contains("websocket") {
                request.logger.warning("a Hummingbird application that is mounted as a context cannot upgrade to WebSocket; answering 501")
                return .error(.notImplemented)
            }
            // Only tests send requests without a connection; their channel leads nowhere.
            let channel = request.state.connection.transport as? any Channel ?? EmbeddedChannel()
            let context = Responder.Context(source: ApplicationRequestContextSource(channel: channel, logger: request.logger))
            let received = Hummingbird.Request(head: self.head(of: request), body: Self.body(of: request))
            let answer = try await ServalRequest.$current.withValue(request) {
                do {
                    return try await self.responder.respond(to: received, context: context)
                } catch let error as any HTTPResponseError {
                    return try error.response(from: received, context: context)
                }
            }
            return ServalServlet.Response(answer.status, headers: Self.fields(answer.headers), body: Self.body(answer.body))
        }

        // MARK: Request

        /// In swift-http-types it is the request's authority, not a field.
        private static var host: HTTPField.Name? { HTTPField.Name("Host") }

        private func head(of request: ServalServlet.Request) -> HTTPRequest {
            var path = request.path
            // By bytes: a combining mark behind a slash makes another character of it, but no other path.
            if self.stripsContextPath, path.utf8.starts(with: request.contextPath.utf8) {
                path = String(decoding: path.utf8.dropFirst(request.contextPath.utf8.count), as: UTF8.self)
                if path.utf8.first != UInt8(ascii: "/") { path = "/" + path }
            }
            if let query = request.query { path += "?\(query)" }
            var fields = HTTPFields()
            fields.reserveCapacity(request.headers.count)
            for field in request.headers where field.name != Self.host { fields.append(HTTPField(name: field.name, value: field.value)) }
            return HTTPRequest(
                method: request.method,
                scheme: request.scheme,
                authority: Self.host.flatMap { request.headers[$0] },
                path: path,
                headerFields: fields
            )
        }

        private static func body(of request: ServalServlet.Request) -> Hummingbird.RequestBody {
            request.body.isEmpty ? .init(buffer: ByteBuffer()) : .init(asyncSequence: request.body.map { ByteBuffer(bytes: $0) })
        }

        // MARK: Response

        /// Without those that are the connector's.
        private static func fields(_ fields: HTTPFields) -> HeaderFields {
            HeaderFields(
                fields.lazy.filter { $0.name != .contentLength && $0.name != .transferEncoding && $0.name != .connection }.map {
                    .init($0.name, $0.value)
                }
            )
        }

        private static func body(_ body: Hummingbird.ResponseBody) -> ServalServlet.ResponseBody {
            guard body.contentLength != 0 else { return .empty }
            return .stream(length: body.contentLength) { writer in
                let bridge = BodyBridge(writer)
                try await body.write(bridge)
                writer = bridge.writer.value
                return bridge.trailers.value
            }
        }
    }

    /// The request of Serval behind the one that a Hummingbird application handles.
    public enum ServalRequest {
        /// The request; `nil` outside of ``HummingbirdServlet``.
        @TaskLocal public static var current: ServalServlet.Request?
    }

    /// Passes what a Hummingbird body writes to the connection.
    private struct BodyBridge: Hummingbird.ResponseBodyWriter {
        final class Box<Value> {
            var value: Value
            init(_ value: Value) { self.value = value }
        }

        let writer: Box<any ServalServlet.ResponseBodyWriter>
        let trailers = Box<HeaderFields?>(nil)

        init(_ writer: any ServalServlet.ResponseBodyWriter) { self.writer = Box(writer) }

        mutating func write(_ buffer: ByteBuffer) async throws {
            guard buffer.readableBytes > 0 else { return }
            var writer = self.writer.value
            try await writer.write(ArraySlice(buffer.readableBytesView))
            self.writer.value = writer
        }

        consuming func finish(_ trailingHeaders: HTTPFields?) async throws { self.trailers.value = trailingHeaders.map { HeaderFields($0) } }
    }
#endif
