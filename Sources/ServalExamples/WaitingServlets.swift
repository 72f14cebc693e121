public import ServalServlet

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Waits as many milliseconds as the parameter `ms` says, without holding a thread, and answers in pieces.
public struct SlowServlet: Servlet {
    private static let limit = 600_000

    /// A servlet without settings.
    public init() {}

    /// Waits, by default one second, then answers in three pieces.
    public func respond(to request: Request) async throws -> Response {
        let milliseconds = try request.number("ms", in: 0...Self.limit) ?? 1000
        try await Task.sleep(for: .milliseconds(milliseconds))
        let body = ResponseBody.stream { writer in
            for piece in ["waited ", String(milliseconds), " ms\n"] { try await writer.write(piece) }
            return nil
        }
        return Response(headers: [.contentType: "text/plain; charset=utf-8"], body: body)
    }
}

/// Holds its thread for as many milliseconds as the parameter `ms` says.
public struct BlockingExampleServlet: BlockingServlet {
    private static let limit = 60_000

    /// A servlet without settings.
    public init() {}

    /// Blocks, by default for 100 milliseconds.
    public func respond(to request: Request) async throws -> Response {
        let milliseconds = try request.number("ms", in: 0...Self.limit) ?? 100
        Self.block(milliseconds)
        return .text("blocked \(milliseconds) ms\n")
    }

    private static func block(_ milliseconds: Int) {
        var rest = timespec(tv_sec: milliseconds / 1000, tv_nsec: milliseconds % 1000 * 1_000_000)
        var remainder = timespec()
        while nanosleep(&rest, &remainder) != 0, errno == EINTR { rest = remainder }
    }
}
