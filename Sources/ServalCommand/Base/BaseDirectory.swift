import ArgumentParser
import Glibc

/// Where a server's `conf`, `webapps`, `logs`, `temp` and `work` are: Tomcat's `CATALINA_BASE`, with `CATALINA_HOME` beside it.
struct BaseDirectory {
    /// The absolute path of the base directory.
    let path: String
    /// The absolute path of the home directory; the base directory unless `CATALINA_HOME` says otherwise.
    let home: String

    /// Looks at `--base`, then `SERVAL_BASE`, `CATALINA_BASE`, `CATALINA_HOME`, then takes the current directory.
    init(option: String?) {
        let base = option ?? Self.environment("SERVAL_BASE") ?? Self.environment("CATALINA_BASE") ?? Self.environment("CATALINA_HOME") ?? "."
        self.path = Self.absolute(base)
        self.home = Self.environment("CATALINA_HOME").map(Self.absolute) ?? self.path
    }

    /// The file that holds the process id of the server that runs from here.
    var processFile: String { self.path + "/temp/serval.pid" }

    /// Where the server leaves the result of a reload that was asked for.
    var reloadFile: String { self.path + "/temp/serval.reload.json" }

    /// Where `serval start` sends what the server prints.
    var outputFile: String { self.path + "/logs/serval.out" }

    /// - Throws: a message if there is no `conf/server.xml` here.
    func requireServerXML() throws {
        guard access(self.path + "/conf/server.xml", F_OK) == 0 else {
            throw CommandFailure(
                "\(self.path)/conf/server.xml does not exist. 'serval init \(self.path)' lays down a base directory; --base names another one."
            )
        }
    }

    static func absolute(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else {
            if path.hasPrefix("/") { return path }
            guard let directory = getcwd(nil, 0) else { return path }
            defer { free(directory) }
            return String(cString: directory) + "/" + path
        }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func environment(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }
}

/// `--base`, shared by the commands.
struct BaseOption: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The base directory, with conf/server.xml.",
            discussion: "Without it: SERVAL_BASE, CATALINA_BASE, CATALINA_HOME, the current directory.",
            valueName: "directory"
        )
    )
    var base: String?

    var directory: BaseDirectory { BaseDirectory(option: self.base) }
}

/// A message for the person at the terminal, and exit code 1.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Prints a line on standard error.
func printError(_ text: String) {
    var rest = Array((text + "\n").utf8)[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
        guard count > 0 || errno == EINTR else { return }
        rest = rest.dropFirst(max(0, count))
    }
}
