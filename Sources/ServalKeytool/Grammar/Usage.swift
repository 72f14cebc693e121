/// The help texts, made from the commands' own tables.
enum Usage {
    /// The help of one command, or the list of commands.
    static func text(for command: (any Command.Type)?) -> String {
        command.map(text(of:)) ?? general
    }

    private static func text(of command: any Command.Type) -> String {
        let width = (command.options.filter { !$0.isDependent }.map(\.syntax.count).max() ?? 0) + 1
        var lines = ["keytool \(command.name) [OPTION]...\(command.takesFiles ? " FILE..." : "")", "", command.summary, "", "Options:", ""]
        func list(_ options: [OptionDescription]) {
            for option in options {
                // The JDK pads a dependent option by the same width, so that its text is two columns to the right.
                lines.append((option.isDependent ? "   " : " ") + padded(option.syntax, to: width) + " " + option.summary)
            }
        }
        list(command.options)
        if !command.additionalOptions.isEmpty {
            lines += ["", "Options that the JDK's tool does not have:", ""]
            list(command.additionalOptions)
        }
        lines += ["", "Use \"keytool -?, -h, or --help\" for this help message"]
        return lines.joined(separator: "\n")
    }

    private static var general: String {
        var lines = ["Key and Certificate Management Tool", "", "Commands:", ""]
        for command in Commands.all where command.isListed {
            lines.append(" " + padded(command.name, to: 19) + " " + command.summary)
        }
        lines += ["", "Commands that the JDK's tool does not have:", ""]
        for command in Commands.own {
            lines.append(" " + padded(command.name, to: 19) + " " + command.summary)
        }
        lines += [
            "", "Use \"keytool -?, -h, or --help\" for this help message",
            "Use \"keytool -command_name --help\" for usage of command_name.",
            "Use the -conf <url> option to specify a pre-configured options file.",
        ]
        return lines.joined(separator: "\n")
    }

    private static func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
