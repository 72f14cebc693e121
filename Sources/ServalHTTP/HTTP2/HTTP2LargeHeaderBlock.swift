import NIOCore
import NIOHPACK
import NIOHTTP2

/// A header list that does not fit into one frame, in frames of our own: HEADERS, and CONTINUATION for the rest (RFC 9113 §6.10).
///
/// swift-nio-http2 sends each list in one frame. It keeps the state of streams and of HPACK's tables, so it is given a list in place of the large one, which
/// changes no table; ``HTTP2FrameGuard`` puts the frames of the large one where that passes.
struct HTTP2LargeHeaderBlock {
    /// The largest frame that every client takes.
    static let frameSize = 16384

    /// What is sent instead of the list: all of it literal and without an index, so that no table changes.
    private let block: ByteBuffer
    private let isHead: Bool

    /// - Parameter isHead: whether the list begins a response, with `:status`; otherwise it ends one.
    init(_ fields: HPACKHeaders, isHead: Bool) {
        var block = ByteBuffer()
        for (name, value, indexing) in fields {
            block.writeInteger(indexing == .neverIndexed ? 0x10 : 0 as UInt8)
            Self.write(name, to: &block)
            Self.write(value, to: &block)
        }
        self.block = block
        self.isHead = isHead
    }

    /// A string literal (RFC 7541 §5.2), not compressed.
    private static func write(_ text: String, to block: inout ByteBuffer) {
        var count = text.utf8.count
        if count < 127 {
            block.writeInteger(UInt8(count))
        } else {
            block.writeInteger(127 as UInt8)
            count -= 127
            while count >= 128 {
                block.writeInteger(UInt8(count % 128 + 128))
                count /= 128
            }
            block.writeInteger(UInt8(count))
        }
        block.writeString(text)
    }

    // MARK: In place of the list

    /// What swift-nio-http2 is given.
    var substitute: HPACKHeaders {
        var fields = HPACKHeaders(self.isHead ? [(":status", "200")] : [])
        fields.add(contentsOf: Self.markField)
        return fields
    }

    private static let markField: HPACKHeaders = {
        var fields = HPACKHeaders()
        fields.add(name: "serval-large", value: "", indexing: .neverIndexed)
        return fields
    }()
    /// How the substitute's block ends.
    private static let mark: [UInt8] = {
        var block = ByteBuffer()
        var encoder = HPACKEncoder(allocator: ByteBufferAllocator())
        try? encoder.encode(headers: markField, to: &block)
        return Array(block.readableBytesView)
    }()
    /// `:status: 200`, of the static table.
    private static let status: UInt8 = 0x88

    /// The frames to send; `nil` if `frame` is not that of the substitute.
    func frames(inPlaceOf frame: ByteBuffer) -> ByteBuffer? {
        let bytes = frame.readableBytesView
        guard let end = bytes.index(bytes.startIndex, offsetBy: 9, limitedBy: bytes.endIndex) else { return nil }
        let header = Array(bytes[..<end])
        var sizeUpdates = bytes[end...]
        guard header[3] == HTTP2FrameScanner.FrameType.headers, sizeUpdates.count >= Self.mark.count,
            sizeUpdates.suffix(Self.mark.count).elementsEqual(Self.mark)
        else { return nil }
        sizeUpdates = sizeUpdates.dropLast(Self.mark.count)
        if self.isHead, sizeUpdates.popLast() != Self.status { return nil }
        var rest = ByteBuffer(bytes: sizeUpdates)
        rest.writeImmutableBuffer(self.block)
        var frames = ByteBuffer()
        frames.reserveCapacity(rest.readableBytes + 9 * (rest.readableBytes / Self.frameSize + 1))
        var isFirst = true
        while let piece = rest.readSlice(length: min(rest.readableBytes, Self.frameSize)), isFirst || piece.readableBytes > 0 {
            let size = piece.readableBytes
            let ends: UInt8 = rest.readableBytes == 0 ? Self.endHeaders : 0
            frames.writeBytes([UInt8(size >> 16), UInt8(size >> 8 & 255), UInt8(size & 255)])
            frames.writeBytes(
                isFirst
                    ? [HTTP2FrameScanner.FrameType.headers, header[4] & ~Self.endHeaders | ends] : [HTTP2FrameScanner.FrameType.continuation, ends]
            )
            frames.writeBytes(header[5...])
            frames.writeImmutableBuffer(piece)
            isFirst = false
        }
        return frames
    }

    private static let endHeaders: UInt8 = 4
}
