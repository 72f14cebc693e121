import ServalKeyStore

/// What one run of a command works with: the options, the console, and the warnings that are printed at the end.
final class Session {
    let options: Options
    let properties: JavaProperties
    let environment: ProcessEnvironment
    let console: Console
    /// Printed when the command has done its work; none when it fails.
    var warnings: [String] = []
    /// What the process ends with when the command has done its work.
    var exitCode: Int32 = 0

    init(options: Options, properties: JavaProperties = JavaProperties(), environment: ProcessEnvironment, console: Console) {
        self.options = options
        self.properties = properties
        self.environment = environment
        self.console = console
    }

    /// `-alias`, or the JDK's default name.
    var alias: String { options[.alias] ?? "mykey" }

    var isVerbose: Bool { options.has(.v) }

    /// How PKCS12 files are to be protected: as `-legacy` or the JDK's properties ask for; nil to leave it as it is.
    var protection: PKCS12Protection? { options.has(.legacy) ? .legacy : properties.protection }

    /// Prints the collected warnings, unless `-nowarn` was given, and forgets them.
    ///
    /// - Parameter beforeQuestion: Adds an empty line, so that the question that follows stands apart.
    func printWarnings(beforeQuestion: Bool = false) {
        defer { warnings.removeAll() }
        console.flush()
        guard !warnings.isEmpty, !options.has(.nowarn) else { return }
        console.print(error: "\nWarning:\n" + warnings.joined(separator: "\n"))
        if beforeQuestion { console.print(error: "") }
    }

    /// The number that an option gives, nil if it is missing.
    func number(_ name: OptionName) throws -> Int? {
        guard let text = options[name] else { return nil }
        guard let number = Int(text) else {
            throw Failure.exception(javaClass: "java.lang.NumberFormatException", message: "For input string: \"\(text)\"")
        }
        return number
    }
}
