import ServalTLS

/// What all readers of one loading share.
struct LoadingContext {
    /// The base directory, absolute.
    let base: String
    let properties: PropertyResolver
    let registry: ComponentRegistry
    let log: DiagnosticLog
    /// The files that applications keep their sessions in.
    let sessionFiles = SessionFileClaims()
    /// What `conf/web.xml` says; read once for all applications.
    var defaultDescriptor: WebDescriptor?
    /// What `<GlobalNamingResources>` says of databases.
    var dataSources = DataSources()

    /// A file's scope; `path` is absolute.
    func scope(_ path: String) -> FileScope {
        FileScope(file: FilePath.display(path, base: self.base), log: self.log, properties: self.properties)
    }

    /// The outermost element of an XML file.
    ///
    /// `nil` if there is no such file (silently if it is optional), or with an error if it is not right.
    func document(_ path: String, root: String, isOptional: Bool) -> (XMLElement, FileScope)? {
        let scope = self.scope(path)
        let bytes: [UInt8]
        do {
            bytes = try readFile(path, limit: XMLLimits().bytes)
        } catch {
            if !(error.isMissing && isOptional) { scope.report(.error, "the file cannot be read: \(error.cause)") }
            return nil
        }
        guard let element = scope.document(bytes) else { return nil }
        guard element.name == root else {
            scope.report(.error, "expected <\(root)> as the outermost element, found <\(element.name)>", element)
            return nil
        }
        return (element, scope)
    }
}

extension FileScope {
    /// Warns of children that the element does not take, and of text that stands outside of tags.
    func checkChildren(of element: XMLElement, known: Set<String>, isTextAllowed: Bool = false) {
        for child in element.children where !known.contains(child.name) {
            self.report(
                .warning,
                "<\(child.name)> is not known inside <\(element.name)> and is ignored",
                child,
                suggestion: NearestName.find(child.name, among: known)
            )
        }
        if !isTextAllowed, !element.trimmedText.isEmpty {
            self.report(.warning, "text inside <\(element.name)> is ignored; attributes have to stand before the \">\" of the tag", element)
        }
    }

    /// Warns of children that may stand once and stand again.
    ///
    /// - Parameter wins: which of them is obeyed.
    func warnOfRepetition(in element: XMLElement, of names: [String], wins: String = "first") {
        for name in names {
            for child in element.children(name).dropFirst() {
                self.report(.warning, "<\(element.name)> has one <\(name)>; of several the \(wins) is obeyed", child)
            }
        }
    }

    /// One line of information for each kind of element that is accepted without effect.
    func ignored(_ element: XMLElement, because reason: String, severity: Diagnostic.Severity = .info) {
        guard self.log.isFirst("ignored \(self.file) \(element.name) \(reason)") else { return }
        self.report(severity, "<\(element.name)> is accepted and ignored: \(reason)", element)
    }
}
