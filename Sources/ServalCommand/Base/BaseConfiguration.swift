import ArgumentParser
import Serval
import ServalConfiguration
import ServalExamples
import ServalObservability

/// The configuration of a base directory, with the applications that are compiled in.
struct BaseConfiguration {
    private let loader: ConfigurationLoader

    init(_ directory: BaseDirectory, properties: [String: String]) {
        var registry = ComponentRegistry()
        registry.registerSessionStores()
        for example in ExampleServlets.all { registry.register(servlet: example.className, example.make) }
        self.loader = ConfigurationLoader(base: directory.path, home: directory.home, properties: properties, registry: registry)
    }

    /// Reads all files; never stops at the first problem.
    ///
    /// Sets the log up on the way, so that the parts that are made have their loggers.
    func load(logFormat: LogFormat) -> LoadedConfiguration {
        self.loader.load { logging in ServalLogHandler.bootstrap(format: logFormat) { logging.level(for: $0) } }
    }
}

/// `-Dname=value`, shared by the commands.
struct PropertyOption: ParsableArguments {
    @Option(
        name: .customShort("D", allowingJoined: true),
        parsing: .singleValue,
        help: ArgumentHelp("A property for ${name} in the configuration files; may be repeated.", valueName: "name=value")
    )
    var properties: [String] = []

    var values: [String: String] {
        var values: [String: String] = [:]
        for property in self.properties {
            let parts = property.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            values[String(parts[0])] = parts.count == 2 ? String(parts[1]) : ""
        }
        return values
    }
}
