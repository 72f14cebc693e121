import ServalServlet

/// A pattern of the access log, compiled once.
///
/// Source: Tomcat's `AccessLogValve`, attribute `pattern`.
struct AccessLogPattern: Sendable {
    /// A part of a line: numbers only, what they stand for is elsewhere, so that nothing has to be retained for going through them.
    enum Element: Sendable {
        /// A part of ``literals``.
        case literal(start: Int, end: Int)
        case remoteAddress
        case peerAddress
        case localAddress
        /// `-` for none (`%b`), or 0 (`%B`).
        case bytes(dashForZero: Bool)
        case elapsed(Unit)
        case commitMilliseconds
        case protocolVersion
        case method
        case localPort
        case remotePort
        case serverPort
        case query
        case requestLine
        case status
        case user
        case path
        case serverName
        case connectionStatus
        /// The place of its name among ``fieldNames``.
        case requestHeader(Int)
        case responseHeader(Int)
        /// The place of its name among ``cookieNames``.
        case cookie(Int)
        /// The place among ``times``.
        case time(Int)
        /// Text that is made before the buffer is locked; its place among ``applicationTexts(_:)``.
        case applicationText(Int)
    }

    enum Unit: Sendable {
        case seconds
        case milliseconds
        case microseconds
        case nanoseconds
        /// Seconds with milliseconds as fraction.
        case fracturedSeconds
    }

    /// Text that comes from the application or from the session.
    enum ApplicationText: Sendable {
        case sessionID
        case sessionAttribute(String)
        case requestAttribute(String)
    }

    private(set) var elements: [Element] = []
    /// The bytes of all literals.
    private(set) var literals: [UInt8] = []
    private(set) var fieldNames: [HTTPField.Name] = []
    private(set) var cookieNames: [String] = []
    private(set) var times: [AccessLogTime] = []
    private var applicationTexts: [ApplicationText] = []
    private(set) var needsSession = false
    private(set) var needsResponseHeaders = false
    private(set) var needsCommitTime = false

    static let common = "%h %l %u %t \"%r\" %s %b"
    static let combined = common + " \"%{Referer}i\" \"%{User-Agent}i\""

    /// - Throws: ``ConfigurationError`` `invalidValue` for codes that do not exist.
    init(_ text: String) throws(ConfigurationError) {
        switch text {
        case "common": try self.read(Self.common)
        case "combined": try self.read(Self.combined)
        default: try self.read(text)
        }
    }

    // MARK: Compiling

    private mutating func read(_ text: String) throws(ConfigurationError) {
        var literal: [UInt8] = []
        var rest = Substring(text)
        while let character = rest.first {
            rest = rest.dropFirst()
            guard character == "%" else {
                literal += String(character).utf8
                continue
            }
            var argument: String?
            if rest.first == "{" {
                guard let end = rest.firstIndex(of: "}") else { throw Self.invalid(text, "a brace is not closed") }
                argument = String(rest[rest.index(after: rest.startIndex)..<end])
                rest = rest[rest.index(after: end)...]
            }
            guard let code = rest.first else { throw Self.invalid(text, "it ends with a percent sign") }
            rest = rest.dropFirst()
            guard code != "%" else {
                literal.append(UInt8(ascii: "%"))
                continue
            }
            self.addLiteral(literal)
            literal = []
            if let argument {
                try self.add(code, argument, text)
            } else {
                try self.add(code, text)
            }
        }
        self.addLiteral(literal)
    }

    private mutating func addLiteral(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        var start = self.literals.count
        self.literals += bytes
        if case .literal(let before, _)? = self.elements.last {
            start = before
            self.elements.removeLast()
        }
        self.elements.append(.literal(start: start, end: self.literals.count))
    }

    private static func invalid(_ pattern: String, _ reason: String) -> ConfigurationError {
        ConfigurationError(code: .invalidValue, message: "the pattern \"\(pattern)\" of the access log cannot be read: \(reason)")
    }

    private mutating func add(_ code: Character, _ pattern: String) throws(ConfigurationError) {
        switch code {
        case "a", "h": self.elements.append(.remoteAddress)
        case "A": self.elements.append(.localAddress)
        case "b": self.elements.append(.bytes(dashForZero: true))
        case "B": self.elements.append(.bytes(dashForZero: false))
        case "D": self.elements.append(.elapsed(.microseconds))
        case "F":
            self.needsCommitTime = true
            self.elements.append(.commitMilliseconds)
        case "H": self.elements.append(.protocolVersion)
        // No thread belongs to a request here, and no identd is asked.
        case "I", "l": self.addLiteral([UInt8(ascii: "-")])
        case "m": self.elements.append(.method)
        case "p": self.elements.append(.localPort)
        case "q": self.elements.append(.query)
        case "r": self.elements.append(.requestLine)
        case "s": self.elements.append(.status)
        case "S": self.addText(.sessionID)
        case "t": self.addTime(.formatted(.common, isBegin: false))
        case "T": self.elements.append(.elapsed(.seconds))
        case "u": self.elements.append(.user)
        case "U": self.elements.append(.path)
        case "v": self.elements.append(.serverName)
        case "X": self.elements.append(.connectionStatus)
        default: throw Self.invalid(pattern, "the code %\(code) is not known")
        }
    }

