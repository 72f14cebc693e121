public import ServalContainer
import ServalTLS

/// Reads a base directory: `conf/server.xml`, `context.xml`, `web.xml`, `logging.properties`, `catalina.properties` and the applications' own files.
///
/// Parses to values with positions, then resolves to parts; never stops at the first problem. Opens no sockets and no key stores.
public struct ConfigurationLoader: Sendable {
    /// The base directory, absolute; relative paths in the files start here.
    public var base: String
    /// The installation, for `${catalina.home}`; usually the same.
    public var home: String
    /// Properties of the command line (`-Dname=value`).
    public var properties: [String: String]
    /// What class names mean.
    public var registry: ComponentRegistry
    /// The server's file.
    ///
    /// Default `conf/server.xml` in ``base``.
    public var serverFile: String

    /// A loader.
    ///
    /// - Parameters:
    ///   - base: the base directory; a relative path starts at the working directory.
    ///   - home: the installation; `nil` for the base directory.
    ///   - properties: properties of the command line.
    ///   - registry: what class names mean.
    public init(base: String, home: String? = nil, properties: [String: String] = [:], registry: ComponentRegistry = ComponentRegistry()) {
        let workingDirectory = ProcessFacts.workingDirectory
        self.base = FilePath.absolute(base, base: workingDirectory)
        self.home = FilePath.absolute(home ?? base, base: workingDirectory)
        self.properties = properties
        self.registry = registry
        self.serverFile = self.base + "/conf/server.xml"
    }

    /// Loads everything.
    ///
    /// Reads files and makes listeners and valves; takes milliseconds, for start and `configtest` only.
    ///
    /// - Parameter onLogging: called when `logging.properties` has been read, before any part that has a logger is made.
    public func load(onLogging: (LoggingConfiguration) -> Void = { _ in }) -> LoadedConfiguration {
        let log = DiagnosticLog()
        let properties = self.resolver(log)
        var context = LoadingContext(base: self.base, properties: properties, registry: self.registry, log: log)
        let logging = self.logging(context)
        onLogging(logging)
        let serverDocument = context.document(self.serverFile, root: "Server", isOptional: false)
        if let (element, scope) = serverDocument {
            for resources in element.children("GlobalNamingResources") { context.dataSources.add(resources, scope) }
        }
        self.checkSharedContext(context)
        if let (element, scope) = context.document(self.base + "/conf/web.xml", root: "web-app", isOptional: true) {
            context.defaultDescriptor = WebDescriptorReader(scope: scope).read(element)
        }
        var server: ServerDefinition?
        if let (element, scope) = serverDocument {
            let reader = ServerReader(context: context, scope: scope)
            server = reader.read(element)
        }
        return LoadedConfiguration(server: log.hasFatalErrors ? nil : server, logging: logging, diagnostics: log.finished())
    }

    private func resolver(_ log: DiagnosticLog) -> PropertyResolver {
        let path = self.base + "/conf/catalina.properties"
        func resolver(_ catalina: [String: String]) -> PropertyResolver {
            PropertyResolver(base: self.base, home: self.home, commandLine: self.properties, catalinaProperties: catalina)
        }
        let scope = FileScope(file: FilePath.display(path, base: self.base), log: log, properties: resolver([:]))
        guard let file = scope.propertiesFile(path) else { return scope.properties }
        for problem in file.problems { scope.report(.warning, problem.message, at: XMLPosition(line: problem.line, column: 1)) }
        return resolver(file.values)
    }

    private func logging(_ context: LoadingContext) -> LoggingConfiguration {
        let path = self.base + "/conf/logging.properties"
        let scope = context.scope(path)
        guard let file = scope.propertiesFile(path) else { return LoggingConfiguration() }
        return LoggingReader(scope: scope).read(file)
    }

    /// The file that every application's context begins with: its errors are the server's, and are found even if there is no application.
    private func checkSharedContext(_ context: LoadingContext) {
        guard let (element, scope) = context.document(self.base + "/conf/context.xml", root: "Context", isOptional: true) else { return }
        var (definition, parts) = (ContextDefinition(path: ""), ContextParts())
        ContextReader(context: context, scope: scope).read(element, into: &definition, &parts)
    }
}

/// What came out of a base directory.
public struct LoadedConfiguration: Sendable {
    /// The server; `nil` if its own files have errors.
    ///
    /// Applications with errors are left out of it, and told of in ``diagnostics``.
    public var server: ServerDefinition?
    /// How much is logged.
    public var logging: LoggingConfiguration
    /// Everything that is to be said, in the order in which files were read.
    public var diagnostics: [Diagnostic]

    /// Whether there is an error anywhere; `configtest` fails then.
    public var hasErrors: Bool { self.diagnostics.contains { $0.severity == .error } }
}

extension FileScope {
    /// Reads a properties file; `nil` if there is none, or with an error if it cannot be read.
    func propertiesFile(_ path: String) -> PropertiesFile? {
        do {
            return PropertiesFile(try readFile(path, limit: XMLLimits().bytes))
        } catch {
            if !error.isMissing { self.report(.error, "the file cannot be read: \(error.cause)") }
            return nil
        }
    }
}
