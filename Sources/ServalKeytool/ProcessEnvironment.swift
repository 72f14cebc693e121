import Glibc

/// What the tool takes from the process around it.
struct ProcessEnvironment {
    let variables: [String: String]
    /// The user's home directory: `HOME`, else the account's.
    let home: String

    /// The directory that relative paths begin in.
    var workingDirectory: String {
        guard let path = getcwd(nil, 0) else { return "." }
        defer { free(path) }
        return String(cString: path)
    }

    /// The environment of this process.
    static var current: ProcessEnvironment {
        var variables: [String: String] = [:]
        var entry = environ
        while let pointer = entry.pointee {
            let text = String(cString: pointer)
            if let equals = text.firstIndex(of: "=") {
                variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            entry += 1
        }
        return ProcessEnvironment(variables: variables, home: variables["HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? accountHome ?? ".")
    }

    private static var accountHome: String? {
        guard let account = getpwuid(getuid()), let directory = account.pointee.pw_dir else { return nil }
        return String(cString: directory)
    }
}
