#if NIOSSL
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
    /// The session id of the ClientHello.
    private let clientSessionID: [UInt8]
    private var isTLS13 = false
    private var messages: [UInt8] = []

    private static let handshakeRecord: UInt8 = 22
    private static let limit = 1 << 18

    init(clientSessionID: [UInt8]) { self.clientSessionID = clientSessionID }

    /// Takes records as they are sent.
    mutating func inspect(_ records: UnsafeRawBufferPointer) {
        var rest = records[...]
        while !isDone, rest.count >= 5 {
            let length = Int(rest[rest.startIndex + 3]) << 8 | Int(rest[rest.startIndex + 4])
            guard rest.count >= 5 + length, messages.count <= Self.limit else { return finish() }
            if rest[rest.startIndex] == Self.handshakeRecord {
                messages += rest[(rest.startIndex + 5)..<(rest.startIndex + 5 + length)]
                readMessages()
            } else if cipherSuite != nil {
                // ChangeCipherSpec: from here on it is encrypted.
                finish()
            }
            rest = rest[(rest.startIndex + 5 + length)...]
        }
    }

    private mutating func finish() {
        isDone = true
        messages = []
    }

    private mutating func readMessages() {
        var position = 0
        while !isDone, messages.count >= position + 4 {
            let length = messages[(position + 1)..<(position + 4)].reduce(0) { $0 << 8 | Int($1) }
            guard messages.count >= position + 4 + length else { break }
            let body = messages[(position + 4)..<(position + 4 + length)]
            switch messages[position] {
            case 2: readServerHello(body)
            case 12: readKeyExchange(body)
            case 14: return finish()
            default: break
            }
            position += 4 + length
        }
        if !isDone { messages.removeFirst(position) }
    }

    private mutating func readServerHello(_ body: ArraySlice<UInt8>) {
        let bytes = Array(body)
        guard bytes.count >= 38 else { return }
        let isRetry = bytes[2..<34].elementsEqual(Self.helloRetryRequest)
        let sessionID = bytes.dropFirst(35).prefix(Int(bytes[34]))
        let rest = Array(bytes.dropFirst(35 + Int(bytes[34])))
        guard rest.count >= 3, !isRetry else { return }
        cipherSuite = UInt16(rest[0]) << 8 | UInt16(rest[1])
        readExtensions(rest.dropFirst(5))
        if isTLS13 { return finish() }
        isResumed = !sessionID.isEmpty && sessionID.elementsEqual(clientSessionID)
        if isResumed { finish() }
    }

    private mutating func readExtensions(_ list: ArraySlice<UInt8>) {
        var rest = list
        while rest.count >= 4 {
            let bytes = Array(rest.prefix(4))
            let content = Array(rest.dropFirst(4).prefix(Int(bytes[2]) << 8 | Int(bytes[3])))
            switch UInt16(bytes[0]) << 8 | UInt16(bytes[1]) {
            case 41: isResumed = true
            case 43: isTLS13 = content == [3, 4]
            case 51 where content.count >= 2: group = UInt16(content[0]) << 8 | UInt16(content[1])
            default: break
            }
            rest = rest.dropFirst(4 + content.count)
        }
    }

    private mutating func readKeyExchange(_ body: ArraySlice<UInt8>) {
        let bytes = Array(body.prefix(3))
        // named_curve; cipher suites without ECDHE send no such message here.
        if bytes.count == 3, bytes[0] == 3 { group = UInt16(bytes[1]) << 8 | UInt16(bytes[2]) }
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
