/// The JDK's command line grammar.
///
/// Commands and options are not case-sensitive and cannot be abbreviated, a value is always the next word, and the last of several equal options
/// counts. `-J…` options are for a virtual machine that does not exist here; of them only ``JavaProperties`` are read.
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
    private let environment: ProcessEnvironment
    private let secrets: SecretSource
    private(set) var invocation = Invocation()

    init(arguments: [String], environment: ProcessEnvironment) {
        self.arguments = arguments.filter { !$0.hasPrefix("-J") }
        self.environment = environment
        secrets = SecretSource(environment: environment.variables)
    }

    /// Reads the whole command line.
    ///
    /// - Throws: ``Failure/usage(_:)`` for a wrong command line. ``invocation`` then holds the command whose usage has to be shown, wherever it stood.
    mutating func parse() throws {
        try findCommand()
        invocation.wantsHelp = arguments.isEmpty
        // What a file configures comes first, so that the command line has the last word.
        let configured = try configuredArguments()
        let arguments = configured + arguments
        var seen: Set<String> = []
        var index = 0
        while index < arguments.count {
            let argument = arguments[index]
            let isConfigured = index < configured.count
            index += 1
            if Commands.named(argument) != nil { continue }
            if Self.helpOptions.contains(argument.lowercased()) {
                invocation.wantsHelp = true
                continue
            }
            if !argument.hasPrefix("-"), !argument.isEmpty, invocation.command?.takesFiles == true {
                invocation.options.append(argument, for: .file)
                continue
            }
            let (flag, modifier) = Self.split(argument)
            guard let name = OptionName(argument: flag), invocation.command?.takes(name) ?? true else {
                throw Failure.usage("Illegal option:  \(argument)")
            }
            let mayRepeat = name.isRepeatable || (name == .file && invocation.command?.takesFiles == true)
            if !isConfigured, !seen.insert(argument.lowercased()).inserted, !mayRepeat {
                invocation.repeated.append(argument.lowercased())
            }
            guard name.takesValue else {
                invocation.options.set(name)
                continue
            }
            guard index < arguments.count else { throw Failure.usage("Command option \(argument) needs an argument.") }
            let value = arguments[index]
            index += 1
            invocation.options.append(name.isPassword ? try secrets.password(modifier: modifier, value: value) : value, for: name)
        }
        if invocation.command == nil, !invocation.wantsHelp { throw Failure.usage("Usage error: no command provided") }
    }

    /// Looks for the command before anything else, because every complaint about the rest shows its usage.
    private mutating func findCommand() throws {
        var index = 0
        while index < arguments.count {
            let argument = arguments[index]
            index += 1
            if let command = Commands.named(argument) {
                if let first = invocation.command {
                    throw Failure.error("Only one command is allowed: both \(first.name) and \(command.name) were specified.")
                }
                invocation.command = command
            } else if OptionName(argument: Self.split(argument).flag)?.takesValue == true {
                index += 1
            }
        }
    }

    /// The words of the file that `-conf` names for the command.
    private func configuredArguments() throws -> [String] {
        var path: String?
        for (index, argument) in arguments.enumerated() where argument.lowercased() == "-conf" {
            guard index + 1 < arguments.count else { throw Failure.usage("Command option \(argument) needs an argument.") }
            path = arguments[index + 1]
        }
        guard let path, let command = invocation.command else { return [] }
        return try ConfigurationFile(path: path, environment: environment).arguments(for: command)
    }

    private static let helpOptions: Set<String> = ["-help", "--help", "-h", "-?"]

    private static func split(_ argument: String) -> (flag: String, modifier: String?) {
        guard let colon = argument.firstIndex(of: ":"), colon > argument.startIndex else { return (argument, nil) }
        return (String(argument[..<colon]), String(argument[argument.index(after: colon)...]))
    }
}
