import NIOCore
import NIOHPACK
import ServalServlet

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What is still to be sent of a response body.
struct HTTP2OutgoingBody {
    private enum Rest {
        case none
        case bytes([UInt8], offset: Int)
        case file(OpenFile, offset: Int, remaining: Int)
    }

    private var rest = Rest.none
    /// Pieces of a stream that wait for the client's window.
    private var pieces = ByteBuffer()
    /// Nothing will be added.
    private(set) var isComplete: Bool
    private(set) var trailers: HTTP2ResponseFields.Head?

    /// A body that is written piece by piece.
    init() { self.isComplete = false }

    init(bytes: [UInt8]) {
        self.rest = .bytes(bytes, offset: 0)
        self.isComplete = true
    }

    init(file: OpenFile, offset: Int, length: Int) {
        self.rest = .file(file, offset: offset, remaining: length)
        self.isComplete = true
    }

    /// The bytes that a writer has to wait for.
    var bufferedBytes: Int { self.pieces.readableBytes }

    /// Whether there are no bytes to send now.
    var isEmpty: Bool {
        if case .none = self.rest { return self.pieces.readableBytes == 0 }
        return false
    }

    mutating func add(_ piece: ArraySlice<UInt8>) {
        if self.pieces.readableBytes == 0 { self.pieces.clear(minimumCapacity: piece.count) }
        self.pieces.writeBytes(piece)
    }

    mutating func complete(trailers: HTTP2ResponseFields.Head?) {
        self.isComplete = true
        self.trailers = trailers
    }

    /// The next bytes, at most `limit`; `nil` if a file became too short.
    mutating func next(upTo limit: Int) -> ByteBuffer? {
        switch self.rest {
        case .none:
            guard self.pieces.readableBytes > limit else {
                defer { self.pieces = ByteBuffer() }
                return self.pieces
            }
            return self.pieces.readSlice(length: limit)
        case .bytes(let bytes, let offset):
            let count = min(limit, bytes.count - offset, 65536)
            self.rest = offset + count < bytes.count ? .bytes(bytes, offset: offset + count) : .none
            return ByteBuffer(bytes: bytes[offset..<(offset + count)])
        case .file(let file, let offset, let remaining):
            let count = min(limit, remaining, 65536)
            var buffer = ByteBuffer()
            let copied = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { space in
                max(0, pread(file.descriptor, space.baseAddress, count, off_t(offset)))
            }
            guard copied > 0 else { return nil }
            self.rest = copied < remaining ? .file(file, offset: offset + copied, remaining: remaining - copied) : .none
            return buffer
        }
    }
}
