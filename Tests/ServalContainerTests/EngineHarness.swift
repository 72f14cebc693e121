import Logging
import ServalContainer
import ServalServlet
import Synchronization
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// An engine in the test's own process, and the requests it is asked.
struct EngineHarness {
    let engine: Engine
    let log: LogRecorder

    /// Starts an engine with one host `localhost`, runs `body` and stops the engine.
    static func run(_ contexts: ContextDefinition..., body: (EngineHarness) async throws -> Void) async throws {
        try await Self.run(contexts, host: { _ in }, engine: { _ in }, body: body)
    }

    static func run(
        _ contexts: ContextDefinition...,
        host: (inout HostDefinition) -> Void,
        body: (EngineHarness) async throws -> Void
    ) async throws {
        try await Self.run(contexts, host: host, engine: { _ in }, body: body)
    }

    static func run(
        _ contexts: ContextDefinition...,
        engine: (inout EngineDefinition) -> Void,
        body: (EngineHarness) async throws -> Void
    ) async throws {
        try await Self.run(contexts, host: { _ in }, engine: engine, body: body)
    }

    static func run(
        _ contexts: [ContextDefinition],
        host adjustHost: (inout HostDefinition) -> Void,
        engine adjustEngine: (inout EngineDefinition) -> Void,
        body: (EngineHarness) async throws -> Void
    ) async throws {
        var host = HostDefinition(name: "localhost")
        host.contexts = contexts
        adjustHost(&host)
        var definition = EngineDefinition()
        definition.hosts = [host]
        definition.backgroundProcessorDelay = .zero
        adjustEngine(&definition)
        let log = LogRecorder()
        let engine = try Engine(definition, logger: log.logger)
        try await engine.start()
        do {
            try await body(EngineHarness(engine: engine, log: log))
        } catch {
            await engine.stop()
            throw error
        }
        await engine.stop()
    }

    func send(
        _ method: HTTPRequest.Method,
        _ target: String,
        headers: HeaderFields = [:],
        body: RequestBody = .empty,
        connection: ConnectionInfo = ConnectionInfo(),
        nanoseconds: UInt64 = 1_500_000
    ) async throws -> Answer {
        var headers = headers
        if headers[.host] == nil { headers[.host] = "localhost" }
        let request = Request(method: method, target: target, headers: headers, body: body, connection: connection, startNanoseconds: 1)
        return try await self.send(request, nanoseconds: nanoseconds)
    }

    func send(_ request: Request, nanoseconds: UInt64 = 1_500_000) async throws -> Answer {
        let response = await self.engine.respond(to: request)
        let answer = try await Answer(response)
        request.state.complete(
            RequestCompletion(status: response.status.code, bodyBytes: answer.body.count, nanoseconds: nanoseconds, isComplete: true)
        )
        return answer
    }

    func get(_ target: String, headers: HeaderFields = [:], connection: ConnectionInfo = ConnectionInfo()) async throws -> Answer {
        try await self.send(.get, target, headers: headers, connection: connection)
    }
}

extension HTTPField.Name {
    static var host: Self { .init("Host") ?? .origin }
}

/// A response with its whole body.
struct Answer {
    let status: Int
    let headers: HeaderFields
    let body: [UInt8]

    var text: String { String(decoding: self.body, as: UTF8.self) }

    /// The value of the session cookie that the response sets.
    var sessionID: String? {
        self.headers[values: .setCookie].first { $0.hasPrefix("JSESSIONID=") }.map { String($0.dropFirst(11).prefix { $0 != ";" }) }
    }

