/// Finds out from a connection's first bytes what the client speaks, and which server it wants, before any TLS state exists.
///
/// A value without I/O. Feed it all bytes so far, again and again, while it says `.needsMore`; it remembers how many it needs, so that a client that sends
/// single bytes costs no more than one that does not.
package struct ClientHelloReader: Sendable {
    /// What the first bytes are.
    package enum Finding: Sendable, Equatable {
        /// Nothing can be said yet.
        case needsMore
        /// A complete ClientHello; `serverName` in lower case if it has a valid one.
        case clientHello(serverName: String?)
        /// Text, so most likely plain HTTP.
        case plaintext
        /// Neither, or a broken ClientHello. The TLS implementation will find the right alert.
        case unreadable
        /// A ClientHello longer than the limit.
        case tooLarge
    }

    private let limit: Int
    private var needed = 1

    package init(limit: Int) { self.limit = limit }

    /// Looks at all bytes received so far.
    package mutating func inspect(_ bytes: UnsafeRawBufferPointer) -> Finding {
        guard bytes.count >= needed else { return .needsMore }
        guard bytes[0] == Record.handshake else {
            return Self.isStartOfText(bytes[0]) ? .plaintext : .unreadable
        }
        var message = HandshakeMessage(bytes)
        switch message.collect() {
        case .needs(let count):
            needed = count
            return count > limit ? .tooLarge : .needsMore
        case .unreadable:
            return .unreadable
        case .complete(let range):
            if range.count > limit { return .tooLarge }
            let body = UnsafeRawBufferPointer(rebasing: bytes[range])
            return .clientHello(serverName: Self.serverName(in: body))
        case .fragmented(let body):
            if body.count > limit { return .tooLarge }
            return .clientHello(serverName: body.withUnsafeBytes(Self.serverName))
        }
    }

    /// The server name in the body of a ClientHello, in lower case (RFC 6066 section 3); nil if it has none, or is broken before it.
    ///
    /// Each handshake needs it, so nothing else is looked at.
    private static func serverName(in body: UnsafeRawBufferPointer) -> String? {
        func number(at position: Int) -> Int { Int(body[position]) << 8 | Int(body[position + 1]) }
        // Behind version and random: session id, cipher suites, compression methods.
        var position = 34
        guard position < body.count else { return nil }
        position += 1 + Int(body[position])
        guard position + 2 <= body.count else { return nil }
        position += 2 + number(at: position)
        guard position < body.count else { return nil }
        position += 1 + Int(body[position])
        guard position + 2 <= body.count else { return nil }
        let end = position + 2 + number(at: position)
        guard end <= body.count else { return nil }
        position += 2
        while position + 4 <= end {
            let content = position + 4
            let next = content + number(at: position + 2)
            guard next <= end else { return nil }
            if number(at: position) == serverNameExtension {
                // The length of the list, and of its entries the first: type and length.
                let name = content + 5
                guard name <= next, body[content + 2] == 0, name + number(at: content + 3) <= next else { return nil }
                return hostName(UnsafeRawBufferPointer(rebasing: body[name..<name + number(at: content + 3)]))
            }
            position = next
        }
        return nil
    }

    private static let serverNameExtension = 0

    private static func hostName(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard (1...255).contains(bytes.count), bytes.allSatisfy({ $0 > 32 && $0 < 127 }) else { return nil }
        return String(unsafeUninitializedCapacity: bytes.count) { text in
            for (index, byte) in bytes.enumerated() {
                let isUpperCase = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
                text.initializeElement(at: index, to: isUpperCase ? byte | 0x20 : byte)
            }
            return bytes.count
        }
    }

    /// What the ClientHello in `bytes` offers, in words; for the log line of a failed handshake.
    package static func offer(in bytes: UnsafeRawBufferPointer) -> Offer? {
        guard bytes.count > 5, bytes[0] == Record.handshake else { return nil }
        var message = HandshakeMessage(bytes)
        switch message.collect() {
        case .needs, .unreadable: return nil
        case .complete(let range): return Offer(UnsafeRawBufferPointer(rebasing: bytes[range]))
        case .fragmented(let body): return body.withUnsafeBytes { Offer($0) }
        }
    }

    private static func isStartOfText(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
    }

    private enum Record {
        static let handshake: UInt8 = 22
        static let headerLength = 5
        static let longest = 16384
    }

    /// The first handshake message, a ClientHello, which may be spread over several records (RFC 8446 section 5.1).
    private struct HandshakeMessage {
        enum Progress {
            case needs(Int)
            case complete(Range<Int>)
            case fragmented([UInt8])
            case unreadable
        }

        let bytes: UnsafeRawBufferPointer

        init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

        mutating func collect() -> Progress {
            if let range = rangeInOneRecord { return .complete(range) }
            var position = 0
            var total: Int?
            var pieces: [Range<Int>] = []
            var collected = 0
            while true {
                guard bytes.count >= position + Record.headerLength else { return .needs(position + Record.headerLength) }
                let length = Int(bytes[position + 3]) << 8 | Int(bytes[position + 4])
                guard bytes[position] == Record.handshake, bytes[position + 1] == 3, length > 0, length <= Record.longest else { return .unreadable }
                let start = position + Record.headerLength
                guard bytes.count >= start + length else { return .needs(start + length) }
                pieces.append(start..<start + length)
                collected += length
                if total == nil, collected >= 4 {
                    let header = pieces.flatMap { bytes[$0].prefix(4) }.prefix(4)
                    guard header.first == 1 else { return .unreadable }
                    total = 4 + header.dropFirst().reduce(0) { $0 << 8 | Int($1) }
                }
                if let total {
                    // Beyond every limit: say so now and not after waiting for it.
                    if total > 1 << 18 { return .needs(total) }
                    if collected >= total {
                        if pieces.count == 1 { return .complete(start + 4..<start + total) }
                        return .fragmented(Array(pieces.flatMap { bytes[$0] }.prefix(total).dropFirst(4)))
                    }
                    // Nobody honest sends more than a handful of fragments.
                    if pieces.count >= 1024 { return .unreadable }
                }
                position = start + length
            }
        }

        /// Where its body is if it came in one piece, as nearly all do.
        private var rangeInOneRecord: Range<Int>? {
            let start = Record.headerLength + 4
            guard bytes.count >= start, bytes[0] == Record.handshake, bytes[1] == 3, bytes[Record.headerLength] == 1 else { return nil }
            let recordLength = Int(bytes[3]) << 8 | Int(bytes[4])
            let end = start + (Int(bytes[start - 3]) << 16 | Int(bytes[start - 2]) << 8 | Int(bytes[start - 1]))
            guard recordLength <= Record.longest, end <= Record.headerLength + recordLength, end <= bytes.count else { return nil }
            return start..<end
        }
    }
}

