/// The tool: parses the command line, runs the command, and turns failures into texts and an exit code.
struct Keytool {
    private let arguments: [String]
    private let environment: ProcessEnvironment
    private let console = Console()

    init(arguments: [String], environment: ProcessEnvironment) {
        self.arguments = arguments
        self.environment = environment
    }

    /// Runs the command line and returns the exit code.
    func run() -> Int32 {
        var parser = CommandLineParser(arguments: arguments, environment: environment)
        do {
            try parser.parse()
            let invocation = parser.invocation
            guard let command = invocation.command, !invocation.wantsHelp else {
                console.print(error: Usage.text(for: invocation.command))
                return 0
            }
            let session = Session(
                options: invocation.options,
                properties: JavaProperties(arguments: arguments),
                environment: environment,
                console: console
            )
            try command.run(in: session)
            session.warnings.insert(contentsOf: invocation.repeated.map(Self.repetitionWarning), at: 0)
            session.printWarnings()
            if let reason = console.outputFailure {
                console.print(error: "keytool error: java.io.IOException: standard output: \(reason)")
                return 1
            }
            return session.exitCode
        } catch Failure.exception(let javaClass, let message) {
            console.print("keytool error: \(javaClass): \(message)")
            console.flush()
            return 1
        } catch Failure.usage(let message) {
            console.print(error: message)
            console.print(error: Usage.text(for: parser.invocation.command))
            return 1
        } catch Failure.givenUp(let message) {
            console.print(error: message)
            return 0
        } catch {
            console.print("keytool error: java.lang.Exception: \(error)")
            console.flush()
            return 1
        }
    }

    private static func repetitionWarning(_ option: String) -> String {
        "The \(option) option is specified multiple times. All except the last one will be ignored."
    }
}
