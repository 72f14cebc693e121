import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Makes the ids of new sessions.
///
/// An id must not be guessable: at least 64 bits from a cryptographic source, and never derived from anything a client sends.
public protocol SessionIDGenerator: Sendable {
    /// An id that nobody can foresee. Called by many threads at once; must not block.
    func makeID() -> SessionID
}

/// Makes ids from the bytes of the system's cryptographic random source.
///
/// Source: Tomcat's `StandardSessionIdGenerator` with its attributes `sessionIdLength` and `jvmRoute`. Bytes are fetched 256 at a time, so 16
/// ids cost one system call; bytes that were handed out are erased.
public final class StandardSessionIDGenerator: SessionIDGenerator {
    /// The lengths, in bytes, that ``init(length:route:)`` takes.
    ///
    /// Below 16 bytes ids become guessable; short ones are for tests and for compatibility.
    public static let supportedLengths = 2...96
    /// The most characters of a route.
    public static let maximumRouteLength = 63

    /// The length of an id in bytes, before it becomes hexadecimal (`sessionIdLength`).
    public let length: Int
    /// What follows the dot of every id (`jvmRoute`), for sticky load balancing; `nil` for none.
    public let route: String?

    private let tail: SessionID.Tail?
    private let source = Mutex(RandomBytes())

    /// Makes ids of 16 bytes without a route.
    public init() {
        self.length = 16
        self.route = nil
        self.tail = nil
    }

    /// Makes ids of a length and with a route.
    ///
    /// - Parameters:
    ///   - length: bytes, ``supportedLengths``; twice as many characters.
    ///   - route: 1 to ``maximumRouteLength`` letters, digits and `-_~`; `nil` for none.
    /// - Throws: ``SessionError/Code/illegalSetting`` for another length or route.
    public init(length: Int = 16, route: String? = nil) throws(SessionError) {
        guard Self.supportedLengths.contains(length) else {
            let range = "\(Self.supportedLengths.lowerBound) to \(Self.supportedLengths.upperBound)"
            throw SessionError(code: .illegalSetting, message: "sessionIdLength is \(length); it must be \(range) bytes (default 16)")
        }
        if let route {
            guard (1...Self.maximumRouteLength).contains(route.utf8.count) else {
                let reason = "jvmRoute has \(route.utf8.count) characters; it must have 1 to \(Self.maximumRouteLength)"
                throw SessionError(code: .illegalSetting, message: reason)
            }
            guard route.utf8.allSatisfy({ SessionID.isAllowed($0) && $0 != UInt8(ascii: ".") }) else {
                let reason = "jvmRoute has a character that cannot stand in a session id; use letters, digits, '-', '_' and '~'"
                throw SessionError(code: .illegalSetting, message: reason)
            }
        }
        self.length = length
        self.route = route
        self.tail = route.map { SessionID.Tail(.route, $0) }
    }

    /// An id of ``length`` random bytes, and the route.
    public func makeID() -> SessionID {
        if self.length == 16 {
            let (high, low) = self.source.withLock { ($0.word(), $0.word()) }
            return SessionID(high: high, low: low, tail: self.tail)
        }
        let bytes = self.source.withLock { $0.bytes(self.length) }
        var text = String(unsafeUninitializedCapacity: 2 * bytes.count) { buffer in
            for (position, byte) in bytes.enumerated() {
                buffer[2 * position] = SessionID.hexadecimalDigit(byte >> 4)
                buffer[2 * position + 1] = SessionID.hexadecimalDigit(byte & 0xF)
            }
            return 2 * bytes.count
        }
        if let route = self.route { text += ".\(route)" }
        return SessionID(high: 0, low: 0, tail: SessionID.Tail(.text, text))
    }
}

/// A supply of bytes from the system's cryptographic random source.
struct RandomBytes: Sendable {
    private static let batch = 32
    /// Unused words, taken from the end.
    private var words: [UInt64] = []

    /// Eight random bytes.
    mutating func word() -> UInt64 {
        if let word = self.take() { return word }
        self.fill()
        // Only reached without a word if the system refused to give any: its generator ends the process rather than give a weak one.
        if let word = self.take() { return word }
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(count)
        while result.count < count {
            withUnsafeBytes(of: self.word()) { result.append(contentsOf: $0.prefix(count - result.count)) }
        }
        return result
    }

    /// Erases a word's place before it gives the word away, so that memory does not keep the ids of sessions.
    private mutating func take() -> UInt64? {
        guard let last = self.words.indices.last else { return nil }
        let word = self.words[last]
        self.words[last] = 0
        self.words.removeLast()
        return word
    }

    private mutating func fill() {
        // `getentropy` gives all of up to 256 bytes or fails; it is not interrupted by signals.
        self.words = [UInt64](unsafeUninitializedCapacity: Self.batch) { buffer, count in
            let bytes = UnsafeMutableRawBufferPointer(buffer)
            guard let start = bytes.baseAddress, getentropy(start, Self.batch * MemoryLayout<UInt64>.size) == 0 else { return }
            count = Self.batch
        }
    }
}
