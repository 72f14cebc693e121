extension SessionDatabase {
    /// The longest URL, in bytes.
    static let maximumURLLength = 8192

    /// The schemes that ``init(url:warnings:)`` knows.
    package static let schemes = ["jdbc:mysql", "jdbc:mariadb", "jdbc:postgresql", "jdbc:sqlite", "redis", "rediss"]

    /// A database as `connectionURL` tells it, with the parameters of the JDBC drivers: `jdbc:postgresql://host:port/name?user=…&sslmode=verify-full`.
    ///
    /// - Parameter warnings: gets a line for each parameter that is not known, or means nothing here; never with a value.
    /// - Throws: ``SessionError/Code/illegalSetting`` for what cannot work. No message shows more of the URL than its scheme and names of parameters.
    package init(url: String, warnings: inout [String]) throws(SessionError) {
        guard url.utf8.count <= Self.maximumURLLength else { throw DatabaseURL.error("has more than \(Self.maximumURLLength) bytes") }
        guard url.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { throw DatabaseURL.error("has a blank or a control character") }
        guard let scheme = Self.schemes.first(where: { url.lowercased().hasPrefix($0 + ":") }) else {
            throw DatabaseURL.error("does not begin with one of " + Self.schemes.map { $0 + ":" }.joined(separator: ", "))
        }
        let rest = url.utf8.dropFirst(scheme.utf8.count + 1)
        var parts = try DatabaseURL(String(decoding: rest, as: UTF8.self), isJDBC: scheme.hasPrefix("jdbc:"), isFile: scheme == "jdbc:sqlite")
        switch scheme {
        case "jdbc:sqlite": try self.init(file: &parts)
        case "jdbc:postgresql": try self.init(.postgreSQL, &parts)
        case "redis", "rediss":
            try self.init(.redis, &parts)
            if scheme == "rediss" { self.tls.mode = .verifyFull }
            if self.name.isEmpty { self.name = "0" }
            guard let number = Int(self.name), (0...65535).contains(number) else {
                throw DatabaseURL.error("has no number as the name of the database")
            }
        default: try self.init(.mySQL, &parts)
        }
        var parameters = DatabaseParameters(parts.parameters, scheme: scheme)
        try parameters.apply(to: &self)
        warnings += parameters.warnings
        guard self.product != .mySQL || !self.name.isEmpty else { throw DatabaseURL.error("does not name a database: jdbc:mysql://host/name") }
        if self.tls.certificate != nil, self.tls.key == nil { throw DatabaseURL.error("has 'sslcert' without 'sslkey'") }
    }

    private init(_ product: Product, _ parts: inout DatabaseURL) throws(SessionError) {
        self.init(product, servers: try parts.servers(port: product.port), name: parts.name)
        (self.user, self.password) = (parts.user, parts.password)
    }

    private init(file parts: inout DatabaseURL) throws(SessionError) {
        var path = parts.name
        if path.hasPrefix("file:") { path = String(path.dropFirst(5)) }
        guard !path.isEmpty, !path.hasPrefix(":") else { throw DatabaseURL.error("does not name a file: jdbc:sqlite:sessions.db") }
        self.init(.sqlite, servers: [], name: path)
        self.tls.mode = .off
    }
}

/// The parts of what follows the scheme: `//user:password@host:port,host:port/name?parameters`.
struct DatabaseURL {
    private var authority = ""
    private(set) var user: String?
    private(set) var password: String?
    private(set) var name = ""
    private(set) var parameters: [(name: String, value: String)] = []

