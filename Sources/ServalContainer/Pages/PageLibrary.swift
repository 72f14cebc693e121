import Mustache
import ServalServlet
import Synchronization

/// A page with everything that it includes, ready to be rendered.
struct Page: Sendable {
    let directive: PageDirective
    fileprivate let template: MustacheTemplate
    fileprivate let library: MustacheLibrary

    func render(_ scope: PageScope) -> String { self.template.render(scope, library: self.library) }
}

/// Reads pages from an application's folder, and keeps them until their files change.
final class PageLibrary: Sendable {
    /// The largest file.
    static let fileSizeLimit = 1 << 20
    /// The most files of one page.
    static let fileCountLimit = 100
    /// How deep files may include each other.
    static let depthLimit = 16
    /// The most pages in memory.
    private static let pageLimit = 1_000

    /// A file as it was read.
    private struct Stamp: Sendable, Hashable {
        var path: String
        var inode: UInt64
        var size: Int
        var seconds: Int
        var nanoseconds: Int

        init(_ path: String, _ document: DocumentTree.Document) {
            self.path = path
            self.inode = document.inode
            self.size = document.size
            self.seconds = document.modifiedSeconds
            self.nanoseconds = document.modifiedNanoseconds
        }
    }

    private struct Kept: Sendable {
        let result: Result<Page, PageError>
        let stamps: [Stamp]
        var checked: ContinuousClock.Instant
    }

    private let tree: DocumentTree
    private let testInterval: Duration
    private let kept = Mutex<[String: Kept]>([:])

    init(root: String, testInterval: Duration) {
        self.tree = DocumentTree(root: root)
        self.testInterval = testInterval
    }

    /// The page at a path of the application; `nil` if there is none.
    func page(_ path: String) throws(PageError) -> Page? {
        let now = ContinuousClock.now
        if let kept = self.kept.withLock({ $0[path] }) {
            let isFresh = kept.checked.duration(to: now) < self.testInterval
            if isFresh || kept.stamps.allSatisfy({ self.isUnchanged($0) }) {
                if !isFresh { self.kept.withLock { $0[path]?.checked = now } }
                return try kept.result.get()
            }
        }
        guard let document = self.tree.open(Array(path.utf8)[...]), !document.isDirectory else {
            self.kept.withLock { $0[path] = nil }
            return nil
        }
        var assembly = PageAssembly(tree: self.tree)
        let result = Result { () throws(PageError) in try assembly.page(path) }
        // A page that lacks a file is read again each time: that file may come.
        if case .failure = result, assembly.lacksFile {
            self.kept.withLock { $0[path] = nil }
        } else {
            let kept = Kept(result: result, stamps: assembly.stamps.map { Stamp($0.path, $0.document) }, checked: now)
            self.kept.withLock { pages in
                if pages[path] == nil, pages.count >= Self.pageLimit, let victim = pages.keys.first { pages[victim] = nil }
                pages[path] = kept
            }
        }
        return try result.get()
    }

    private func isUnchanged(_ stamp: Stamp) -> Bool {
        guard let document = self.tree.open(Array(stamp.path.utf8)[...]) else { return false }
        return Stamp(stamp.path, document) == stamp
    }
}

/// Puts a page together from its files.
private struct PageAssembly {
    let tree: DocumentTree
    private(set) var stamps: [(path: String, document: DocumentTree.Document)] = []
    /// Whether a file that is included is not there.
    private(set) var lacksFile = false
    private var library = MustacheLibrary()
    /// The files that have been read.
    private var fragments: [String: Fragment] = [:]
    private var sessionUse: PageError?

    private struct Fragment {
        /// Its name in the library.
        let number: Int
        /// How many files deep its inclusions go, itself among them.
        let height: Int
    }

    init(tree: DocumentTree) { self.tree = tree }

    mutating func page(_ path: String) throws(PageError) -> Page {
        let (template, source, _) = try self.read(path, includedBy: [], at: nil)
        if source.directive.session == false, let sessionUse { throw sessionUse }
        return Page(directive: source.directive, template: template, library: self.library)
    }

