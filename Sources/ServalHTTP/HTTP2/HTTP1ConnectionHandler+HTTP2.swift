import Logging
import NIOCore
import NIOHTTP2
import ServalServlet

// The change from HTTP/1.1 to HTTP/2.
extension HTTP1ConnectionHandler {
    /// The first line of the preface of a client that knows that the server speaks HTTP/2 (RFC 9113 §3.3, §3.4).
    private static let prefaceLine: StaticString = "PRI * HTTP/2.0\r\n"

    /// Whether what has arrived begins as the preface of HTTP/2, on a connection where that is welcome.
    var hasHTTP2Preface: Bool {
        guard self.runtime.http2 != nil, !self.runtime.isTLS, self.state.requests == 0, let input = self.input else { return false }
        return input.withUnsafeReadableBytes { bytes in
            bytes.count >= Self.prefaceLine.utf8CodeUnitCount
                && bytes.prefix(Self.prefaceLine.utf8CodeUnitCount).elementsEqual(
                    UnsafeBufferPointer(start: Self.prefaceLine.utf8Start, count: Self.prefaceLine.utf8CodeUnitCount)
                )
        }
    }

    /// Changes to HTTP/2 if the request asks for it and may; false if it is to be answered in HTTP/1.1.
    func upgrade(_ parsed: ParsedHead) -> Bool {
        guard !self.loop.isDraining, let upgrade = HTTP2Upgrade(parsed) else { return false }
        self.loop.claimOutput(for: self)
        self.loop.output.writeStaticString(HTTP2Upgrade.response)
        self.flush()
        self.changeToHTTP2(by: upgrade)
        return true
    }

    /// Hands the connection, and what has arrived on it, over to HTTP/2.
    ///
    /// - Parameter isSecure: whether HTTP/2 may be spoken with this cipher; not every TLS implementation can know that before it agrees.
    func changeToHTTP2(by upgrade: HTTP2Upgrade? = nil, isSecure: Bool = true) {
        guard let context = self.context, let http2 = self.runtime.http2 else { return }
        let connection = HTTP2ConnectionHandler(runtime: self.runtime, http2: http2, loop: self.loop, info: self.info, hosts: self.hosts)
        let frameGuard = HTTP2FrameGuard(
            scanner: HTTP2FrameScanner(overhead: HTTP2Overhead(http2.configuration), maxHeaderBlockSize: http2.maxHeaderBlockSize),
            settingsFrame: http2.settingsFrame,
            connection: connection
        )
        connection.frameGuard = frameGuard
        let library = NIOHTTP2Handler(
            mode: .server,
            frameDelegate: connection,
            connectionConfiguration: http2.library.connection,
            streamConfiguration: http2.library.stream
        )
        let input = self.input
        self.input = nil
        do {
            // One by one: what the library writes when it is added has to pass the guard.
            let pipeline = context.pipeline.syncOperations
            try pipeline.addHandler(frameGuard, position: .after(self))
            try pipeline.addHandler(library, position: .after(frameGuard))
            try pipeline.addHandler(connection, position: .after(library))
        } catch {
            // The channel is closing.
            return context.close(promise: nil)
        }
        connection.begin()
        if let upgrade { frameGuard.begin(upgrade) }
        if !isSecure { connection.fail(.inadequateSecurity, "the cipher is not good enough for HTTP/2") }
        if let input, input.readableBytes > 0 { context.fireChannelRead(NIOAny(input)) }
        // The events of this turn still reach it; it has nothing left to do.
        self.state.discard()
        self.loop.remove(self)
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }
}
