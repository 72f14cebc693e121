/// Where an element of a configuration file stands, for messages.
///
/// All origins are equal: where something stands does not change what it is.
public struct ConfigurationOrigin: Sendable, Hashable, CustomStringConvertible {
    /// The file, as messages name it: `conf/server.xml`.
    public var file: String
    /// The element's line, counting from 1.
    public var line: Int
    /// The lines of its attributes by their names.
    public var attributeLines: [String: Int]

    /// Makes an origin.
    public init(file: String, line: Int, attributeLines: [String: Int] = [:]) {
        self.file = file
        self.line = line
        self.attributeLines = attributeLines
    }

    /// `conf/server.xml:42`.
    public var description: String { "\(file):\(line)" }

    /// The place of the first of `attributes` that is written down, else of the element: `conf/server.xml:43`.
    public func place(of attributes: String...) -> String { place(of: attributes) }

    package func place(of attributes: [String]) -> String {
        "\(file):\(attributes.lazy.compactMap { attributeLines[$0] }.first ?? line)"
    }

    /// Always true.
    public static func == (one: ConfigurationOrigin, other: ConfigurationOrigin) -> Bool { true }

    /// Hashes nothing.
    public func hash(into hasher: inout Hasher) {}
}
