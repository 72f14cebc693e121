import ServalTLS

/// Replaces `${name}`, `${name:-default}` and `${env:NAME}` in attribute values and text.
///
/// A value may contain further references; they are followed 20 deep. What is not known stays as it is, as in Tomcat.
public struct PropertyResolver: Sendable {
    /// The properties, the strongest source merged last.
    private let values: [String: String]
    private let environment: @Sendable (String) -> String?
    private static let depthLimit = 20
    private static let lengthLimit = 1 << 16

    /// A resolver.
    ///
    /// - Parameters:
    ///   - base: the base directory, as `catalina.base`.
    ///   - home: the installation, as `catalina.home`.
    ///   - commandLine: properties of the command line (`-Dname=value`), stronger than all others but those two.
    ///   - catalinaProperties: what `conf/catalina.properties` says, stronger than what is built in.
    ///   - environment: finds environment variables; by default the process's.
    public init(
        base: String,
        home: String,
        commandLine: [String: String] = [:],
        catalinaProperties: [String: String] = [:],
        environment: (@Sendable (String) -> String?)? = nil
    ) {
        let environment = environment ?? { environmentValue($0) }
        var values = Self.builtIn(environment)
        values.merge(catalinaProperties) { _, stronger in stronger }
        values.merge(commandLine) { _, stronger in stronger }
        for prefix in ["catalina", "serval"] {
            values["\(prefix).base"] = base
            values["\(prefix).home"] = home
        }
        self.values = values
        self.environment = environment
    }

    /// The value of a property, `nil` where there is none.
    ///
    /// A name that begins with `env:` is an environment variable.
    public func value(of name: String) -> String? {
        name.hasPrefix("env:") ? self.environment(String(name.dropFirst(4))) : self.values[name]
    }

    /// The names of all properties.
    var names: [String] { Array(self.values.keys).sorted() }

    /// What came out of a text.
    struct Resolution {
        var text: String
        /// The names that nothing is known of.
        var unknown: [String] = []
    }

    func resolve(_ text: String) -> Resolution {
        var resolution = Resolution(text: "")
        resolution.text = self.resolve(Substring(text), depth: 0, &resolution.unknown)
        return resolution
    }

    private func resolve(_ text: Substring, depth: Int, _ unknown: inout [String]) -> String {
        var result = ""
        var rest = text
        while let start = rest.firstRange(of: "${") {
            result += rest[..<start.lowerBound]
            guard let end = Self.end(of: rest[start.upperBound...]) else {
                rest = rest[start.lowerBound...]
                break
            }
            let expression = rest[start.upperBound..<end]
            result += self.replacement(for: expression, depth: depth, &unknown)
            rest = rest[rest.index(after: end)...]
            // A value that names itself twice would double with every level.
            guard result.utf8.count <= Self.lengthLimit else { break }
        }
        return result + rest
    }

    private func replacement(for expression: Substring, depth: Int, _ unknown: inout [String]) -> String {
        let separator = expression.firstRange(of: ":-")
        let name = String(separator.map { expression[..<$0.lowerBound] } ?? expression)
        if let value = self.value(of: name) {
            return depth < Self.depthLimit ? self.resolve(Substring(value), depth: depth + 1, &unknown) : value
        }
        if let separator, depth < Self.depthLimit { return self.resolve(expression[separator.upperBound...], depth: depth + 1, &unknown) }
        if !unknown.contains(name) { unknown.append(name) }
        return "${\(expression)}"
    }

    /// The brace that closes an expression; a default may contain expressions itself.
    private static func end(of text: Substring) -> Substring.Index? {
        var depth = 0
        var index = text.startIndex
        while index < text.endIndex {
            if text[index] == "}" {
                if depth == 0 { return index }
                depth -= 1
            } else if text[index...].hasPrefix("${") {
                depth += 1
            }
            index = text.index(after: index)
        }
        return nil
    }

    /// What a Java runtime would know of the machine, as far as configuration files use it.
    private static func builtIn(_ environment: (String) -> String?) -> [String: String] {
        var values = [
            "file.separator": "/", "path.separator": ":", "line.separator": "\n", "user.dir": ProcessFacts.workingDirectory,
            "java.io.tmpdir": environment("TMPDIR") ?? "/tmp",
        ]
        values["user.home"] = ProcessFacts.homeDirectory(environment)
        values["user.name"] = ProcessFacts.userName
        values["os.name"] = ProcessFacts.systemName
        return values
    }
}