    init(_ text: String, isJDBC: Bool, isFile: Bool) throws(SessionError) {
        let halves = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var place = halves[0]
        if !isFile, place.hasPrefix("//") {
            let end = place.dropFirst(2).firstIndex(of: "/") ?? place.endIndex
            self.authority = String(place[place.index(place.startIndex, offsetBy: 2)..<end])
            place = place[end...].dropFirst()
        } else if !isFile, place.hasPrefix("/") {
            place = place.dropFirst()
        }
        // What is left of another form of URL, or of a password with signs that are not written as they should, must not become a name, which messages tell.
        guard isFile || !Self.hasDelimiter(place) else {
            throw Self.error(
                "does not continue with //host/name behind its scheme; in a user, password or name ':' is written as %3A, '/' as %2F and '@' as %40"
            )
        }
        self.name = try Self.decoded(place, isForm: false)
        if let at = self.authority.lastIndex(of: "@") {
            let credentials = self.authority[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            self.authority = String(self.authority[self.authority.index(after: at)...])
            let user = try Self.decoded(credentials[0], isForm: false)
            self.user = user.isEmpty ? nil : user
            if credentials.count == 2 { self.password = try Self.decoded(credentials[1], isForm: false) }
        }
        guard halves.count == 2 else { return }
        for parameter in halves[1].split(separator: "&") {
            let pair = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard !Self.hasDelimiter(pair[0]) else {
                throw Self.error("has a parameter whose name is none; in a user or password '?' is written as %3F and '&' as %26")
            }
            // Java's drivers decode parameters as forms are.
            let value = pair.count == 2 ? try Self.decoded(pair[1], isForm: isJDBC) : ""
            self.parameters.append((try Self.decoded(pair[0], isForm: isJDBC), value))
            guard self.parameters.count <= 200 else { throw Self.error("has more than 200 parameters") }
        }
    }

    func servers(port: Int) throws(SessionError) -> [SessionDatabase.Server]? {
        guard !self.authority.isEmpty else { return nil }
        var servers: [SessionDatabase.Server] = []
        for text in self.authority.split(separator: ",", omittingEmptySubsequences: false) {
            var (host, rest) = (text, Substring())
            if text.hasPrefix("[") {
                guard let end = text.firstIndex(of: "]") else { throw Self.error("has an address without ']'") }
                host = text[text.index(after: text.startIndex)..<end]
                rest = text[text.index(after: end)...]
                guard host.utf8.allSatisfy({ Self.isWord($0) || ":.%".utf8.contains($0) }) else { throw Self.error("has an address that is none") }
            } else if let colon = text.firstIndex(of: ":") {
                host = text[..<colon]
                rest = text[colon...]
            }
            let isName = host.utf8.count <= 253 && host.utf8.allSatisfy { Self.isWord($0) || $0 == UInt8(ascii: ".") }
            guard isName || text.hasPrefix("[") else { throw Self.error("has a host that is none") }
            var number = port
            if !rest.isEmpty {
                guard rest.hasPrefix(":"), let value = Int(rest.dropFirst()), (1...65535).contains(value) else {
                    throw Self.error("has a port that is no number from 1 to 65535")
                }
                number = value
            }
            servers.append(.init(host: host.isEmpty ? "localhost" : String(host), port: number))
            guard servers.count <= 16 else { throw Self.error("names more than 16 servers") }
        }
        return servers
    }

    static func error(_ reason: String) -> SessionError {
        SessionError(code: .illegalSetting, message: "the connectionURL of the session store \(reason)")
    }

    /// Whether a part has one of the signs that end parts.
    private static func hasDelimiter(_ text: Substring) -> Bool { text.utf8.contains { ":@/".utf8.contains($0) } }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
            UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// Without `%41`; `+` is a blank in forms.
    private static func decoded(_ text: some StringProtocol, isForm: Bool) throws(SessionError) -> String {
        var bytes: [UInt8] = []
        var rest = Substring(text).utf8
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "%"):
                let decoded = Hexadecimal.bytes(String(decoding: rest.prefix(2), as: UTF8.self)) ?? []
                guard decoded.count == 1, decoded[0] != 0 else {
                    throw Self.error("has a '%' without two hexadecimal digits, or %00; '%' itself is written as %25")
                }
                bytes += decoded
                rest = rest.dropFirst(2)
            case UInt8(ascii: "+") where isForm: bytes.append(UInt8(ascii: " "))
            default: bytes.append(byte)
            }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw Self.error("has bytes that are no UTF-8") }
        return text
    }
}
