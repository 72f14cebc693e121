import NIOCore
import NIOHTTP2

// Streams that the server gives up.
extension HTTP2ConnectionHandler {
    /// How many streams swift-nio-http2 keeps for clients that may not have heard yet that they were reset; less than the streams that it takes beyond
    /// `maxConcurrentStreams`.
    static let mostAbandoned = 100

    /// Resets a stream.
    func reset(_ stream: HTTP2Stream, _ code: NIOHTTP2.HTTP2ErrorCode) {
        guard self.streams[stream.id] === stream else { return }
        self.reset(stream.id, code, isInputEnded: stream.isInputEnded)
    }

    /// - Parameter isInputEnded: Whether the client has sent all that it may send on the stream.
    func reset(_ id: HTTP2StreamID, _ code: NIOHTTP2.HTTP2ErrorCode, isInputEnded: Bool) {
        if !isInputEnded {
            // What was handed over for the stream goes first.
            self.flush()
            if self.abandon(id, code) { return }
        }
        self.write(id, .rstStream(code))
        self.hasLibraryReset = false
        self.scheduleFlush()
    }

    /// Tells the client that a stream is reset, and swift-nio-http2 only when the client has ended it, too.
    ///
    /// What a client sends before it learns of a reset is to be ignored (RFC 9113 §5.1), and so it is with DATA. A second list of fields, the trailer fields,
    /// would be a stream with an old number to swift-nio-http2, for which it ends the connection.
    /// - Returns: False if that is not possible, because frames wait for the socket, and those of this stream would come after its end.
    private func abandon(_ id: HTTP2StreamID, _ code: NIOHTTP2.HTTP2ErrorCode) -> Bool {
        guard !self.isClosing, !self.isLost, let frameGuard, self.context?.channel.isWritable ?? false else { return false }
        self.abandoned.append(id)
        frameGuard.sendReset(of: id, code)
        self.noteReset(code)
        self.streamClosed(id)
        if self.abandoned.count > Self.mostAbandoned, let oldest = self.abandoned.first { self.forget(oldest) }
        return true
    }

    /// A frame on a stream that is none of this connection's any more.
    ///
    /// - Returns: Whether it was abandoned.
    func ignoreFrame(on id: HTTP2StreamID, endsStream: Bool) -> Bool {
        guard self.abandoned.contains(id) else { return false }
        if endsStream { self.forget(id) }
        return true
    }

    /// Has swift-nio-http2 close an abandoned stream; what it writes then goes nowhere.
    private func forget(_ id: HTTP2StreamID) {
        self.write(id, .rstStream(.cancel))
        self.hasLibraryReset = false
    }

    /// Against clients that have the server do the resetting (CVE-2025-8671).
    ///
    /// That an application fails is no fault of the client.
    func noteReset(_ code: NIOHTTP2.HTTP2ErrorCode) {
        guard code != .noError, code != .internalError else { return }
        self.frameGuard?.scanner.overhead.noteReset()
        if self.frameGuard?.scanner.overhead.isExcessive ?? false, !self.isFailureScheduled {
            self.isFailureScheduled = true
            self.loop.loop.execute { self.fail(.enhanceYourCalm, "too many streams were reset") }
        }
    }
}
