/// The JDK's command line grammar.
///
/// Commands and options are not case-sensitive and cannot be abbreviated, a value is always the next word, and the last of several equal options
/// counts. `-J…` options are for a virtual machine that does not exist here, and are skipped.
struct CommandLineParser {
    /// What a command line asks for.
    struct Invocation {
        var command: (any Command.Type)?
        var wantsHelp = false
        var options = Options()
        /// Options given more than once although only the last one counts, as typed, in lower case.
        var repeated: [String] = []
    }

    private let arguments: [String]
    private let secrets: SecretSource
    private(set) var invocation = Invocation()

    init(arguments: [String], secrets: SecretSource) {
        self.arguments = arguments.filter { !$0.hasPrefix("-J") }
        self.secrets = secrets
    }

    /// Reads the whole command line.
    ///
    /// - Throws: ``Failure/usage(_:)`` for a wrong command line. ``invocation`` then holds the command whose usage has to be shown, wherever it stood.
    mutating func parse() throws {
        try findCommand()
        invocation.wantsHelp = arguments.isEmpty
        var seen: Set<String> = []
        var index = 0
        while index < arguments.count {
            let argument = arguments[index]
            index += 1
            if Commands.named(argument) != nil { continue }
            if Self.helpOptions.contains(argument.lowercased()) {
                invocation.wantsHelp = true
                continue
            }
            let (flag, modifier) = Self.split(argument)
            guard let name = OptionName(argument: flag) else { throw Failure.usage("Illegal option:  \(argument)") }
            if !seen.insert(argument.lowercased()).inserted, !name.isRepeatable {
                invocation.repeated.append(argument.lowercased())
            }
            guard name.takesValue else {
                invocation.options.set(name)
                continue
            }
            guard index < arguments.count else { throw Failure.usage("Command option \(argument) needs an argument.") }
            let value = arguments[index]
            index += 1
            guard name != .conf else { throw Failure.usage("The -conf option is not available in this version of serval-keytool") }
            invocation.options.append(name.isPassword ? try secrets.password(modifier: modifier, value: value) : value, for: name)
        }
        if invocation.command == nil, !invocation.wantsHelp { throw Failure.usage("Usage error: no command provided") }
    }

    /// Looks for the command before anything else, because every complaint about the rest shows its usage.
    private mutating func findCommand() throws {
        var found: String?
        var index = 0
        while index < arguments.count {
            let argument = arguments[index]
            index += 1
            if let name = Commands.canonicalName(argument) {
                if let first = found {
                    throw Failure.error("Only one command is allowed: both \(first) and \(name) were specified.")
                }
                found = name
                invocation.command = Commands.named(argument)
                if invocation.command == nil {
                    throw Failure.exception(
                        javaClass: "java.lang.UnsupportedOperationException",
                        message: "The command \(name) does not exist in this version of serval-keytool"
                    )
                }
            } else if OptionName(argument: Self.split(argument).flag)?.takesValue == true {
                index += 1
            }
        }
    }

    private static let helpOptions: Set<String> = ["-help", "--help", "-h", "-?"]

    private static func split(_ argument: String) -> (flag: String, modifier: String?) {
        guard let colon = argument.firstIndex(of: ":"), colon > argument.startIndex else { return (argument, nil) }
        return (String(argument[..<colon]), String(argument[argument.index(after: colon)...]))
    }
}
