import NIOCore
import NIOHTTP2
import ServalServlet

/// What all HTTP/2 connections of a connector share.
final class HTTP2Runtime: Sendable {
    let configuration: HTTP2Configuration
    let mapper: HTTP2RequestMapper
    let responses: HTTP2ResponseFields
    /// The SETTINGS frame that clients are sent.
    let settingsFrame: ByteBuffer
    /// What swift-nio-http2 works with.
    let library: (connection: NIOHTTP2Handler.ConnectionConfiguration, stream: NIOHTTP2Handler.StreamConfiguration)
    /// The most bytes of a header block, compressed; beyond it, the connection ends.
    let maxHeaderBlockSize: Int
    /// The bytes that clients may send on all streams together before they are taken.
    let connectionWindow: Int
    /// Time-outs in nanoseconds; `UInt64.max` for none.
    let readTimeout: UInt64
    let writeTimeout: UInt64
    let keepAliveTimeout: UInt64
    let streamReadTimeout: UInt64
    let streamWriteTimeout: UInt64

    init(_ configuration: HTTP2Configuration, connector: ConnectorConfiguration, syntax: HTTP1Syntax, isTLS: Bool) {
        func nanoseconds(_ duration: Duration) -> UInt64 { duration < .zero ? .max : UInt64(duration.nanoseconds) }
        func unlimited(_ count: Int) -> Int { count < 0 ? .max : count }
        self.configuration = configuration
        let maxHeaderCount = unlimited(configuration.maxHeaderCount ?? connector.maxHeaderCount)
        self.mapper = HTTP2RequestMapper(
            syntax: syntax,
            maxHeaderCount: maxHeaderCount,
            maxTrailerCount: unlimited(configuration.maxTrailerCount),
            maxTrailerSize: connector.maxTrailerSize,
            requiredScheme: configuration.allowSchemeMismatch ? nil : isTLS ? "https" : "http"
        )
        self.responses = HTTP2ResponseFields(
            limit: connector.maxHttpResponseHeaderSize,
            server: connector.server,
            removesServer: connector.serverRemoveAppProvidedValues
        )
        // A head that HTTP/1.1 takes is taken here: HTTP/2 counts 32 bytes more for each field (RFC 9113 §6.5.2).
        let headerListSize = connector.maxHttpRequestHeaderSize + 32 * min(maxHeaderCount, 1024)
        self.settingsFrame = Self.settings([
            (3, configuration.maxConcurrentStreams), (4, configuration.initialWindowSize), (6, headerListSize),
        ])
        self.maxHeaderBlockSize = 2 * headerListSize + 16384
        self.library = Self.library(configuration, maxHeaderListSize: self.maxHeaderBlockSize)
        self.connectionWindow = min(max(65535, 16 * configuration.initialWindowSize), 1_048_576)
        self.readTimeout = nanoseconds(configuration.readTimeout)
        self.writeTimeout = nanoseconds(configuration.writeTimeout)
        self.keepAliveTimeout = nanoseconds(configuration.keepAliveTimeout)
        self.streamReadTimeout = nanoseconds(configuration.streamReadTimeout)
        self.streamWriteTimeout = nanoseconds(configuration.streamWriteTimeout)
    }

    private static func settings(_ values: [(UInt16, Int)]) -> ByteBuffer {
        var frame = ByteBuffer()
        frame.writeBytes([0, 0, UInt8(values.count * 6), HTTP2FrameScanner.FrameType.settings, 0, 0, 0, 0, 0])
        for (identifier, value) in values {
            frame.writeInteger(identifier)
            frame.writeInteger(UInt32(clamping: value))
        }
        return frame
    }

    /// Header lists are checked by ``HTTP2RequestMapper``, floods counted by ``HTTP2Overhead``; the library's own limits of rates are a second line.
    private static func library(
        _ configuration: HTTP2Configuration,
        maxHeaderListSize: Int
    ) -> (NIOHTTP2Handler.ConnectionConfiguration, NIOHTTP2Handler.StreamConfiguration) {
        var connection = NIOHTTP2Handler.ConnectionConfiguration()
        connection.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: min(configuration.maxConcurrentStreams, Int(Int32.max) - 256) + 256),
            HTTP2Setting(parameter: .initialWindowSize, value: configuration.initialWindowSize),
            HTTP2Setting(parameter: .maxHeaderListSize, value: maxHeaderListSize),
        ]
        connection.headerBlockValidation = .disabled
        connection.contentLengthValidation = .enabled
        connection.maximumSequentialEmptyDataFrames = 64
        connection.maximumBufferedControlFrames = 1000
        connection.maximumSequentialContinuationFrames = 64
        connection.maximumRecentlyResetStreams = min(max(128, 2 * min(configuration.maxConcurrentStreams, 512)), 1024)
        connection.maximumConnectionGlitches = .max
        connection.controlFrameRateLimit.maximumCount = 256
        connection.controlFrameRateLimit.windowLength = .seconds(1)
        var stream = NIOHTTP2Handler.StreamConfiguration()
        stream.streamResetFrameRateLimit.maximumCount = 256
        stream.streamResetFrameRateLimit.windowLength = .seconds(1)
        stream.streamErrorRateLimit.maximumCount = 256
        stream.streamErrorRateLimit.windowLength = .seconds(1)
        return (connection, stream)
    }

    /// The shortest of the time-outs.
    var shortestTimeout: UInt64 {
        min(self.readTimeout, self.writeTimeout, self.keepAliveTimeout, self.streamReadTimeout, self.streamWriteTimeout)
    }
}