    /// Reads a file and what it includes.
    ///
    /// - Parameter place: where it is included.
    private mutating func read(
        _ path: String,
        includedBy parents: [String],
        at place: (file: String, line: Int)?
    ) throws(PageError) -> (template: MustacheTemplate, source: PageSource, height: Int) {
        func failure(_ message: String) -> PageError { PageError(file: place?.file ?? path, line: place?.line, message: message) }
        guard self.stamps.count < PageLibrary.fileCountLimit else { throw failure("the page has more than \(PageLibrary.fileCountLimit) files") }
        guard let document = self.tree.open(Array(path.utf8)[...]), !document.isDirectory else {
            self.lacksFile = true
            throw failure("the file \(path) is not there, or cannot be read")
        }
        guard document.size <= PageLibrary.fileSizeLimit else { throw failure("\(path) is larger than \(PageLibrary.fileSizeLimit) bytes") }
        guard let contents = DocumentTree.read(document.file, offset: 0, length: document.size) else {
            throw failure("\(path) changes while it is read")
        }
        self.stamps.append((path, document))
        let source = try PageSource(file: path, contents: contents)
        if !parents.isEmpty, source.hasDirective {
            throw PageError(file: path, message: "a page directive belongs into the page \(parents[0]), not into a file that it includes")
        }
        if self.sessionUse == nil, let use = source.sessionUse {
            self.sessionUse = PageError(file: path, line: use.line, message: "\"\(use.name)\" needs a session, but the page says session=\"false\"")
        }
        let fragments = try self.include(source.inclusions, of: path, includedBy: parents + [path])
        let height = 1 + (fragments.map(\.height).max() ?? 0)
        return (try Self.template(source, names: fragments.map(\.number)), source, height)
    }

    /// Reads the included files.
    private mutating func include(
        _ inclusions: [PageSource.Inclusion],
        of path: String,
        includedBy parents: [String]
    ) throws(PageError) -> [Fragment] {
        var fragments: [Fragment] = []
        for inclusion in inclusions {
            let included = Self.path(inclusion.name, from: path)
            func failure(_ message: String) -> PageError { PageError(file: path, line: inclusion.line, message: message) }
            if let cycle = parents.firstIndex(of: included) {
                throw failure("files include each other without end: \((parents[cycle...] + [included]).joined(separator: " > "))")
            }
            guard parents.count < PageLibrary.depthLimit else { throw failure("more than \(PageLibrary.depthLimit) files include each other") }
            let fragment =
                if let known = self.fragments[included] { known } else {
                    try self.readFragment(included, includedBy: parents, at: (path, inclusion.line))
                }
            guard parents.count + fragment.height <= PageLibrary.depthLimit else {
                throw failure("more than \(PageLibrary.depthLimit) files include each other")
            }
            fragments.append(fragment)
        }
        return fragments
    }

    private mutating func readFragment(
        _ path: String,
        includedBy parents: [String],
        at place: (file: String, line: Int)
    ) throws(PageError) -> Fragment {
        let (template, _, height) = try self.read(path, includedBy: parents, at: place)
        let fragment = Fragment(number: self.fragments.count, height: height)
        self.fragments[path] = fragment
        self.library.register(template, named: String(fragment.number))
        return fragment
    }

    private static func template(_ source: PageSource, names: [Int]) throws(PageError) -> MustacheTemplate {
        let text = source.text(naming: names)
        switch Result(catching: { try MustacheTemplate(string: text) }) {
        case .success(let template): return template
        case .failure(let error as MustacheTemplate.ParserError):
            // The first line is not the file's.
            throw PageError(file: source.file, line: max(1, error.context.lineNumber - 1), message: Self.message(error.error))
        case .failure(let error): throw PageError(file: source.file, message: "\(error)")
        }
    }

    /// A name relative to the file that includes it, or from the application's folder; the extension may be left out.
    private static func path(_ name: String, from file: String) -> String {
        var path = name.hasPrefix("/") ? name : String(file[...(file.lastIndex(of: "/") ?? file.startIndex)]) + name
        if !path.hasSuffix(".mustache") { path += ".mustache" }
        return path
    }

    private static func message(_ error: any Error) -> String {
        switch error as? MustacheTemplate.Error {
        case .sectionCloseNameIncorrect: "a section is closed that is not the innermost"
        case .unfinishedName: "a tag holds something else than a name"
        case .expectedSectionEnd: "a section is not closed"
        case .invalidSetDelimiter: "a change of delimiters has two of them, as in {{=<% %>=}}"
        case .transformAppliedToInheritanceSection: "a block cannot be transformed"
        case .illegalTokenInsideInheritSection, .textInsideInheritSection: "between {{<file}} and {{/file}} only blocks {{$name}} may stand"
        case .invalidConfigVariableSyntax, .unrecognisedConfigVariable: "a pragma is unknown; there are CONTENT_TYPE:HTML and CONTENT_TYPE:TEXT"
        case nil: "\(error)"
        }
    }
}
