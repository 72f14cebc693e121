import ServalServlet

extension AccessLog {
    /// Writes a line.
    func append(
        to buffer: inout [UInt8],
        _ entry: AccessLogEntry,
        _ completion: RequestCompletion,
        texts: [String?],
        clock: inout AccessLogClock
    ) {
        let now = WallClock.nanoseconds
        let request = entry.request
        let head = request.state.head
        let literals = self.pattern.literals
        for element in self.pattern.elements {
            switch element {
            case .literal(let start, let end): buffer.append(literals, from: start, to: end)
            case .time(let place):
                clock.append(to: &buffer, self.pattern.times, place, now: now, elapsed: Int64(clamping: completion.nanoseconds))
            case .applicationText(let index): buffer.appendLogText(texts[index])
            case .bytes(let dashForZero):
                if completion.bodyBytes == 0, dashForZero {
                    buffer.append(UInt8(ascii: "-"))
                } else {
                    buffer.appendDecimal(completion.bodyBytes)
                }
            case .elapsed(let unit): buffer.appendElapsed(completion.nanoseconds, unit)
            case .commitMilliseconds: buffer.appendDecimal(Int(clamping: min(entry.commitNanoseconds, completion.nanoseconds) / 1_000_000))
            // A connection that broke before the head was sent has no status of its own.
            case .status: buffer.appendDecimal(completion.status == 0 ? entry.status : completion.status)
            case .connectionStatus: buffer.append(Self.connectionStatus(entry, completion))
            case .requestHeader(let place): buffer.appendField(request.headers[self.pattern.fieldNames[place]], entry)
            case .responseHeader(let place): buffer.appendField(entry.headers?[self.pattern.fieldNames[place]], entry)
            case .cookie(let place): buffer.appendCookie(self.pattern.cookieNames[place], entry)
            default: buffer.append(element, request, head, entry)
            }
        }
        buffer.append(UInt8(ascii: "\n"))
    }

    /// `X` for a response that was cut off, `+` for a connection that may stay open, `-` for one that is closed.
    private static func connectionStatus(_ entry: AccessLogEntry, _ completion: RequestCompletion) -> UInt8 {
        guard completion.isComplete else { return UInt8(ascii: "X") }
        let isClosing = entry.closesConnection || entry.request.headers[.connection]?.lowercased() == "close"
        return isClosing ? UInt8(ascii: "-") : UInt8(ascii: "+")
    }
}

extension [UInt8] {
    fileprivate mutating func append(_ element: AccessLogPattern.Element, _ request: Request, _ head: ReceivedHead, _ entry: AccessLogEntry) {
        switch element {
        case .remoteAddress: self.appendLogText(entry.overridden("RemoteAddr") ?? request.remoteAddress)
        case .peerAddress: self.appendLogText(request.state.connection.remoteAddress)
        case .localAddress: self.appendLogText(request.localAddress)
        case .protocolVersion: self += (entry.overridden("Protocol") ?? request.protocolVersion).utf8
        case .method: self.appendLogBytes(head.bytes[head.methodRange])
        case .localPort: self.appendDecimal(request.localPort)
        case .remotePort: self.appendDecimal(request.remotePort)
        case .serverPort: self.appendDecimal(entry.overridden("ServerPort").flatMap { Int($0) } ?? request.serverPort)
        case .query:
            guard let mark = head.bytes[head.target].firstIndex(of: UInt8(ascii: "?")) else { return }
            self.appendTarget(head.bytes[mark..<head.target.upperBound], entry)
        case .requestLine:
            if head.target.lowerBound == head.methodRange.upperBound + 1 {
                // As HTTP/1 has it: both in one, with the space between them.
                self.appendTarget(head.bytes[head.methodRange.lowerBound..<head.target.upperBound], entry)
            } else {
                self.appendLogBytes(head.bytes[head.methodRange])
                self.append(UInt8(ascii: " "))
                self.appendTarget(head.bytes[head.target], entry)
            }
            self.append(UInt8(ascii: " "))
            self += request.protocolVersion.utf8
        case .path: self.appendTarget(request.pathBytes, entry)
        case .user: self.appendLogText(request.remoteUser)
        case .serverName: self.appendLogText(entry.overridden("ServerName") ?? request.serverName)
        default: self.append(UInt8(ascii: "-"))
        }
    }

    fileprivate mutating func append(_ bytes: [UInt8], from start: Int, to end: Int) {
        if end - start == 1 { self.append(bytes[start]) } else { self.append(contentsOf: bytes[start..<end]) }
    }

    fileprivate mutating func appendCookie(_ name: String, _ entry: AccessLogEntry) {
        let value = entry.request.cookies.first { $0.name == name }?.value
        let isSecret = !entry.configuration.writesSessionIDs && AccessLogRedaction.isSecret(name)
        self.appendLogText(isSecret ? value.map { AccessLogRedaction.digest(of: SessionID(rawValue: $0)) } : value)
    }

    /// A request target, with session ids in its path parameters replaced by their digests.
    private mutating func appendTarget(_ target: ArraySlice<UInt8>, _ entry: AccessLogEntry) {
        guard !entry.configuration.writesSessionIDs, target.contains(UInt8(ascii: ";")), let redacted = AccessLogRedaction.redacted(target) else {
            return self.appendLogBytes(target)
        }
        self.appendLogBytes(redacted[...])
    }

