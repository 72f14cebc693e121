import Logging

/// One line of the log, before it becomes text.
struct LogLine {
    let label: String
    let level: Logger.Level
    let message: String
    let metadata: Logger.Metadata
    let time: LogTimestamp

    private static let redacted = "<redacted>"

    var text: String {
        var line = "\(self.time.text) \(self.level.rawValue.uppercased()) \(LogText.escaped(self.label)) \(LogText.escaped(self.message))"
        for (key, value) in self.fields {
            line += " \(LogText.escaped(key))="
            let needsQuotes = value.isEmpty || value.utf8.contains { $0 <= 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "=") }
            line += needsQuotes ? "\"\(LogText.escaped(value, quote: true))\"" : LogText.escaped(value)
        }
        return line
    }

    var json: String {
        var line =
            "{\"ts\":\"\(self.time.rfc3339)\",\"level\":\"\(self.level.rawValue)\",\"logger\":\(LogText.json(self.label)),\"msg\":\(LogText.json(self.message))"
        var used: Set<String> = ["ts", "level", "logger", "msg"]
        for (key, value) in self.fields {
            var key = key
            while !used.insert(key).inserted { key = "_" + key }
            line += ",\(LogText.json(key)):\(LogText.json(value))"
        }
        return line + "}"
    }

    /// The metadata, flat: keys of dictionaries are joined with dots.
    private var fields: [(key: String, value: String)] {
        var fields: [(key: String, value: String)] = []
        for (key, value) in self.metadata.sorted(by: { $0.key < $1.key }) { Self.append(key, value, depth: 0, to: &fields) }
        return fields
    }

    private static func append(_ key: String, _ value: Logger.MetadataValue, depth: Int, to fields: inout [(key: String, value: String)]) {
        let sensitivity = value.attributes[Sensitivity.self]
        if sensitivity == .sensitive || sensitivity != .notSensitive && self.namesSecret(key) {
            fields.append((key, self.redacted))
            return
        }
        if case .dictionary(let dictionary) = value, depth < 4 {
            for (inner, value) in dictionary.sorted(by: { $0.key < $1.key }) { self.append("\(key).\(inner)", value, depth: depth + 1, to: &fields) }
        } else {
            fields.append((key, self.text(value, depth: depth)))
        }
    }

    private static func text(_ value: Logger.MetadataValue, depth: Int) -> String {
        if value.attributes[Sensitivity.self] == .sensitive { return self.redacted }
        guard depth < 8 else { return "…" }
        switch value {
        case .array(let values): return "[" + values.map { self.text($0, depth: depth + 1) }.joined(separator: ", ") + "]"
        case .dictionary(let dictionary):
            let items = dictionary.sorted { $0.key < $1.key }.map { key, value in
                "\(key): \(self.namesSecret(key) ? self.redacted : self.text(value, depth: depth + 1))"
            }
            return "{" + items.joined(separator: ", ") + "}"
        case .string, .stringConvertible: return value.description
        }
    }

    /// Whether a key's last part is a word for secrets; a second line of defence behind the marks.
    private static func namesSecret(_ key: String) -> Bool {
        let last = (key.split(separator: ".").last ?? "").lowercased().filter { $0.isLetter }
        return self.secretWords.contains(last) || last.hasSuffix("password") || last.hasSuffix("secret")
    }

    private static let secretWords: Set<String> = [
        "authorization", "cookie", "jsessionid", "keypass", "passphrase", "passwd", "privatekey", "proxyauthorization", "sessionid", "setcookie",
        "storepass",
        "ticketkey",
    ]
}
