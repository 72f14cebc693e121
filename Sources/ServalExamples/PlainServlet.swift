public import ServalServlet

/// Answers `Hello, world!`, without a session.
public struct PlainServlet: Servlet {
    private let response = Response.text("Hello, world!")

    /// A servlet without settings.
    public init() {}

    /// Answers 13 bytes of text.
    public func respond(to request: Request) async throws -> Response { self.response }
}

/// Answers as many bytes as the parameter `n` asks for; small answers at once, large ones piece by piece.
public struct BytesServlet: Servlet {
    private static let limit = 1 << 30
    private static let pieceSize = 65_536
    private static let piece = [UInt8](repeating: UInt8(ascii: "x"), count: pieceSize)

    /// A servlet without settings.
    public init() {}

    /// Answers `n` bytes, by default none and at most 1 GiB.
    public func respond(to request: Request) async throws -> Response {
        let count = try request.number("n", in: 0...Self.limit) ?? 0
        let fields: HeaderFields = [.contentType: "application/octet-stream"]
        if count <= Self.pieceSize { return Response(headers: fields, body: .bytes(Array(Self.piece.prefix(count)))) }
        let body = ResponseBody.stream(length: count) { writer in
            var rest = count
            while rest > 0 {
                try await writer.write(Self.piece.prefix(rest))
                rest -= min(rest, Self.pieceSize)
            }
            return nil
        }
        return Response(headers: fields, body: body)
    }
}

/// Answers POST with the body it gets, piece by piece as it comes in.
public struct EchoServlet: HTTPServlet {
    /// A servlet without settings.
    public init() {}

    /// POST.
    public var allowedMethods: [HTTPRequest.Method] { [.post, .options] }

    /// Sends each piece back before it reads the next one.
    public func post(_ request: Request) async throws -> Response {
        var fields: HeaderFields = [:]
        fields[.contentType] = request.headers[.contentType] ?? "application/octet-stream"
        let body = request.body
        let length = request.headers[.contentLength].flatMap { Int($0) }
        return Response(
            headers: fields,
            body: .stream(length: length) { writer in
                for try await piece in body { try await writer.write(piece) }
                return nil
            }
        )
    }
}
