import ServalKeyStore

/// A file of options that `-conf` names: `keytool.all = …` for all commands, `keytool.list = …` for one.
///
/// The format is that of Java's property files; the values are split into words as on a command line, with either kind of quotes.
struct ConfigurationFile {
    private let properties: [String: String]
    private let environment: ProcessEnvironment

    /// Reads the file.
    ///
    /// - Parameter environment: What `${user.home}` and the like stand for comes from here.
    init(path: String, environment: ProcessEnvironment) throws {
        properties = PropertyFile(try InputFile(path: path).read(limit: 1 << 20)).properties
        self.environment = environment
    }

    /// The words that stand before those of the command line.
    func arguments(for command: any Command.Type) throws -> [String] {
        var words = try words(properties["keytool.all"])
        let own = properties["keytool.\(command.name.dropFirst())"]
        let older = command.alternativeName.flatMap { properties["keytool.\($0.dropFirst())"] }
        if own != nil, let name = command.alternativeName, older != nil {
            throw Failure.input("Cannot have both \(command.name) and \(name) as pre-configured options")
        }
        words += try self.words(own ?? older)
        return words
    }

    private func words(_ text: String?) throws -> [String] {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var rest = (text ?? "")[...]
        while let character = rest.popFirst() {
            if let open = quote {
                if character == open {
                    words.append(word ?? "")
                    (word, quote) = (nil, nil)
                } else if character == "\\", let escaped = rest.popFirst() {
                    word = (word ?? "") + String(["n": "\n", "t": "\t", "r": "\r"][escaped] ?? escaped)
                } else {
                    word = (word ?? "") + String(character)
                }
            } else if character == "\"" || character == "'" || character <= " " {
                if let complete = word { words.append(complete) }
                word = nil
                if character > " " { quote = character }
            } else {
                word = (word ?? "") + String(character)
            }
        }
        if let last = word { words.append(last) }
        return try words.map(expanded)
    }

    /// Puts values in the place of `${name}`; `${{…}}` stays as it is.
    private func expanded(_ word: String) throws -> String {
        var result = ""
        var rest = word[...]
        while let start = rest.firstRange(of: "${") {
            result += rest[..<start.lowerBound]
            let inside = rest[start.upperBound...]
            if inside.first == "{", let end = inside.firstRange(of: "}}") {
                result += rest[start.lowerBound..<end.upperBound]
                rest = rest[end.upperBound...]
            } else if let end = inside.firstIndex(of: "}"), inside.first != "{" {
                result += try value(of: String(inside[..<end]))
                rest = inside[inside.index(after: end)...]
            } else {
                result += rest[start.lowerBound...]
                rest = ""
            }
        }
        return result + rest
    }

    private func value(of name: String) throws -> String {
        switch name {
        case "/", "file.separator": return "/"
        case "user.home": return environment.home
        case "user.dir": return environment.workingDirectory
        case "user.name": return environment.variables["USER"] ?? environment.variables["LOGNAME"] ?? ""
        case "java.io.tmpdir": return "/tmp"
        default:
            throw Failure.exception(
                javaClass: "sun.security.util.PropertyExpander$ExpandException",
                message: "unable to expand property \(name)"
            )
        }
    }
}
