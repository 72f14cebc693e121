import ServalContainer
import ServalTLS

/// Finds the applications of a host: `<Context>`s of server.xml, descriptors in `conf/<Engine>/<Host>`, and the folders in its `appBase`, in this order.
struct Deployment {
    let context: LoadingContext
    /// The file in which the host stands.
    let scope: FileScope
    let applicationBase: String
    let descriptorBase: String
    let deploysXML: Bool
    let ignores: Regex<AnyRegexOutput>?
    let findsApplications: Bool
    let connectors: ServiceConnectors
    let sessions: SessionPlace

    /// All contexts that can be started; what is wrong with the others is in the log.
    func contexts(declared: [XMLElement]) -> [ContextDefinition] {
        var found: [String: (definition: ContextDefinition?, version: String)] = [:]
        var order: [String] = []
        // Folders that an explicit context uses are no applications of their own.
        var usedFolders: Set<String> = []
        func add(_ name: ContextName, _ source: ApplicationSource) {
            usedFolders.insert(source.documentBase)
            if let existing = found[name.path], existing.version >= name.version { return }
            if found[name.path] == nil { order.append(name.path) }
            found[name.path] = (self.build(source), name.version)
        }
        let defaults = self.defaultLayers()
        for element in declared {
            guard let source = self.declaredSource(element, defaults) else { continue }
            if found[source.name.path] != nil {
                self.scope.report(.error, "two contexts of the host have the path \"\(source.name.displayPath)\"", element)
                continue
            }
            add(source.name, source)
        }
        guard self.findsApplications else { return order.compactMap { found[$0]?.definition } }
        let declaredPaths = Set(order)
        for source in self.descriptorSources(defaults) where !declaredPaths.contains(source.name.path) { add(source.name, source) }
        let describedPaths = Set(order)
        for source in self.folderSources(defaults) where !describedPaths.contains(source.name.path) && !usedFolders.contains(source.documentBase) {
            add(source.name, source)
        }
        return order.compactMap { found[$0]?.definition }
    }

    private func build(_ source: ApplicationSource) -> ContextDefinition? {
        self.context.log.readingApplication {
            ApplicationReader(context: self.context, connectors: self.connectors, sessions: self.sessions).read(source)
        }
    }

    // MARK: Sources

    /// `conf/context.xml` and `conf/<Engine>/<Host>/context.xml.default`.
    private func defaultLayers() -> [ApplicationSource.Layer] {
        [self.context.base + "/conf/context.xml", self.descriptorBase + "/context.xml.default"].compactMap { path in
            guard let (element, scope) = self.context.document(path, root: "Context", isOptional: true) else { return nil }
            // Read once for itself: its errors are the host's, not those of the application that happens to come first.
            var (definition, parts) = (ContextDefinition(path: ""), ContextParts())
            ContextReader(context: self.context, scope: scope).read(element, into: &definition, &parts)
            return ApplicationSource.Layer(element: element, scope: scope)
        }
    }

    private func declaredSource(_ element: XMLElement, _ defaults: [ApplicationSource.Layer]) -> ApplicationSource? {
        let base = self.value("docBase", element, self.scope)
        let path: String
        if let given = self.value("path", element, self.scope) {
            path = given == "/" || given == "ROOT" ? "" : given
        } else if let base {
            path = ContextName(FilePath.name(base)).path
        } else {
            self.scope.report(.error, "<Context> in server.xml needs the attribute \"path\" or \"docBase\"", element)
            return nil
        }
        guard path.isEmpty || path.hasPrefix("/") && !path.hasSuffix("/") && !path.contains("//") else {
            self.scope.report(.error, "the path \"\(path)\" of a context has to be empty or begin with a slash, and not end with one", element)
            return nil
        }
        let name = ContextName(path.isEmpty ? "ROOT" : path.dropFirst().split(separator: "/").joined(separator: "#"))
        return ApplicationSource(
            name: name,
            documentBase: FilePath.absolute(base ?? name.baseName, base: self.applicationBase),
            isDeclared: true,
            layers: self.layers(defaults, ApplicationSource.Layer(element: element, scope: self.scope))
        )
    }

