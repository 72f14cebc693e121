import ServalTLS

/// Collects the diagnostics of one loading, so that it can report all problems at once.
///
/// Belongs to one loading and stays on its thread.
final class DiagnosticLog {
    private(set) var diagnostics: [Diagnostic] = []
    /// Decisive errors so far; whoever reads a part compares before and after.
    ///
    /// Errors that were said before count again.
    private(set) var errorCount = 0
    /// Whether there was a decisive error outside of applications; the server cannot be used then.
    private(set) var hasFatalErrors = false
    private var isReadingApplication = false
    private let limit = 1000
    private var omitted = 0
    private var said: Set<Diagnostic> = []
    private var once: Set<String> = []

    /// Adds what was not said yet: a file that is read for every application speaks once.
    ///
    /// - Parameter isDecisive: whether an error keeps the part that is being read from being used; see ``errorCount``.
    func append(_ diagnostic: Diagnostic, isDecisive: Bool = true) {
        if diagnostic.severity == .error, isDecisive {
            self.errorCount += 1
            if !self.isReadingApplication { self.hasFatalErrors = true }
        }
        guard self.said.insert(diagnostic).inserted else { return }
        guard self.diagnostics.count < self.limit else {
            self.omitted += 1
            return
        }
        self.diagnostics.append(diagnostic)
    }

    /// Reads a part that belongs to one application, whose errors are no reason not to start the others.
    func readingApplication<Result>(_ body: () -> Result) -> Result {
        let outer = self.isReadingApplication
        self.isReadingApplication = true
        defer { self.isReadingApplication = outer }
        return body()
    }

    /// Whether `key` is asked for the first time; for what is to be said once for each kind or file.
    func isFirst(_ key: String) -> Bool { self.once.insert(key).inserted }

    /// Everything in order, with a last line that tells if there was more.
    func finished() -> [Diagnostic] {
        guard self.omitted > 0, let last = self.diagnostics.last else { return self.diagnostics }
        return self.diagnostics
            + [Diagnostic(self.errorCount > 0 ? .error : .warning, file: last.file, message: "\(self.omitted) further problems are not shown")]
    }
}

/// A configuration file while it is read: its name for messages, its properties, and where its problems go.
struct FileScope {
    /// The name in diagnostics.
    let file: String
    let log: DiagnosticLog
    let properties: PropertyResolver

    func report(
        _ severity: Diagnostic.Severity,
        _ message: String,
        at position: XMLPosition? = nil,
        element: String? = nil,
        attribute: String? = nil,
        suggestion: String? = nil
    ) {
        self.log.append(
            Diagnostic(
                severity,
                file: self.file,
                line: position?.line ?? 0,
                column: position?.column,
                element: element,
                attribute: attribute,
                message: message,
                suggestion: suggestion
            )
        )
    }

    /// Says something about an element, at its place.
    func report(_ severity: Diagnostic.Severity, _ message: String, _ element: XMLElement, suggestion: String? = nil) {
        self.report(severity, message, at: element.position, element: element.name, suggestion: suggestion)
    }

    /// Replaces `${…}`; what is unknown stays as it is, with one warning for each name and file.
    func resolve(_ text: String, at position: XMLPosition) -> String {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return text }
        let resolution = self.properties.resolve(text)
        for name in resolution.unknown where self.log.isFirst("property \(self.file) \(name)") {
            self.report(
                .warning,
                "the property \"${\(name)}\" is not known and stays as it is",
                at: position,
                suggestion: NearestName.find(name, among: self.properties.names)
            )
        }
        return resolution.text
    }

    /// Reads an XML file; `nil` with an error in the log if it cannot be read.
    func document(_ bytes: [UInt8]) -> XMLElement? {
        do {
            return try XMLDocument(bytes).root
        } catch {
            self.report(.error, "not well-formed: \(error.message)", at: error.position)
            return nil
        }
    }
}

extension FileScope {
    /// The places of an element and its attributes, for what is found out about it later.
    func origin(of element: XMLElement) -> ConfigurationOrigin {
        ConfigurationOrigin(
            file: self.file,
            line: element.position.line,
            attributeLines: Dictionary(element.attributes.map { ($0.name, $0.position.line) }) { first, _ in first }
        )
    }
}
