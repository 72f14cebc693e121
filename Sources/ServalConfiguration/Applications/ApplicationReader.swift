import ServalContainer
import ServalServlet
import ServalSessions

/// Makes a context from its `<Context>` elements, its `web.xml` and the server's.
struct ApplicationReader {
    let context: LoadingContext
    let connectors: ServiceConnectors
    let sessions: SessionPlace

    /// The context; `nil` with an error in the log if the application cannot be started.
    func read(_ source: ApplicationSource) -> ContextDefinition? {
        let errorsBefore = self.context.log.errorCount
        var definition = ContextDefinition(path: source.name.path)
        definition.documentRoot = FilePath.isDirectory(source.documentBase) ? source.documentBase : nil
        definition.alwaysAccessesSession = SystemProperties(self.context.properties).alwaysAccessSession ?? false
        var parts = ContextParts()
        for layer in source.layers { ContextReader(context: self.context, scope: layer.scope).read(layer.element, into: &definition, &parts) }
        self.findApplication(source, &definition, parts)
        var manager = parts.manager ?? ManagerReader.Result(onlyPropertiesOf: self.context.properties)
        if let clock = self.context.registry.sessionClock {
            manager = manager ?? ManagerReader.Result(SystemProperties(self.context.properties))
            manager?.configuration.clock = clock
        }
        manager?.apply(
            to: &definition,
            at: self.sessions,
            name: source.name,
            hasPersistentValve: self.connectors.with(definition.valves).hasPersistentValve,
            files: self.context.sessionFiles
        )
        self.warnOfPersistentValve(source, manager)
        definition.hasSecureConnector = self.connectors.hasSecure
        self.readDescriptors(&definition, parts)
        guard self.context.log.errorCount == errorsBefore else {
            let scope = (source.isDeclared ? source.layers.last?.scope : nil) ?? self.context.scope(source.documentBase)
            scope.log.append(
                Diagnostic(
                    .error,
                    file: scope.file,
                    message: "the application at \"\(source.name.displayPath)\" is not started because of its errors"
                )
            )
            return nil
        }
        return definition
    }

    /// A valve that has nothing to store in.
    private func warnOfPersistentValve(_ source: ApplicationSource, _ manager: ManagerReader.Result?) {
        if manager?.kind == .persistent, manager?.store != nil { return }
        for layer in source.layers {
            for valve in layer.element.children("Valve")
            where valve.attribute("className")?.value.trimmingWhitespace() == SessionValveRegistrations.persistent.className {
                layer.scope.report(.warning, "a PersistentValve does nothing without a PersistentManager that has a <Store>", valve)
            }
        }
    }

    /// The application in Swift: named by `serval.application`, or registered under the name of the folder.
    private func findApplication(_ source: ApplicationSource, _ definition: inout ContextDefinition, _ parts: ContextParts) {
        let applications = self.context.registry.applications
        if let (name, attributes) = parts.application {
            definition.application = applications[name]
            if definition.application == nil {
                attributes.report(
                    .error,
                    "there is no registered application \"\(name)\"",
                    "serval.application",
                    suggestion: NearestName.find(name, among: applications.keys)
                )
            }
            return
        }
        let folder = FilePath.name(source.documentBase)
        definition.application = applications[folder] ?? applications[ContextName(folder).path.split(separator: "/").joined(separator: "#")]
        if definition.application == nil, definition.documentRoot == nil, source.isDeclared, let layer = source.layers.last {
            layer.scope.report(
                .error,
                "the docBase [\(source.documentBase)] does not exist, and no application \"\(folder)\" is registered",
                layer.element,
                suggestion: NearestName.find(folder, among: applications.keys)
            )
        }
    }

    private func readDescriptors(_ definition: inout ContextDefinition, _ parts: ContextParts) {
        var descriptor = WebDescriptor()
        var ownScope: FileScope?
        if let root = definition.documentRoot,
            let (element, scope) = self.context.document(root + "/WEB-INF/web.xml", root: "web-app", isOptional: true)
        {
            descriptor = WebDescriptorReader(scope: scope).read(element)
            ownScope = scope
        }
        if let defaults = self.context.defaultDescriptor { descriptor.merge(defaults: defaults) }
        let resolver = WebDescriptorResolver(
            context: self.context,
            scope: ownScope ?? self.context.scope(self.context.base + "/conf/web.xml"),
            connectors: self.connectors.with(definition.valves),
            path: definition.path,
            cookieOrigins: parts.cookieOrigins,
            signsInByCertificates: parts.signsInByCertificates || descriptor.login?.usesClientCertificates ?? false
        )
        resolver.resolve(descriptor, parameters: parts.parameters, into: &definition)
        resolver.warnOfReplication(descriptor, parts.manager)
    }
}

/// What the layers of a context come to, beside the definition.
struct ContextParts {
    /// `<Parameter>`s: name → value, and whether web.xml may override it.
    var parameters: [String: (value: String, mayBeOverridden: Bool)] = [:]
    var application: (name: String, attributes: CheckedAttributes)?
    var manager: ManagerReader.Result?
    /// The databases of the contexts read so far.
    var dataSources = DataSources()
    /// Where the settings of the session cookie stand that are stronger than those of web.xml.
    var cookieOrigins: [WebDescriptor.CookieSetting: WebDescriptor.Origin] = [:]
    /// Whether there is a valve `SSLAuthenticator`.
    var signsInByCertificates = false
}
