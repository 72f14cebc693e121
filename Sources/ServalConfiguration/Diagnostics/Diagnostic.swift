/// One thing that is to be said about a configuration, with its place.
public struct Diagnostic: Sendable, Hashable, CustomStringConvertible {
    /// How much it matters.
    public enum Severity: String, Sendable, Hashable, Comparable, CaseIterable {
        /// Worth knowing: something that has no meaning here is left out.
        case info
        /// Something will not be as the file says.
        case warning
        /// The part of the configuration that it is about cannot be used.
        case error

        /// By importance, the least first.
        public static func < (one: Severity, other: Severity) -> Bool { one.rank < other.rank }

        private var rank: Int {
            switch self {
            case .info: 0
            case .warning: 1
            case .error: 2
            }
        }
    }

    /// How much it matters.
    public var severity: Severity
    /// The file, relative to the base directory where it lies below it: `conf/server.xml`.
    public var file: String
    /// The line, counting from 1; 0 for the file as a whole.
    public var line: Int
    /// The column in characters, counting from 1, where it is known.
    public var column: Int?
    /// The element, without angle brackets, where there is one.
    public var element: String?
    /// The attribute, where there is one.
    public var attribute: String?
    /// What is the matter, in one line, without secrets.
    public var message: String
    /// The name or value that was probably meant.
    public var suggestion: String?

    /// Makes a diagnostic.
    public init(
        _ severity: Severity,
        file: String,
        line: Int = 0,
        column: Int? = nil,
        element: String? = nil,
        attribute: String? = nil,
        message: String,
        suggestion: String? = nil
    ) {
        self.severity = severity
        self.file = file
        self.line = line
        self.column = column
        self.element = element
        self.attribute = attribute
        self.message = message
        self.suggestion = suggestion
    }

    /// One line: `conf/server.xml:42:17: error: …; did you mean "maxThreads"?`.
    public var description: String {
        var text = self.file
        if self.line > 0 {
            text += ":\(self.line)"
            if let column { text += ":\(column)" }
        }
        text += ": \(self.severity.rawValue): \(self.message)"
        if let suggestion { text += "; did you mean \"\(suggestion)\"?" }
        return Self.escaped(text)
    }

    /// Without control characters, so that a file cannot forge lines or steer a terminal.
    private static func escaped(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            if scalar.properties.generalCategory == .control {
                result += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