    init(_ response: Response) async throws {
        self.status = response.status.code
        self.headers = response.headers
        switch response.body.storage {
        case .bytes(let bytes): self.body = bytes
        case .file(let file, let offset, let length):
            var bytes = [UInt8](repeating: 0, count: length)
            let count = pread(file.descriptor, &bytes, length, off_t(offset))
            #expect(count == length)
            self.body = bytes
        case .stream(let length, let write):
            let collector = Collector()
            var writer: any ResponseBodyWriter = collector
            _ = try await write(&writer)
            self.body = collector.bytes.withLock { $0 }
            if let length { #expect(length == self.body.count) }
        }
    }

    private final class Collector: ResponseBodyWriter {
        let bytes = Mutex<[UInt8]>([])
        func write(_ piece: ArraySlice<UInt8>) async throws { self.bytes.withLock { $0 += piece } }
    }
}

/// Keeps what is logged.
final class LogRecorder: Sendable {
    private let lines = Mutex<[String]>([])

    var text: String { self.lines.withLock { $0.joined(separator: "\n") } }
    func count(of text: String) -> Int { self.lines.withLock { $0.count { $0.contains(text) } } }

    var logger: Logger { Logger(label: "test") { _ in Handler(recorder: self) } }

    private struct Handler: LogHandler {
        let recorder: LogRecorder
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { self.metadata[key] }
            set { self.metadata[key] = newValue }
        }
        func log(event: LogEvent) {
            self.recorder.lines.withLock { $0.append("\(event.level): \(event.message)") }
        }
    }
}

/// A servlet from a closure.
struct ClosureServlet: Servlet {
    let body: @Sendable (Request) async throws -> Response
    init(_ body: @escaping @Sendable (Request) async throws -> Response) { self.body = body }
    func respond(to request: Request) async throws -> Response { try await self.body(request) }
}

/// A filter from a closure.
struct ClosureFilter: Filter {
    let body: @Sendable (Request, FilterChain) async throws -> Response
    init(_ body: @escaping @Sendable (Request, FilterChain) async throws -> Response) { self.body = body }
    func filter(_ request: Request, next: FilterChain) async throws -> Response { try await self.body(request, next) }
}

/// A valve from a closure.
struct ClosureValve: Valve {
    let body: @Sendable (Request, ValveChain) async throws -> Response
    init(_ body: @escaping @Sendable (Request, ValveChain) async throws -> Response) { self.body = body }
    func respond(to request: Request, next: ValveChain) async throws -> Response { try await self.body(request, next) }
}

extension ContextDefinition {
    /// A context whose application is `configure`.
    init(_ path: String, _ configure: @escaping @Sendable (ServletContext) async throws -> Void) {
        self.init(path: path)
        self.application = WebApplication(path: path, configure)
    }
}

/// Collects events in order.
final class EventLog: Sendable {
    private let events = Mutex<[String]>([])
    func add(_ event: String) { self.events.withLock { $0.append(event) } }
    var all: [String] { self.events.withLock { $0 } }
}

/// A folder that goes away with the value.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/serval-container-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw HTTPError(.internalServerError, "no folder") }
        self.path = String(cString: made)
    }

    func write(_ name: String, _ content: String) throws { try self.write(name, Array(content.utf8)) }

    func write(_ name: String, _ content: [UInt8]) throws {
        var folder = self.path
        for segment in name.split(separator: "/").dropLast() {
            folder += "/" + segment
            mkdir(folder, 0o755)
        }
        guard let file = fopen(self.path + "/" + name, "w") else { throw HTTPError(.internalServerError, name) }
        defer { fclose(file) }
        guard fwrite(content, 1, content.count, file) == content.count else { throw HTTPError(.internalServerError, name) }
    }

    func read(_ name: String) -> String? {
        guard let file = fopen(self.path + "/" + name, "r") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    var names: [String] {
        guard let stream = opendir(self.path) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) } }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    func setModified(_ name: String, seconds: Int) {
        var times = [timeval(tv_sec: seconds, tv_usec: 0), timeval(tv_sec: seconds, tv_usec: 0)]
        utimes(self.path + "/" + name, &times)
    }

    deinit { Self.remove(self.path) }

    private static func remove(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        if status.st_mode & S_IFMT == S_IFDIR, let stream = opendir(path) {
            while let entry = readdir(stream) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if name != ".", name != ".." { Self.remove(path + "/" + name) }
            }
            closedir(stream)
            rmdir(path)
        } else {
            unlink(path)
        }
    }
}