    private mutating func add(_ code: Character, _ argument: String, _ pattern: String) throws(ConfigurationError) {
        switch (code, argument) {
        case ("a", "remote"): self.elements.append(.remoteAddress)
        case ("a", "peer"): self.elements.append(.peerAddress)
        case ("p", "local"): self.elements.append(.localPort)
        case ("p", "remote"): self.elements.append(.remotePort)
        case ("p", "canonical"): self.elements.append(.serverPort)
        case ("T", "s"): self.elements.append(.elapsed(.seconds))
        case ("T", "ms"): self.elements.append(.elapsed(.milliseconds))
        case ("T", "us"): self.elements.append(.elapsed(.microseconds))
        case ("T", "ns"): self.elements.append(.elapsed(.nanoseconds))
        case ("T", "fracsec"): self.elements.append(.elapsed(.fracturedSeconds))
        case ("t", _): self.addTime(try Self.time(argument))
        case ("i", _), ("o", _):
            guard let name = HTTPField.Name(argument) else { throw Self.invalid(pattern, "\"\(argument)\" is not a field name") }
            self.needsResponseHeaders = self.needsResponseHeaders || code == "o"
            self.elements.append(code == "i" ? .requestHeader(self.fieldNames.count) : .responseHeader(self.fieldNames.count))
            self.fieldNames.append(name)
        case ("c", _):
            self.elements.append(.cookie(self.cookieNames.count))
            self.cookieNames.append(argument)
        case ("r", _): self.addText(.requestAttribute(argument))
        case ("s", _): self.addText(.sessionAttribute(argument))
        default: throw Self.invalid(pattern, "the code %{\(argument)}\(code) is not known")
        }
    }

    private static func time(_ argument: String) throws(ConfigurationError) -> AccessLogTime.Format {
        var format = Substring(argument)
        var isBegin = false
        if format == "begin" || format.hasPrefix("begin:") {
            isBegin = true
            format = format.dropFirst(6)
        } else if format == "end" || format.hasPrefix("end:") {
            format = format.dropFirst(4)
        }
        switch format {
        case "": return .formatted(.common, isBegin: isBegin)
        case "sec": return .number(divisor: 1_000_000_000, modulus: nil, digits: 1, isBegin: isBegin)
        case "msec": return .number(divisor: 1_000_000, modulus: nil, digits: 1, isBegin: isBegin)
        case "usec": return .number(divisor: 1000, modulus: nil, digits: 1, isBegin: isBegin)
        case "msec_frac": return .number(divisor: 1_000_000, modulus: 1000, digits: 3, isBegin: isBegin)
        case "usec_frac": return .number(divisor: 1000, modulus: 1_000_000, digits: 6, isBegin: isBegin)
        default: return .formatted(try DateFormat(String(format)), isBegin: isBegin)
        }
    }

    private mutating func addTime(_ format: AccessLogTime.Format) {
        self.elements.append(.time(self.times.count))
        self.times.append(AccessLogTime(format: format))
    }

    private mutating func addText(_ text: ApplicationText) {
        if case .requestAttribute = text {} else { self.needsSession = true }
        self.elements.append(.applicationText(self.applicationTexts.count))
        self.applicationTexts.append(text)
    }

    // MARK: Application's texts

    var hasApplicationTexts: Bool { !self.applicationTexts.isEmpty }

    /// The texts that come from the application, `nil` where there is none.
    func applicationTexts(_ entry: AccessLogEntry) -> [String?] {
        self.applicationTexts.map { text in
            switch text {
            case .sessionID:
                entry.session.map { entry.configuration.writesSessionIDs ? $0.id.rawValue : AccessLogRedaction.digest(of: $0.id) }
            case .sessionAttribute(let name): entry.session?.attributeText(named: name)
            case .requestAttribute(let name): entry.request.attribute(named: name).map { String(describing: $0) }
            }
        }
    }
}

/// A time in a line.
struct AccessLogTime: Sendable {
    enum Format: Sendable {
        case formatted(DateFormat, isBegin: Bool)
        /// Nanoseconds since 1970, divided, then the rest of a division.
        case number(divisor: Int64, modulus: Int64?, digits: Int, isBegin: Bool)
    }

    let format: Format
}
