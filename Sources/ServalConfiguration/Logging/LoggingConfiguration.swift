public import Logging

/// How much is logged, by logger: `conf/logging.properties`.
public struct LoggingConfiguration: Sendable, Hashable {
    /// A level, or nothing at all (`OFF`).
    public enum Threshold: Sendable, Hashable {
        /// This level and everything more severe.
        case level(Logger.Level)
        /// Nothing.
        case off
    }

    /// For loggers without a threshold of their own.
    ///
    /// Default `info`.
    public var defaultThreshold = Threshold.level(.info)
    /// By the beginning of the label: `serval.tls` is for `serval.tls.handshake`, too, unless that has its own.
    public var thresholds: [String: Threshold] = [:]
    /// What is let through to standard error (`java.util.logging.ConsoleHandler.level`).
    ///
    /// Default everything.
    public var consoleThreshold = Threshold.level(.trace)

    /// Everything at `info`.
    public init() {}

    /// The threshold of a label: the longest beginning that has one, by whole parts, else the default.
    public func threshold(for label: String) -> Threshold {
        var part = label[...]
        while true {
            if let threshold = self.thresholds[String(part)] { return threshold }
            guard let dot = part.lastIndex(of: ".") else { return self.defaultThreshold }
            part = part[..<dot]
        }
    }
}

extension LoggingConfiguration {
    /// The least severe level that a label writes to standard error; `nil` for nothing.
    ///
    /// For the log handler of `ServalObservability`.
    public func level(for label: String) -> Logger.Level? {
        guard case .level(let own) = self.threshold(for: label), case .level(let console) = self.consoleThreshold else { return nil }
        return max(own, console)
    }
}

extension LoggingConfiguration.Threshold {
    /// The threshold for a level of `java.util.logging`, without regard to case; `nil` for another word.
    init?(javaLevel: String) {
        switch javaLevel.uppercased() {
        case "OFF": self = .off
        case "SEVERE": self = .level(.error)
        case "WARNING": self = .level(.warning)
        case "INFO": self = .level(.info)
        case "CONFIG", "FINE": self = .level(.debug)
        case "FINER", "FINEST", "ALL": self = .level(.trace)
        default: return nil
        }
    }

    static let javaLevels = ["SEVERE", "WARNING", "INFO", "CONFIG", "FINE", "FINER", "FINEST", "ALL", "OFF"]
}

/// Reads `logging.properties`.
struct LoggingReader {
    let scope: FileScope

    func read(_ file: PropertiesFile) -> LoggingConfiguration {
        var configuration = LoggingConfiguration()
        for problem in file.problems { self.scope.report(.warning, problem.message, at: XMLPosition(line: problem.line, column: 1)) }
        let handlers = self.handlerNames(file)
        for entry in file.entries where entry.name.hasSuffix(".level") {
            let position = XMLPosition(line: entry.line, column: 1)
            let value = self.scope.resolve(entry.value, at: position).trimmingWhitespace()
            guard let threshold = LoggingConfiguration.Threshold(javaLevel: value) else {
                self.scope.report(
                    .error,
                    "\"\(entry.name)\" has to be one of \(LoggingConfiguration.Threshold.javaLevels.joined(separator: ", ")), found \"\(value)\"",
                    at: position,
                    suggestion: NearestName.find(value, among: LoggingConfiguration.Threshold.javaLevels)
                )
                continue
            }
            let name = String(entry.name.dropLast(6))
            if name.isEmpty {
                configuration.defaultThreshold = threshold
            } else if name == "java.util.logging.ConsoleHandler" {
                configuration.consoleThreshold = threshold
            } else if !handlers.contains(name) {
                configuration.thresholds[LoggerNames.label(for: name)] = threshold
            }
        }
        let others = handlers.filter { $0 != "java.util.logging.ConsoleHandler" }
        if !others.isEmpty {
            self.scope.report(.info, "the log goes to standard error; other handlers are not used: \(others.sorted().joined(separator: ", "))")
        }
        return configuration
    }

    private func handlerNames(_ file: PropertiesFile) -> Set<String> {
        var names: Set<String> = []
        for entry in file.entries where entry.name == "handlers" || entry.name.hasSuffix(".handlers") {
            names.formUnion(entry.value.splitTrimming { $0 == "," || $0 == " " })
        }
        return names
    }
}

/// Which of Serval's loggers does what Tomcat's does.
enum LoggerNames {
    /// The label for the name of a logger in a file; names that are not Tomcat's are the application's own and stay.
    static func label(for name: String) -> String {
        for endpoint in ["NioEndpoint", "Nio2Endpoint", "AprEndpoint", "JIoEndpoint"] {
            let prefix = "org.apache.tomcat.util.net.\(endpoint)"
            if name == prefix { return "serval.connector" }
            if name.hasPrefix(prefix + ".") { return "serval.tls" + name.dropFirst(prefix.count) }
        }
        // The longest name first: a package's own entry is stronger than that of the package around it.
        for (java, label) in self.packages where name == java || name.hasPrefix(java + ".") { return label }
        return name
    }

    private static let packages: [(String, String)] = [
        ("org.apache.catalina.core.ContainerBase", "serval.container"),
        ("org.apache.catalina.core", "serval.container"),
        ("org.apache.catalina.session", "serval.sessions"),
        ("org.apache.catalina.authenticator", "serval.authentication"),
        ("org.apache.catalina.realm", "serval.realm"),
        ("org.apache.catalina.valves", "serval.valves"),
        ("org.apache.catalina.startup", "serval.configuration"),
        ("org.apache.catalina", "serval"),
        ("org.apache.coyote.http2", "serval.http2"),
        ("org.apache.coyote", "serval.http"),
        ("org.apache.tomcat.util.net", "serval.tls"),
        ("org.apache.tomcat.util.digester", "serval.configuration"),
        ("org.apache.tomcat", "serval"),
        ("org.apache.juli", "serval"),
    ]
}
