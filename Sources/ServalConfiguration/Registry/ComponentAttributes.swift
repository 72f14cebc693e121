public import ServalServlet

/// The attributes that a configuration file gives to a component, with `${…}` replaced and without `className`.
///
/// A component's factory reads what it knows; what is wrong it throws as a ``ConfigurationError``, which becomes a diagnostic with the element's place.
public struct ComponentAttributes: Sendable {
    private let values: [String: String]
    /// The directory at which relative paths start.
    public let base: String

    /// Attributes by name.
    public init(_ values: [String: String] = [:], base: String = "/") {
        self.values = values
        self.base = base
    }

    /// The names of all attributes.
    public var names: [String] { self.values.keys.sorted() }

    /// The text of an attribute.
    public subscript(name: String) -> String? { self.values[name] }

    /// `true` or `false`.
    ///
    /// - Throws: ``ConfigurationError`` `invalidValue` for another word.
    public func boolean(_ name: String, default defaultValue: Bool) throws(ConfigurationError) -> Bool {
        guard let value = self.values[name] else { return defaultValue }
        switch value.lowercased() {
        case "true": return true
        case "false": return false
        default: throw ConfigurationError(code: .invalidValue, message: "the attribute \"\(name)\" has to be true or false")
        }
    }

    /// A whole number.
    ///
    /// - Throws: ``ConfigurationError`` `invalidValue` for what is no number or out of range.
    public func integer(_ name: String, default defaultValue: Int, in range: ClosedRange<Int> = Int.min...Int.max) throws(ConfigurationError) -> Int {
        guard let value = self.values[name] else { return defaultValue }
        guard let number = Int(value), range.contains(number) else {
            throw ConfigurationError(
                code: .invalidValue,
                message: "the attribute \"\(name)\" has to be a number from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return number
    }

    /// An absolute path; relative ones start at ``base``.
    public func path(_ name: String) -> String? { self.path(name, base: self.base) }

    /// An absolute path; relative ones start at `base`.
    package func path(_ name: String, base: String) -> String? { self.values[name].map { FilePath.absolute($0, base: base) } }
}
