import NIOCore
import NIOHPACK
import ServalServlet

@testable import ServalHTTP

/// What clients of HTTP/2 send: header lists, and the bytes of frames.
enum HTTP2Fuzzing {
    private static let maxHeadSize = 2048
    private static let maxHeaderCount = 20
    private static let mapper = HTTP2RequestMapper(
        syntax: HTTP1Syntax(maxHeadSize: maxHeadSize),
        maxHeaderCount: maxHeaderCount,
        maxTrailerCount: 10,
        maxTrailerSize: 512,
        requiredScheme: nil
    )

    /// A header list: what becomes of it as the beginning of a request, as the end of one, and when it is sent.
    static func list(_ bytes: [UInt8]) {
        var decoder = HPACKDecoder(allocator: ByteBufferAllocator())
        decoder.maxHeaderListSize = 1 << 24
        guard let fields = fields(bytes, &decoder) else { return }
        if case .request(let mapped) = mapper.request(fields) { check(mapped) }
        if let trailers = mapper.trailers(fields) {
            for field in trailers { checkText(field.name.canonicalName + field.value, "trailer fields") }
        }
        let large = HTTP2LargeHeaderBlock(fields, isHead: false)
        guard let substitute = frame(large.substitute) else { return }
        guard var frames = large.frames(inPlaceOf: substitute) else { return expect(false, "the substitute is known again") }
        var block = ByteBuffer()
        var types: [UInt8] = []
        while let length = frames.readInteger(as: UInt32.self).map({ Int($0 >> 8) }) {
            // The length has three bytes, so the type has been read already.
            frames.moveReaderIndex(to: frames.readerIndex - 1)
            guard let head = frames.readBytes(length: 6), var payload = frames.readSlice(length: length) else {
                return expect(false, "frames are as long as they say")
            }
            expect(length <= HTTP2LargeHeaderBlock.frameSize, "no frame is too large")
            types.append(head[0])
            expect((head[1] & 4 != 0) == (frames.readableBytes == 0), "the last frame says that it is the last")
            block.writeBuffer(&payload)
        }
        expect(types.first == 1 && types.dropFirst().allSatisfy { $0 == 9 }, "HEADERS, then CONTINUATION")
        guard let decoded = try? decoder.decodeHeaders(from: &block) else { return expect(false, "a large list can be read") }
        expect(decoded.map { [$0.name, $0.value] } == fields.map { [$0.name, $0.value] }, "a large list says the same")
    }

    private static func check(_ mapped: HTTP2RequestMapper.MappedHead) {
        let state = RequestState(
            head: mapped.head,
            method: mapped.method,
            body: .empty,
            connection: ConnectionInfo(scheme: "https"),
            startNanoseconds: 0
        )
        let request = Request(state: state)
        expect(request.target.utf8.first == UInt8(ascii: "/") || request.target == "*", "a target begins with a slash")
        checkText(request.target + request.method.rawValue, "a request line")
        expect(Array(request.headers).first?.name.canonicalName == "host", "the host comes first")
        expect(Array(request.headers).count <= maxHeaderCount, "no more fields than the limit")
        for field in request.headers { checkText(field.name.canonicalName + field.value, "header fields") }
        expect(mapped.contentLength ?? 0 >= 0, "lengths are not negative")
        _ = (request.path, request.query, request.serverName, request.serverPort, request.cookies)
    }

    /// Nothing that ends a line or a text in HTTP/1.1.
    private static func checkText(_ text: String, _ what: String) {
        expect(!text.utf8.contains { $0 == 0 || $0 == 0x0A || $0 == 0x0D }, "\(what) have no control bytes")
    }

    /// The bytes as a list: each field has a byte that names it or tells how long its name is, and one for the length of its value.
    ///
    /// Made by the decoder, as the lists of clients are: `HPACKHeaders.add` would not take every name that it takes.
    private static func fields(_ bytes: [UInt8], _ decoder: inout HPACKDecoder) -> HPACKHeaders? {
        var rest = bytes[...]
        var block = ByteBuffer()
        func write(_ text: some Collection<UInt8>) {
            block.writeBytes(text.count < 127 ? [UInt8(text.count)] : [127, UInt8(text.count - 127)])
            block.writeBytes(text)
        }
        func take(_ length: UInt8) -> ArraySlice<UInt8> {
            defer { rest = rest.dropFirst(min(Int(length), 254)) }
            return rest.prefix(min(Int(length), 254))
        }
        while let first = rest.popFirst() {
            block.writeInteger(0 as UInt8)
            if Int(first) >= 256 - names.count { write(Array(names[255 - Int(first)].utf8)) } else { write(take(first)) }
            write(take(rest.popFirst() ?? 0))
        }
        return try? decoder.decodeHeaders(from: &block)
    }

    private static let names = [
        ":method", ":scheme", ":authority", ":path", "host", "cookie", "content-length", "expect", "te", "connection", "transfer-encoding",
    ]

    private static func frame(_ fields: HPACKHeaders) -> ByteBuffer? {
        var block = ByteBuffer()
        var encoder = HPACKEncoder(allocator: ByteBufferAllocator())
        guard (try? encoder.encode(headers: fields, to: &block)) != nil else { return nil }
        var frame = ByteBuffer(bytes: [0, UInt8(block.readableBytes >> 8), UInt8(block.readableBytes & 255), 1, 5, 0, 0, 0, 1])
        frame.writeBuffer(&block)
        return frame
    }

    // MARK: Frames

    /// Bytes as they come, whole and in two pieces: what is found in them does not depend on where they are cut.
    static func frames(_ bytes: [UInt8]) {
        guard let cut = bytes.first.map({ Int($0) }) else { return }
        let bytes = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + bytes.dropFirst()
        func scanner() -> HTTP2FrameScanner { HTTP2FrameScanner(overhead: HTTP2Overhead(HTTP2Configuration()), maxHeaderBlockSize: 20000) }
        var (whole, pieces) = (scanner(), scanner())
        let violation = bytes.withUnsafeBufferPointer { whole.scan($0) }
        let corrections = whole.corrections.map { [$0.index, Int($0.byte)] }
        for correction in corrections { expect(bytes.indices.contains(correction[0]), "corrections are of what was scanned") }
        var found: [[Int]] = []
        var second: HTTP2FrameScanner.Violation?
        let place = min(cut, bytes.count)
        for range in [0..<place, place..<bytes.count] where second == nil {
            second = bytes[range].withUnsafeBufferPointer { pieces.scan($0) }
            found += pieces.corrections.map { [$0.index + range.lowerBound, Int($0.byte)] }
        }
        expect(violation == second, "pieces lead to the same verdict")
        if violation == nil {
            expect(found == corrections && whole.frames == pieces.frames && whole.isInFrame == pieces.isInFrame, "pieces say the same")
        }
    }
}
