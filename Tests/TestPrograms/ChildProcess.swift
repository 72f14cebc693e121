public import Foundation
import Synchronization

/// Runs a program, with the part of `Foundation.Process` that the tests use.
///
/// `Process` of swift-corelibs-foundation waits for its children through `select`, which cannot count beyond 1,024 descriptors. Test suites that open
/// thousands of connections share a process with those that run programs; there it waits for ever. This one uses `posix_spawn` and `waitpid`.
public final class ChildProcess: Sendable {
    private struct State {
        var executableURL: URL?
        var arguments: [String] = []
        var environment: [String: String]?
        var currentDirectoryURL: URL?
        var streams: [Int32: Stream] = [:]
        var identifier: pid_t = 0
        var status: Int32?
        var handler: (@Sendable (ChildProcess) -> Void)?
    }

    /// Where a standard stream goes; `FileHandle` and `Pipe` are made to be used from several threads.
    private struct Stream: @unchecked Sendable {
        var handle: FileHandle
        /// The child's end of a pipe: of no use to this process once the child has it.
        var isPipeEnd: Bool
    }

    private let state = Mutex(State())
    private let ended = DispatchSemaphore(value: 0)

    /// A program that is not started.
    public init() {}

    /// The program.
    public var executableURL: URL? {
        get { self.state.withLock { $0.executableURL } }
        set { self.state.withLock { $0.executableURL = newValue } }
    }

    /// Its arguments, without its name.
    public var arguments: [String]? {
        get { self.state.withLock { $0.arguments } }
        set { self.state.withLock { $0.arguments = newValue ?? [] } }
    }

    /// Its environment; `nil` is this process's.
    public var environment: [String: String]? {
        get { self.state.withLock { $0.environment } }
        set { self.state.withLock { $0.environment = newValue } }
    }

    /// Its working directory; `nil` is this process's.
    public var currentDirectoryURL: URL? {
        get { self.state.withLock { $0.currentDirectoryURL } }
        set { self.state.withLock { $0.currentDirectoryURL = newValue } }
    }

    /// A `FileHandle` or a `Pipe`; without one the child shares this process's stream.
    public var standardInput: Any? {
        get { nil }
        set { self.setStream(0, newValue) }
    }

    /// See ``standardInput``.
    public var standardOutput: Any? {
        get { nil }
        set { self.setStream(1, newValue) }
    }

    /// See ``standardInput``.
    public var standardError: Any? {
        get { nil }
        set { self.setStream(2, newValue) }
    }

    /// Called once when the program has ended, on a thread of its own.
    public var terminationHandler: (@Sendable (ChildProcess) -> Void)? {
        get { self.state.withLock { $0.handler } }
        set { self.state.withLock { $0.handler = newValue } }
    }

    /// The process id; 0 before the start.
    public var processIdentifier: pid_t { self.state.withLock { $0.identifier } }

    /// Whether it was started and has not ended.
    public var isRunning: Bool { self.state.withLock { $0.identifier > 0 && $0.status == nil } }

    /// The exit code, or the number of the signal that ended it.
    public var terminationStatus: Int32 { self.state.withLock { $0.status ?? -1 } }

    /// Sends SIGTERM.
    public func terminate() { if self.isRunning { kill(self.processIdentifier, SIGTERM) } }

    /// Waits for the end; may be called again and by several threads.
    public func waitUntilExit() {
        self.ended.wait()
        self.ended.signal()
    }

    /// Starts the program.
    public func run() throws {
        let (url, arguments, variables, directory, streams) = self.state.withLock {
            ($0.executableURL, $0.arguments, $0.environment, $0.currentDirectoryURL, $0.streams)
        }
        guard let path = url?.path else { throw CocoaError(.fileNoSuchFile) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (descriptor, stream) in streams { posix_spawn_file_actions_adddup2(&actions, stream.handle.fileDescriptor, descriptor) }
        // Descriptors of other tests that run at the same time are none of the child's business.
        GNUSpawnActions.closeFrom(&actions, 3)
        if let directory { GNUSpawnActions.changeDirectory(&actions, directory.path) }

        let environment = (variables ?? ProcessInfo.processInfo.environment).map { "\($0.key)=\($0.value)" }
        var argv = ([path] + arguments).map { strdup($0) } + [nil]
        var envp = environment.map { strdup($0) } + [nil]
        defer { for pointer in argv + envp { free(pointer) } }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // A clean slate of signals: blocked and ignored ones would be inherited.
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var identifier: pid_t = 0
        let result = posix_spawn(&identifier, path, &actions, &attributes, &argv, &envp)
        for stream in streams.values where stream.isPipeEnd { try? stream.handle.close() }
        guard result == 0 else { throw POSIXError(POSIXErrorCode(rawValue: result) ?? .EINVAL) }
        let child = identifier
        self.state.withLock { $0.identifier = child }
        Thread.detachNewThread { self.reap(child) }
    }

    private func reap(_ identifier: pid_t) {
        var status: Int32 = 0
        while waitpid(identifier, &status, 0) < 0, errno == EINTR {}
        let code = status & 0x7f == 0 ? (status >> 8) & 0xff : status & 0x7f
        let handler = self.state.withLock { state in
            state.status = code
            defer { state.handler = nil }
            return state.handler
        }
        self.ended.signal()
        handler?(self)
    }

    private func setStream(_ descriptor: Int32, _ value: Any?) {
        let stream: Stream? =
            switch value {
            case let handle as FileHandle: Stream(handle: handle, isPipeEnd: false)
            case let pipe as Pipe:
                Stream(handle: descriptor == 0 ? pipe.fileHandleForReading : pipe.fileHandleForWriting, isPipeEnd: true)
            default: nil
            }
        self.state.withLock { $0.streams[descriptor] = stream }
    }
}

/// The spawn actions of the GNU C library, whose headers show them only to programs that define `_GNU_SOURCE`.
private enum GNUSpawnActions {
    private typealias CloseFrom = @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, CInt) -> CInt
    private typealias ChangeDirectory = @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, UnsafePointer<CChar>) -> CInt

    static func closeFrom(_ actions: inout posix_spawn_file_actions_t, _ descriptor: CInt) {
        guard let symbol = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np") else { return }
        _ = unsafeBitCast(symbol, to: CloseFrom.self)(&actions, descriptor)
    }

    static func changeDirectory(_ actions: inout posix_spawn_file_actions_t, _ path: String) {
        guard let symbol = dlsym(nil, "posix_spawn_file_actions_addchdir_np") else { return }
        _ = unsafeBitCast(symbol, to: ChangeDirectory.self)(&actions, path)
    }
}
