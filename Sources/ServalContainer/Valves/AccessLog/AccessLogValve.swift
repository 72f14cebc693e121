public import Logging
public import ServalServlet

/// Writes a line for every request into a file.
///
/// Source: Tomcat's `AccessLogValve`.
///
/// A line is made when the last byte of the response was handed to the socket, and goes into a buffer that a thread of its own writes to the file: no
/// event loop waits for the disk. If the disk is slower than the requests, lines are dropped and counted, which the server's log tells once a minute.
/// Whatever a client sends is escaped, so that it can neither begin a line nor end a quoted field. Session ids are written as a short digest unless
/// ``Configuration/writesSessionIDs`` says otherwise.
public final class AccessLogValve: Valve, ObservingValve {
    /// The settings, with Tomcat's attribute names and defaults.
    public struct Configuration: Sendable, Hashable {
        /// The folder of the files; made if it does not exist.
        ///
        /// Attribute `directory`, relative to the base directory there, default `logs`.
        public var directory = "logs"
        /// What file names begin with.
        ///
        /// Attribute `prefix`, default `access_log`.
        public var prefix = "access_log"
        /// What file names end with.
        ///
        /// Attribute `suffix`, default empty.
        public var suffix = ""
        /// `common`, `combined`, or a pattern.
        ///
        /// Attribute `pattern`, default `common`.
        public var pattern = "common"
        /// The date in file names, in the letters of Java's `SimpleDateFormat`; a new file begins when it changes.
        ///
        /// Attribute `fileDateFormat`, default `.yyyy-MM-dd`.
        public var fileDateFormat = ".yyyy-MM-dd"
        /// Whether file names have the date.
        ///
        /// Attribute `rotatable`, default `true`.
        public var rotatable = true
        /// Whether the current file has no date and is renamed when the date changes.
        ///
        /// Attribute `renameOnRotate`, default `false`.
        public var renameOnRotate = false
        /// Whether lines are collected for up to 100 ms; otherwise each is written at once, though still not by the request's thread.
        ///
        /// Attribute `buffered`, default `true`.
        public var buffered = true
        /// Lines are left out if the request has this attribute.
        ///
        /// Attribute `conditionUnless`, or `condition`.
        public var conditionUnless: String?
        /// Lines are left out unless the request has this attribute.
        ///
        /// Attribute `conditionIf`.
        public var conditionIf: String?
        /// Days after which files are deleted; -1 (the default) keeps them.
        ///
        /// Attribute `maxDays`.
        public var maxDays = -1
        /// Whether to look for the file's disappearance before each write.
        ///
        /// Attribute `checkExists`, default `false`.
        public var checkExists = false
        /// Whether addresses and ports come from the attributes that a `RemoteIpValve` sets.
        ///
        /// Attribute `requestAttributesEnabled`, default `false`.
        public var requestAttributesEnabled = false
        /// Whether `%S`, `%r`, `%U`, `%q`, cookies and header fields are written with session ids, as Tomcat does.
        ///
        /// Whoever reads the log can then use the sessions. Default `false`.
        public var writesSessionIDs = false

        /// Tomcat's defaults.
        public init() {}
    }

    private let access: AccessLog

    /// A valve; opens its file when it starts.
    ///
    /// - Parameter logger: hears of files that cannot be written and of lines that were dropped.
    /// - Throws: ``ConfigurationError`` `invalidValue` for a pattern or a date format that cannot be read.
    public init(_ configuration: Configuration = Configuration(), logger: Logger) throws(ConfigurationError) {
        self.access = AccessLog(
            configuration: configuration,
            pattern: try AccessLogPattern(configuration.pattern),
            writer: AccessLogWriter(file: try AccessLogFile(configuration), isBuffered: configuration.buffered, logger: logger)
        )
    }

    /// Opens the file.
    ///
    /// If that fails, the server's log tells and the next line tries again.
    public func start() async throws { await self.access.writer.start() }

    /// Writes what is left and closes the file.
    public func stop() async { await self.access.writer.stop() }

    /// Closes the file, so that the next line opens it anew: for tools that move log files away.
    public func reopen() { self.access.writer.reopen() }

    /// Writes what is in the buffer.
    package func flush() async { await self.access.writer.flush() }

    /// Passes the request on and writes its line when it is over.
    public func respond(to request: Request, next: ValveChain) async throws -> Response {
        do {
            let response = try await next(request)
            self.log(request, response, session: self.access.pattern.needsSession ? await self.session(of: request) : nil)
            return response
        } catch {
            self.log(request, nil, session: self.access.pattern.needsSession ? await self.session(of: request) : nil)
            throw error
        }
    }

    // A session has to be waited for.
    var onlyObserves: Bool { !self.access.pattern.needsSession }

    func observe(_ request: Request, _ response: Response) { self.log(request, response, session: nil) }

    private func log(_ request: Request, _ response: Response?, session: HTTPSession?) {
        request.state.onCompletion(AccessLogEntry(request: request, response: response, session: session, log: self.access))
    }

    private func session(of request: Request) async -> HTTPSession? {
        try? await request.with(sessionPolicy: request.sessionPolicy == .forbidden ? .forbidden : .readOnly).existingSession()
    }
}

/// What is known of a request when its response was made.
final class AccessLogEntry: RequestObserver {
    let request: Request
    let status: Int
    let headers: HeaderFields?
    let closesConnection: Bool
    let session: HTTPSession?
    /// From the first byte read until the response was made.
    let commitNanoseconds: UInt64
    private let log: AccessLog

    init(request: Request, response: Response?, session: HTTPSession?, log: AccessLog) {
        self.request = request
        self.status = response?.status.code ?? 500
        self.headers = log.pattern.needsResponseHeaders ? response?.headers : nil
        self.closesConnection = response?.closesConnection ?? false
        self.session = session
        self.commitNanoseconds = log.pattern.needsCommitTime ? MonotonicClock.nanoseconds &- request.state.startNanoseconds : 0
        self.log = log
    }

    var configuration: AccessLogValve.Configuration { self.log.configuration }

    /// Writes the line.
    func requestEnded(_ completion: RequestCompletion) {
        if let name = self.log.configuration.conditionUnless, self.request.attribute(named: name) != nil { return }
        if let name = self.log.configuration.conditionIf, self.request.attribute(named: name) == nil { return }
        // Attributes are described before the buffer is locked, because that is the application's code.
        let texts = self.log.pattern.hasApplicationTexts ? self.log.pattern.applicationTexts(self) : []
        self.log.writer.append { buffer, clock in self.log.append(to: &buffer, self, completion, texts: texts, clock: &clock) }
    }
}

/// What all lines of one log share.
final class AccessLog: Sendable {
    let configuration: AccessLogValve.Configuration
    let pattern: AccessLogPattern
    let writer: AccessLogWriter

    init(configuration: AccessLogValve.Configuration, pattern: AccessLogPattern, writer: AccessLogWriter) {
        self.configuration = configuration
        self.pattern = pattern
        self.writer = writer
    }
}