    /// A field's value, such as `Referer`, `Location`, `Cookie` or `Set-Cookie`, with session ids replaced by their digests.
    fileprivate mutating func appendField(_ value: String?, _ entry: AccessLogEntry) {
        guard let value, !entry.configuration.writesSessionIDs, value.utf8.contains(UInt8(ascii: "=")),
            let redacted = AccessLogRedaction.redacted(Array(value.utf8)[...])
        else { return self.appendLogText(value) }
        self.appendLogText(String(decoding: redacted, as: UTF8.self))
    }

    // MARK: Primitives

    /// Text, or `-` where there is none.
    ///
    /// Control characters, quotes and backslashes are escaped; other characters stay.
    mutating func appendLogText(_ text: String?) {
        guard let text, !text.isEmpty else { return self.append(UInt8(ascii: "-")) }
        let isPlain = text.utf8.withContiguousStorageIfAvailable { bytes in
            guard bytes.isPlainInLog else { return false }
            self.append(contentsOf: bytes)
            return true
        }
        if isPlain == true { return }
        for scalar in text.unicodeScalars {
            // C1 controls and the separators and directions of Unicode end or disturb lines in some viewers.
            let isControl =
                (0x80...0x9F).contains(scalar.value) || (0x2028...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
            for byte in String(scalar).utf8 {
                if byte >= 0x80, !isControl { self.append(byte) } else { self.appendEscaped(byte) }
            }
        }
    }

    /// Bytes as received.
    ///
    /// Everything but printable ASCII is escaped.
    mutating func appendLogBytes(_ bytes: ArraySlice<UInt8>) {
        guard !bytes.isEmpty else { return }
        bytes.withUnsafeBufferPointer { bytes in
            if bytes.isPlainInLog { return self.append(contentsOf: bytes) }
            for byte in bytes { self.appendEscaped(byte) }
        }
    }

    private mutating func appendEscaped(_ byte: UInt8) {
        switch byte {
        case _ where byte.isPlainInLog: self.append(byte)
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): self += [UInt8(ascii: "\\"), byte]
        case UInt8(ascii: "\n"): self += "\\n".utf8
        case UInt8(ascii: "\r"): self += "\\r".utf8
        case UInt8(ascii: "\t"): self += "\\t".utf8
        default:
            let digits = Array("0123456789abcdef".utf8)
            self += [UInt8(ascii: "\\"), UInt8(ascii: "x"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }

    mutating func appendDecimal(_ number: Int) {
        // As many digits as 64 bits have, and a sign.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var rest = number.magnitude
            var start = digits.count
            repeat {
                start -= 1
                digits.initializeElement(at: start, to: UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
                rest /= 10
            } while rest > 0
            if number < 0 {
                start -= 1
                digits.initializeElement(at: start, to: UInt8(ascii: "-"))
            }
            self.append(contentsOf: digits[start...])
        }
    }

    fileprivate mutating func appendElapsed(_ nanoseconds: UInt64, _ unit: AccessLogPattern.Unit) {
        switch unit {
        case .seconds: self.appendDecimal(Int(clamping: nanoseconds / 1_000_000_000))
        case .milliseconds: self.appendDecimal(Int(clamping: nanoseconds / 1_000_000))
        case .microseconds: self.appendDecimal(Int(clamping: nanoseconds / 1000))
        case .nanoseconds: self.appendDecimal(Int(clamping: nanoseconds))
        case .fracturedSeconds:
            self.appendDecimal(Int(clamping: nanoseconds / 1_000_000_000))
            self.append(UInt8(ascii: "."))
            self += Int(nanoseconds / 1_000_000 % 1000).padded(3).utf8
        }
    }
}

extension UInt8 {
    fileprivate var isPlainInLog: Bool { self >= 0x20 && self < 0x7F && self != UInt8(ascii: "\"") && self != UInt8(ascii: "\\") }
}

extension UnsafeBufferPointer<UInt8> {
    fileprivate var isPlainInLog: Bool {
        for byte in self where !byte.isPlainInLog { return false }
        return true
    }
}

extension AccessLogEntry {
    /// What a `RemoteIpValve` says instead of the connection, where the settings ask for that.
    func overridden(_ name: String) -> String? {
        guard self.configuration.requestAttributesEnabled else { return nil }
        return self.request.attribute(named: "org.apache.catalina.AccessLog." + name).map { String(describing: $0) }
    }
}

/// Keeps the text of times for the lines of the same second.
struct AccessLogClock: Sendable {
    private struct Kept: Sendable {
        var second: Int64
        /// Whether it is the time at which the request began.
        var isBegin: Bool
        var text: [UInt8]

        func isOf(_ now: Int64, _ elapsed: Int64) -> Bool { (self.isBegin ? now - elapsed : now) / 1_000_000_000 == self.second }
    }

    private var kept: [Kept?] = []

    /// Writes the time at `place` of `times`, which is where its text is kept as well.
    mutating func append(to buffer: inout [UInt8], _ times: [AccessLogTime], _ place: Int, now: Int64, elapsed: Int64) {
        if place < self.kept.count, let kept = self.kept[place], kept.isOf(now, elapsed) {
            buffer += kept.text
            return
        }
        switch times[place].format {
        case .number(let divisor, let modulus, let digits, let isBegin):
            let number = (isBegin ? now - elapsed : now) / divisor
            guard let modulus else { return buffer.appendDecimal(Int(number)) }
            buffer += Int(number % modulus).padded(digits).utf8
        case .formatted(let format, let isBegin):
            let moment = isBegin ? now - elapsed : now
            let text = Array(format.text(moment / 1_000_000).utf8)
            if format.isWholeSeconds {
                while self.kept.count <= place { self.kept.append(nil) }
                self.kept[place] = Kept(second: moment / 1_000_000_000, isBegin: isBegin, text: text)
            }
            buffer += text
        }
    }
}
