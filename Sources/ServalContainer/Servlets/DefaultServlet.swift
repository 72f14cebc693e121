import Logging
public import ServalServlet
import Synchronization

/// Serves an application's static files.
///
/// Sources: Tomcat's `DefaultServlet`, RFC 9110 §13 and §14.
///
/// File system calls (`openat`, `fstat`, and `read` of files up to 64 KiB) run where the request runs, on its event loop: they are answered from the
/// kernel's caches for what is in use, and a hop to a thread pool would cost more than they do. Small files are kept in memory and compared with the
/// disk at most every ``DefaultServletSettings/cacheTTL``; larger ones are handed to the connector as open files.
public final class DefaultServlet: Servlet {
    private let files = Mutex<StaticFiles?>(nil)

    /// A servlet that serves nothing before it is started.
    public init() {}

    /// Reads the init parameters; unknown ones and those with wrong values are told to the log and ignored.
    public func start(_ configuration: ServletConfiguration) async throws {
        let settings = DefaultServletSettings(configuration.initParameters) { message in
            configuration.context.logger.warning("servlet \(configuration.name) of context \(configuration.context.displayName): \(message)")
        }
        guard let root = configuration.context.documentRoot else { return }
        self.files.withLock { $0 = StaticFiles(root: root, settings: settings) }
    }

    /// Answers GET, HEAD and OPTIONS; other methods with 405.
    public func respond(to request: Request) async throws -> Response {
        switch request.method {
        case .get, .head:
            guard let files = self.files.withLock({ $0 }) else { return .error(.notFound) }
            return files.response(to: request)
        case .options:
            return Response(.ok, headers: [.allow: "GET, HEAD, OPTIONS"])
        default:
            var response = Response.error(.methodNotAllowed)
            response.headers[.allow] = "GET, HEAD, OPTIONS"
            return response
        }
    }

    /// Forgets the files in memory.
    public func stop() async { self.files.withLock { $0 = nil } }
}

/// The init parameters of ``DefaultServlet``, with Tomcat's names and defaults.
struct DefaultServletSettings: Sendable, Hashable {
    /// Shows the contents of folders.
    ///
    /// Parameter `listings`, default `false`.
    var listings = false
    /// The character set to name for text.
    ///
    /// Parameter `fileEncoding`; default none is named.
    var fileEncoding: String?
    /// Suffixes of compressed variants by content coding, best first.
    ///
    /// Parameter `precompressed`: `true` stands for `br=.br,gzip=.gz`.
    var precompressed: [Precompressed] = []
    /// Answers requests for ranges.
    ///
    /// Parameter `useAcceptRanges`, default `true`.
    var useAcceptRanges = true
    /// The status of the redirect to a folder's name with slash.
    ///
    /// Parameter `directoryRedirectStatusCode`, default 302.
    var directoryRedirectStatus = HTTPResponse.Status.found
    /// Follows symbolic links.
    ///
    /// Parameter `allowLinking` (in Tomcat an attribute of `<Resources>`), default `false`.
    var allowLinking = false
    /// The most bytes of files in memory.
    ///
    /// Parameter `cacheMaxSize` in KiB (in Tomcat an attribute of `<Resources>`), default 10 MiB.
    var cacheMaxSize = 10 * 1024 * 1024
    /// How long a file in memory is not compared with the disk.
    ///
    /// Parameter `cacheTTL` in milliseconds, default 5 s.
    var cacheTTL = Duration.seconds(5)

    struct Precompressed: Sendable, Hashable {
        var coding: String
        var suffix: String
    }

    init() {}

    init(_ parameters: [String: String], warn: (String) -> Void) {
        for (name, value) in parameters.sorted(by: { $0.key < $1.key }) {
            guard let problem = self.set(name, value) else { continue }
            warn("init parameter \(name)=\"\(value)\": \(problem)")
        }
    }

    /// Takes one parameter; answers what is wrong with it.
    private mutating func set(_ name: String, _ value: String) -> String? {
        switch name {
        case "listings": self.listings = value == "true"
        case "useAcceptRanges": self.useAcceptRanges = value != "false"
        case "allowLinking": self.allowLinking = value == "true"
        case "fileEncoding": self.fileEncoding = value.isEmpty ? nil : value
        case "readonly": return value == "false" ? "uploads are not supported, the files stay read-only" : nil
        case "precompressed", "gzip": return self.setPrecompressed(name == "gzip" && value == "true" ? "gzip=.gz" : value)
        case "directoryRedirectStatusCode":
            guard let code = Int(value), [301, 302, 303, 307, 308].contains(code) else { return "is none of 301, 302, 303, 307, 308" }
            self.directoryRedirectStatus = .init(code: code)
        case "cacheMaxSize":
            guard let size = Int(value), (0...1_048_576).contains(size) else { return "is not a number of KiB from 0 to 1048576" }
            self.cacheMaxSize = size * 1024
        case "cacheTTL":
            guard let milliseconds = Int(value), milliseconds >= 0 else { return "is not a number of milliseconds" }
            self.cacheTTL = .milliseconds(milliseconds)
        case "debug", "input", "output", "sendfileSize", "showServerInfo", "sortListings", "sortDirectoriesFirst", "useBomIfPresent", "readmeFile",
            "allowPartialPut", "allowPostAsGet", "localXsltFile", "contextXsltFile", "globalXsltFile":
            // Known to Tomcat, without meaning here: buffers and sendfile are the connector's, listings are plain, uploads are not supported.
            return nil
        default: return "is not known and ignored"
        }
        return nil
    }

    private mutating func setPrecompressed(_ value: String) -> String? {
        switch value {
        case "false", "": self.precompressed = []
        case "true": self.precompressed = [.init(coding: "br", suffix: ".br"), .init(coding: "gzip", suffix: ".gz")]
        default:
            let pairs = value.split(separator: ",").map { $0.split(separator: "=").map { $0.filter { $0 != " " } } }
            guard pairs.allSatisfy({ $0.count == 2 && !$0[0].isEmpty && $0[1].hasPrefix(".") && !$0[1].contains("/") }) else {
                return "is neither true, false nor a list like br=.br,gzip=.gz"
            }
            self.precompressed = pairs.map { Precompressed(coding: $0[0].lowercased(), suffix: $0[1]) }
        }
        return nil
    }
}
