#if NIOSSL
import NIOCore
import ServalTLS

/// Reads what the server has chosen from its own first messages on their way out, because swift-nio-ssl does not tell it.
///
/// A value without I/O. These messages are made by BoringSSL and are not encrypted: ServerHello (RFC 8446 section 4.1.3), and in TLS 1.2 ServerKeyExchange
/// (RFC 8422 section 5.4).
struct ServerHelloReader {
    /// What was found so far.
    private(set) var cipherSuite: UInt16?
    private(set) var group: UInt16?
    private(set) var isResumed = false
    /// Whether there is nothing more to find.
    private(set) var isDone = false
    /// What the client sent first.
    private let clientHello: ByteBuffer
    private var isTLS13 = false
    /// The beginning of a message whose end has not been seen.
    private var rest: [UInt8] = []

    private static let handshakeRecord: UInt8 = 22
    private static let limit = 1 << 18

    init(clientHello: ByteBuffer) { self.clientHello = clientHello }

    /// Takes records as they are sent.
    mutating func inspect(_ records: UnsafeRawBufferPointer) {
        var position = 0
        while !isDone, records.count >= position + 5 {
            let end = position + 5 + (Int(records[position + 3]) << 8 | Int(records[position + 4]))
            guard records.count >= end, rest.count <= Self.limit else { return finish() }
            if records[position] == Self.handshakeRecord {
                readMessages(UnsafeRawBufferPointer(rebasing: records[(position + 5)..<end]))
            } else if cipherSuite != nil {
                // ChangeCipherSpec: from here on it is encrypted.
                finish()
            }
            position = end
        }
    }

    private mutating func finish() {
        isDone = true
        rest = []
    }

    private mutating func readMessages(_ record: UnsafeRawBufferPointer) {
        guard rest.isEmpty else {
            let joined = rest + Array(record)
            rest = []
            return joined.withUnsafeBytes { readMessages($0) }
        }
        var position = 0
        while !isDone, record.count >= position + 4 {
            let body = position + 4
            let end = body + (Int(record[position + 1]) << 16 | Int(record[position + 2]) << 8 | Int(record[position + 3]))
            guard record.count >= end else { break }
            let message = UnsafeRawBufferPointer(rebasing: record[body..<end])
            switch record[position] {
            case 2: readServerHello(message)
            case 12: readKeyExchange(message)
            case 14: return finish()
            default: break
            }
            position = end
        }
        if !isDone, position < record.count { rest = Array(UnsafeRawBufferPointer(rebasing: record[position...])) }
    }

    private mutating func readServerHello(_ message: UnsafeRawBufferPointer) {
        guard message.count >= 38 else { return }
        let sessionEnd = 35 + Int(message[34])
        guard message.count >= sessionEnd + 3, !message[2..<34].elementsEqual(Self.helloRetryRequest) else { return }
        cipherSuite = UInt16(message[sessionEnd]) << 8 | UInt16(message[sessionEnd + 1])
        // Behind the compression method and the length of all extensions.
        if message.count > sessionEnd + 5 { readExtensions(UnsafeRawBufferPointer(rebasing: message[(sessionEnd + 5)...])) }
        if isTLS13 { return finish() }
        let clientSessionID = clientHello.withUnsafeReadableBytes(ClientHelloReader.offer)?.sessionID ?? []
        isResumed = !clientSessionID.isEmpty && message[35..<sessionEnd].elementsEqual(clientSessionID)
        if isResumed { finish() }
    }

    private mutating func readExtensions(_ list: UnsafeRawBufferPointer) {
        func number(at index: Int) -> Int { Int(list[index]) << 8 | Int(list[index + 1]) }
        var position = 0
        while list.count >= position + 4 {
            let content = position + 4
            let length = min(number(at: position + 2), list.count - content)
            switch number(at: position) {
            case 41: isResumed = true
            case 43: isTLS13 = length == 2 && number(at: content) == 0x0304
            case 51 where length >= 2: group = UInt16(number(at: content))
            default: break
            }
            position = content + length
        }
    }

    private mutating func readKeyExchange(_ message: UnsafeRawBufferPointer) {
        // named_curve; cipher suites without ECDHE send no such message here.
        if message.count >= 3, message[0] == 3 { group = UInt16(message[1]) << 8 | UInt16(message[2]) }
        finish()
    }

    /// The "random" of a HelloRetryRequest.
    private static let helloRetryRequest: [UInt8] = [
        0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91, 0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C,
        0x5E,
        0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
    ]
}
#endif
