/// The attributes of one element (or of one class that an element can name), from which parser, `configtest` and reference are made.
public struct AttributeTable: Sendable {
    /// The element, without angle brackets.
    public var element: String
    /// The class whose attributes these are, where the element has several.
    public var className: String?
    /// One line about the element for the reference.
    public var summary: String
    /// The attributes in the order of the reference.
    public var attributes: [AttributeDefinition]
    /// Elements that may stand inside; text of the reference.
    public var children: [String]

    /// A table.
    public init(element: String, className: String? = nil, summary: String, children: [String] = [], attributes: [AttributeDefinition]) {
        self.element = element
        self.className = className
        self.summary = summary
        self.children = children
        self.attributes = attributes
    }

    /// The attribute of this name; names are case-sensitive, as in Tomcat (`sslProtocol` and `SSLProtocol` differ).
    public func attribute(_ name: String) -> AttributeDefinition? { self.attributes.first { $0.name == name } }
}

/// One attribute: what it takes, what it is when left out, and what becomes of it.
public struct AttributeDefinition: Sendable {
    /// What becomes of an attribute.
    public enum Status: Sendable, Hashable {
        /// It is obeyed.
        case used
        /// It is accepted and has no meaning without a Java runtime.
        case withoutMeaning
        /// It is accepted, and not obeyed yet.
        case notYet
        /// It is an older name of another attribute, `Certificate certificateKeystoreFile`, and obeyed.
        case olderName(of: String)
    }

    /// The name.
    public var name: String
    /// What values it takes.
    public var kind: AttributeKind
    /// The value when it is left out; `nil` for none.
    public var defaultText: String?
    /// Whether it has to be there.
    public var isRequired = false
    /// What becomes of it.
    public var status = Status.used
    /// Where Serval does something else than Tomcat, or since which version of Tomcat the attribute exists.
    public var note: String?

    /// An attribute.
    public init(
        _ name: String,
        _ kind: AttributeKind,
        default defaultText: String? = nil,
        isRequired: Bool = false,
        status: Status = .used,
        note: String? = nil
    ) {
        self.name = name
        self.kind = kind
        self.defaultText = defaultText
        self.isRequired = isRequired
        self.status = status
        self.note = note
    }

    static func unused(_ names: String...) -> [AttributeDefinition] { names.map { AttributeDefinition($0, .text, status: .withoutMeaning) } }

    static func notYet(_ name: String, _ kind: AttributeKind = .text, default defaultText: String? = nil, note: String? = nil) -> AttributeDefinition
    {
        AttributeDefinition(name, kind, default: defaultText, status: .notYet, note: note)
    }
}

/// The values that an attribute takes.
public enum AttributeKind: Sendable, Hashable {
    /// `true` or `false`.
    case boolean
    /// A whole number, with its unit.
    case integer(ClosedRange<Int>, unit: String? = nil)
    /// One of these words, without regard to case.
    case choice([String])
    /// A file or directory; relative ones start at the base directory.
    case path
    /// A secret; its value appears in no message.
    case secret
    /// The name of a class in the component registry.
    case className
    /// Any text.
    case text

    /// What is expected, in words; for messages and for the reference.
    public var expectation: String {
        switch self {
        case .boolean: return "true or false"
        case .integer(let range, let unit):
            let unit = unit.map { " of \($0)" } ?? ""
            if range.upperBound == Int.max || range.upperBound == Int(Int32.max) { return "a number\(unit), at least \(range.lowerBound)" }
            return "a number\(unit) from \(range.lowerBound) to \(range.upperBound)"
        case .choice(let words): return "one of " + words.map { $0.isEmpty ? "\"\"" : $0 }.joined(separator: ", ")
        case .path: return "a path"
        case .secret: return "a secret"
        case .className: return "the name of a class"
        case .text: return "text"
        }
    }

    /// Whether `value` is one of those.
    func accepts(_ value: String) -> Bool {
        switch self {
        case .boolean: return value.lowercased() == "true" || value.lowercased() == "false"
        case .integer(let range, _): return Int(value).map { range.contains($0) } ?? false
        case .choice(let words): return words.contains { $0.lowercased() == value.lowercased() }
        case .path, .className: return !value.isEmpty && !value.utf8.contains(0)
        case .secret, .text: return true
        }
    }
}

extension AttributeKind {
    static let count = AttributeKind.integer(0...Int(Int32.max))
    static let countOrUnlimited = AttributeKind.integer(-1...Int(Int32.max))
    static let bytes = AttributeKind.integer(0...Int(Int32.max), unit: "bytes")
    static let bytesOrUnlimited = AttributeKind.integer(-1...Int(Int32.max), unit: "bytes")
    static let milliseconds = AttributeKind.integer(0...Int(Int32.max), unit: "milliseconds")
    static let millisecondsOrNever = AttributeKind.integer(-1...Int(Int32.max), unit: "milliseconds")
    static let seconds = AttributeKind.integer(0...Int(Int32.max), unit: "seconds")
    static let secondsOrNever = AttributeKind.integer(-1...Int(Int32.max), unit: "seconds")
    static let port = AttributeKind.integer(0...65535)
}
