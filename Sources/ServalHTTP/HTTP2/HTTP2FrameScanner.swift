/// Reads along the frames that a client sends: what they weigh, where one begins, how large a header block becomes.
///
/// Free of I/O and incremental. It sees what swift-nio-http2 handles without telling: CONTINUATION frames, frames of unknown types, frames that are
/// still arriving. It judges nothing that swift-nio-http2 judges.
///
/// Source: RFC 9113 §4.1, §6.
struct HTTP2FrameScanner {
    enum FrameType {
        static let data: UInt8 = 0
        static let headers: UInt8 = 1
        static let rstStream: UInt8 = 3
        static let settings: UInt8 = 4
        static let goAway: UInt8 = 7
        static let windowUpdate: UInt8 = 8
        static let continuation: UInt8 = 9
    }

    /// What a client must not do.
    enum Violation: Equatable {
        case tooMuchOverhead
        case headerBlockTooLarge
    }

    private static let endStream: UInt8 = 0x1
    private static let acknowledgement: UInt8 = 0x1
    private static let endHeaders: UInt8 = 0x4
    private static let prefaceSize = 24

    private var prefaceRemaining = Self.prefaceSize
    private var header: (type: UInt8, flags: UInt8, length: Int, isOfConnection: Bool) = (0, 0, 0, true)
    private var headerBytes = 0
    private var payloadRemaining = 0
    private var windowIncrement = 0
    /// Of an entry of SETTINGS: its name, and whether its value is too large.
    private var setting: (name: Int, isTooLarge: Bool) = (0, false)
    private var headerBlockSize = 0
    /// The most bytes of a header block; before the client knows the server's settings, swift-nio-http2 goes by its own default.
    private var maxHeaderBlockSize: Int
    private let settledHeaderBlockSize: Int
    /// Whether a header block has begun and not ended.
    private(set) var isInHeaderBlock = false
    /// The frames that were complete up to their header.
    private(set) var frames = 0
    var overhead: HTTP2Overhead
    /// Bytes that are to be others: clients may offer as large a table for fields as they like, and swift-nio-http2 would fill it.
    private(set) var corrections: [(index: Int, byte: UInt8)] = []

    init(overhead: HTTP2Overhead, maxHeaderBlockSize: Int) {
        self.overhead = overhead
        self.settledHeaderBlockSize = maxHeaderBlockSize
        self.maxHeaderBlockSize = min(maxHeaderBlockSize, 16384)
    }

    /// Whether the client's preface has arrived.
    var isPrefaceComplete: Bool { self.prefaceRemaining == 0 }

    /// Whether a frame, or a header block, or the preface has begun and not ended.
    var isInFrame: Bool { self.headerBytes > 0 || self.payloadRemaining > 0 || self.isInHeaderBlock || self.prefaceRemaining > 0 }

    /// Reads on.
    ///
    /// Afterwards ``corrections`` tells what is to be changed in `bytes`.
    mutating func scan(_ bytes: UnsafeBufferPointer<UInt8>) -> Violation? {
        self.corrections = []
        var index = min(self.prefaceRemaining, bytes.count)
        self.prefaceRemaining -= index
        while index < bytes.count {
            if self.payloadRemaining > 0 {
                let count = min(self.payloadRemaining, bytes.count - index)
                if self.header.type == FrameType.windowUpdate {
                    for byte in bytes[index..<(index + count)] { self.windowIncrement = (self.windowIncrement << 8 | Int(byte)) & 0xFFFF_FFFF }
                } else if self.header.type == FrameType.settings {
                    let place = self.header.length - self.payloadRemaining
                    for offset in 0..<count { self.takeSettingByte(bytes[index + offset], place: (place + offset) % 6, index: index + offset) }
                }
                self.payloadRemaining -= count
                index += count
                if self.payloadRemaining == 0 { self.endFrame() }
            } else {
                self.takeHeaderByte(bytes[index])
                index += 1
                guard self.headerBytes == 9 else { continue }
                self.headerBytes = 0
                self.payloadRemaining = self.header.length
                self.frames += 1
                if let violation = self.beginFrame() { return violation }
                if self.payloadRemaining == 0 { self.endFrame() }
            }
            if self.overhead.isExcessive { return .tooMuchOverhead }
        }
        return nil
    }

    /// Keeps SETTINGS_HEADER_TABLE_SIZE below 4352 bytes, a little more than the default; every client can do with less than it offers (RFC 7541 §4.2).
    private mutating func takeSettingByte(_ byte: UInt8, place: Int, index: Int) {
        var corrected = byte
        switch place {
        case 0: self.setting = (Int(byte) << 8, false)
        case 1: self.setting.name |= Int(byte)
        case _ where self.setting.name != 1: return
        case 2, 3:
            if byte != 0 { self.setting.isTooLarge = true }
            corrected = 0
        case 4:
            if byte > 0x10 { self.setting.isTooLarge = true }
            if self.setting.isTooLarge { corrected = 0x10 }
        default:
            if self.setting.isTooLarge { corrected = 0 }
        }
        if corrected != byte { self.corrections.append((index, corrected)) }
    }

    private mutating func takeHeaderByte(_ byte: UInt8) {
        switch self.headerBytes {
        case 0: self.header = (0, 0, Int(byte) << 16, true)
        case 1: self.header.length |= Int(byte) << 8
        case 2: self.header.length |= Int(byte)
        case 3: self.header.type = byte
        case 4: self.header.flags = byte
        default: if byte & (self.headerBytes == 5 ? 0x7F : 0xFF) != 0 { self.header.isOfConnection = false }
        }
        self.headerBytes += 1
    }

    private mutating func beginFrame() -> Violation? {
        let (type, flags, length, _) = self.header
        switch type {
        case FrameType.data:
            self.overhead.noteData(size: length, isLast: flags & Self.endStream != 0)
        case FrameType.headers:
            self.overhead.noteWork()
            self.headerBlockSize = length
            self.isInHeaderBlock = flags & Self.endHeaders == 0
        case FrameType.continuation:
            self.overhead.noteContinuation(size: length, isLast: flags & Self.endHeaders != 0)
            self.headerBlockSize += length
            self.isInHeaderBlock = flags & Self.endHeaders == 0
        case FrameType.rstStream:
            self.overhead.noteReset()
        case FrameType.windowUpdate:
            self.windowIncrement = 0
        case FrameType.settings:
            self.overhead.noteSettings(size: length)
            if flags & Self.acknowledgement != 0 { self.maxHeaderBlockSize = self.settledHeaderBlockSize }
        default:
            self.overhead.noteControl()
        }
        return self.headerBlockSize > self.maxHeaderBlockSize ? .headerBlockTooLarge : nil
    }

    private mutating func endFrame() {
        if self.header.type == FrameType.windowUpdate {
            self.overhead.noteWindowUpdate(increment: self.windowIncrement, isOfConnection: self.header.isOfConnection)
        }
        if !self.isInHeaderBlock { self.headerBlockSize = 0 }
    }
}
