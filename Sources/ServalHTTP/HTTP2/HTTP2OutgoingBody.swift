import NIOCore
import NIOHPACK
import ServalServlet

/// What is still to be sent of a response body.
struct HTTP2OutgoingBody {
    private enum Rest {
        case none
        case bytes([UInt8], offset: Int)
        case file(OpenFile, offset: Int, remaining: Int)
    }

    /// What there is to send next.
    enum Next {
        case bytes(ByteBuffer)
        /// Has to be read first; ``arrived(_:)`` is to follow.
        case onDisk(FilePiece)
        /// A file became too short.
        case missing
    }

    private var rest = Rest.none
    /// Pieces of a stream that wait for the client's window.
    private var pieces = ByteBuffer()
    /// Bytes of the file that were read from the disk.
    private var read = ByteBuffer()
    /// Whether the disk has been asked and has not answered.
    private(set) var isAwaitingDisk = false
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

    /// The next bytes, at most `limit`.
    mutating func next(upTo limit: Int) -> Next {
        switch self.rest {
        case .none:
            if self.pieces.readableBytes > limit, let piece = self.pieces.readSlice(length: limit) { return .bytes(piece) }
            defer { self.pieces = ByteBuffer() }
            return .bytes(self.pieces)
        case .bytes(let bytes, let offset):
            let count = min(limit, bytes.count - offset, 65536)
            self.rest = offset + count < bytes.count ? .bytes(bytes, offset: offset + count) : .none
            return .bytes(ByteBuffer(bytes: bytes[offset..<(offset + count)]))
        case .file(let file, let offset, let remaining):
            let count = min(limit, remaining, 65536)
            let bytes: ByteBuffer
            if let waiting = self.read.readSlice(length: min(count, self.read.readableBytes)), waiting.readableBytes > 0 {
                bytes = waiting
            } else if let found = FilePiece(file: file, offset: offset, count: count).readFromMemory(ByteBufferAllocator()) {
                bytes = found
            } else {
                self.isAwaitingDisk = true
                return .onDisk(FilePiece(file: file, offset: offset, count: min(remaining, 65536)))
            }
            guard bytes.readableBytes > 0 else { return .missing }
            let left = remaining - bytes.readableBytes
            self.rest = left > 0 ? .file(file, offset: offset + bytes.readableBytes, remaining: left) : .none
            return .bytes(bytes)
        }
    }

    /// What the disk had to say; nothing, if the file became too short.
    mutating func arrived(_ bytes: ByteBuffer) {
        self.isAwaitingDisk = false
        self.read = bytes
    }
}