    private func descriptorSources(_ defaults: [ApplicationSource.Layer]) -> [ApplicationSource] {
        let names = (try? directoryEntries(self.descriptorBase)) ?? []
        return names.compactMap { file -> ApplicationSource? in
            guard file.hasSuffix(".xml"), file.utf8.count > 4, !self.isIgnored(file) else { return nil }
            let name = ContextName(String(file.dropLast(4)))
            self.warnOfVersion(name)
            let document = self.context.log.readingApplication {
                self.context.document(self.descriptorBase + "/" + file, root: "Context", isOptional: false)
            }
            guard let (element, scope) = document else { return nil }
            if let attribute = element.attribute("path") {
                scope.report(
                    .warning,
                    "\"path\" is ignored here: the name of the file decides on the path",
                    at: attribute.position,
                    element: "Context"
                )
            }
            let base = self.value("docBase", element, scope)
            return ApplicationSource(
                name: name,
                documentBase: FilePath.absolute(base ?? name.baseName, base: self.applicationBase),
                isDeclared: true,
                layers: self.layers(defaults, ApplicationSource.Layer(element: element, scope: scope))
            )
        }
    }

    private func folderSources(_ defaults: [ApplicationSource.Layer]) -> [ApplicationSource] {
        let names: [String]
        do {
            names = try directoryEntries(self.applicationBase)
        } catch {
            self.scope.report(.warning, "the folder of applications [\(self.applicationBase)] cannot be read: \(error.cause)")
            return []
        }
        var archives: [String] = []
        var sources: [ApplicationSource] = []
        for entry in names {
            let path = self.applicationBase + "/" + entry
            if entry.hasPrefix(".") || entry.uppercased() == "META-INF" || entry.uppercased() == "WEB-INF" || self.isIgnored(entry) { continue }
            if entry.lowercased().hasSuffix(".war"), FilePath.isFile(path) {
                archives.append(entry)
                continue
            }
            guard FilePath.isDirectory(path) else { continue }
            let name = ContextName(entry)
            self.warnOfVersion(name)
            guard let own = self.context.log.readingApplication({ self.archiveLayer(path) }) else { continue }
            sources.append(ApplicationSource(name: name, documentBase: path, isDeclared: false, layers: self.layers(defaults, own.layer)))
        }
        if !archives.isEmpty {
            self.scope.report(
                .warning,
                "WAR files are not unpacked, and Java in them cannot run: \(archives.joined(separator: ", ")) in [\(self.applicationBase)]"
            )
        }
        return sources
    }

    private struct OwnLayer {
        var layer: ApplicationSource.Layer?
    }

    /// `META-INF/context.xml` of a folder; `nil` if the folder cannot be deployed because of it.
    private func archiveLayer(_ folder: String) -> OwnLayer? {
        let path = folder + "/META-INF/context.xml"
        guard FilePath.exists(path) else { return OwnLayer() }
        guard self.deploysXML else {
            self.context.scope(path).report(.error, "the host has deployXML=\"false\", so an application with META-INF/context.xml is not started")
            return nil
        }
        guard let (element, scope) = self.context.document(path, root: "Context", isOptional: false) else { return nil }
        return OwnLayer(layer: ApplicationSource.Layer(element: element, scope: scope))
    }

    private func layers(_ defaults: [ApplicationSource.Layer], _ own: ApplicationSource.Layer?) -> [ApplicationSource.Layer] {
        guard let own else { return defaults }
        let overrides = self.value("override", own.element, own.scope)?.lowercased() == "true"
        return overrides ? [own] : defaults + [own]
    }

    private func value(_ name: String, _ element: XMLElement, _ scope: FileScope) -> String? {
        guard let attribute = element.attribute(name) else { return nil }
        let value = scope.resolve(attribute.value, at: attribute.position).trimmingWhitespace()
        return value.isEmpty && name != "path" ? nil : value
    }

    private func isIgnored(_ name: String) -> Bool {
        guard let ignores else { return false }
        return (try? ignores.wholeMatch(in: name)) != nil
    }

    private func warnOfVersion(_ name: ContextName) {
        guard !name.version.isEmpty else { return }
        self.scope.report(.warning, "\"\(name.baseName)\": there is one version of an application at a time; the latest one is started")
    }
}

/// What an application is made from.
struct ApplicationSource {
    /// A `<Context>` element with its file.
    struct Layer {
        var element: XMLElement
        var scope: FileScope
    }

    var name: ContextName
    /// Absolute.
    var documentBase: String
    /// Whether somebody named it, so that its absence is an error.
    var isDeclared: Bool
    /// The weakest first.
    var layers: [Layer]
}