extension ClientHelloReader {
    /// What a ClientHello offers (RFC 8446 section 4.1.2), as far as choosing a host and explaining a failure need it.
    package struct Offer: Sendable, Equatable {
        /// The protocol versions by number, for example 0x0304.
        package var versions: [UInt16] = []
        /// The cipher suites by number.
        package var cipherSuites: [UInt16] = []
        /// The groups by number.
        package var groups: [UInt16] = []
        /// The signature algorithms by number, in the client's order (RFC 8446 section 4.2.3).
        package var signatureAlgorithms: [UInt16] = []
        /// The session id, with which TLS 1.2 resumes.
        package var sessionID: [UInt8] = []
        /// The application protocols (ALPN).
        package var applicationProtocols: [String] = []

        private static let groupsExtension: UInt16 = 10
        private static let signaturesExtension: UInt16 = 13
        private static let applicationProtocolsExtension: UInt16 = 16
        private static let versionsExtension: UInt16 = 43

        /// Reads the body of a ClientHello; nil if it is broken.
        fileprivate init?(_ body: UnsafeRawBufferPointer) {
            var reader = Reader(body)
            guard let legacyVersion = reader.number(2), reader.skip(32), let session = reader.block(lengthBytes: 1),
                let suites = reader.block(lengthBytes: 2), let compression = reader.number(1), reader.skip(compression)
            else { return nil }
            cipherSuites = Self.numbers(suites)
            sessionID = Array(session)
            versions = [UInt16(legacyVersion)]
            guard let extensions = reader.block(lengthBytes: 2) else { return }
            var list = Reader(extensions)
            while let type = list.number(2) {
                guard let content = list.block(lengthBytes: 2) else { return nil }
                switch UInt16(type) {
                case Self.groupsExtension:
                    var inner = Reader(content)
                    if let block = inner.block(lengthBytes: 2) { groups = Self.numbers(block) }
                case Self.signaturesExtension:
                    var inner = Reader(content)
                    if let block = inner.block(lengthBytes: 2) { signatureAlgorithms = Self.numbers(block) }
                case Self.applicationProtocolsExtension:
                    var inner = Reader(content)
                    guard let block = inner.block(lengthBytes: 2) else { continue }
                    var names = Reader(block)
                    while let name = names.block(lengthBytes: 1) { applicationProtocols.append(String(decoding: name, as: UTF8.self)) }
                case Self.versionsExtension:
                    var inner = Reader(content)
                    if let block = inner.block(lengthBytes: 1) { versions = Self.numbers(block) }
                default:
                    continue
                }
            }
        }

        private static func numbers(_ bytes: UnsafeRawBufferPointer) -> [UInt16] {
            stride(from: 0, to: bytes.count - 1, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
        }
    }

    private struct Reader {
        private var rest: UnsafeRawBufferPointer

        init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

        mutating func number(_ width: Int) -> Int? {
            guard rest.count >= width else { return nil }
            var number = 0
            for index in 0..<width { number = number << 8 | Int(rest[index]) }
            rest = UnsafeRawBufferPointer(rebasing: rest[width...])
            return number
        }

        mutating func skip(_ count: Int) -> Bool {
            guard rest.count >= count else { return false }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            return true
        }

        mutating func block(lengthBytes: Int) -> UnsafeRawBufferPointer? {
            guard let length = number(lengthBytes), rest.count >= length else { return nil }
            defer { rest = UnsafeRawBufferPointer(rebasing: rest[length...]) }
            return UnsafeRawBufferPointer(rebasing: rest[..<length])
        }
    }
}

extension TLSOffer {
    /// What a ClientHello offers, in names; what means nothing (GREASE, signals) is left out.
    ///
    /// - Parameter cipherName: the name of a cipher suite.
    package init(_ offer: ClientHelloReader.Offer, cipherName: (UInt16) -> String) {
        func meant(_ numbers: [UInt16]) -> [UInt16] { numbers.filter { $0 & 0x0f0f != 0x0a0a || $0 >> 8 != $0 & 0xff } }
        self.init(
            versions: meant(offer.versions).map(Self.versionName),
            cipherSuites: meant(offer.cipherSuites).filter { $0 != 0x00ff && $0 != 0x5600 }.map(cipherName),
            groups: meant(offer.groups).map(TLSGroup.name(of:)),
            signatureAlgorithms: meant(offer.signatureAlgorithms).map(TLSSignatureScheme.name(of:)),
            applicationProtocols: offer.applicationProtocols
        )
    }

    private static func versionName(_ number: UInt16) -> String {
        switch number {
        case 0x0300: "SSLv3"
        case 0x0301: "TLSv1"
        case 0x0302: "TLSv1.1"
        case 0x0303: "TLSv1.2"
        case 0x0304: "TLSv1.3"
        default: hexadecimalNumber(number)
        }
    }
}
