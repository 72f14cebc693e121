import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Writes lines to a file descriptor, whole ones, in the order in which they came.
///
/// Whoever finds nobody writing writes, and takes along what others append meanwhile; so a line costs one system call when it is quiet and a share of one
/// under load, and nothing is left in a buffer when it is quiet again. If the reader is slower than the writers, lines beyond ``limit`` are dropped and
/// counted, which a line of its own tells afterwards.
public final class LogWriter: Sendable {
    private struct State {
        var buffer: [UInt8] = []
        var isWriting = false
        var dropped = 0
    }

    /// The most bytes that wait to be written.
    public static let limit = 4 << 20

    /// Writes to standard error.
    public static let standardError = LogWriter(descriptor: STDERR_FILENO)

    private let descriptor: Int32
    private let state = Mutex(State())

    /// A writer to an open descriptor, which stays open and belongs to the caller.
    public init(descriptor: Int32) { self.descriptor = descriptor }

    /// Appends a line; adds the line end.
    ///
    /// Returns when it is written, or when another thread is about to write it.
    public func write(_ line: String) {
        let mustWrite = self.state.withLock { state in
            guard state.buffer.count + line.utf8.count < Self.limit else {
                state.dropped += 1
                return false
            }
            state.buffer += line.utf8
            state.buffer.append(UInt8(ascii: "\n"))
            defer { state.isWriting = true }
            return !state.isWriting
        }
        if mustWrite { self.drain() }
    }

    private func drain() {
        while let bytes = self.next() { self.writeAll(bytes) }
    }

    private func next() -> [UInt8]? {
        self.state.withLock { state in
            if state.dropped > 0 {
                state.buffer += "\(state.dropped) log lines were dropped because the log could not be written fast enough\n".utf8
                state.dropped = 0
            }
            guard !state.buffer.isEmpty else {
                state.isWriting = false
                return nil
            }
            let bytes = state.buffer
            state.buffer = []
            return bytes
        }
    }

    private func writeAll(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { bytes in
            var rest = UnsafeRawBufferPointer(rebasing: bytes[...])
            while let start = rest.baseAddress, !rest.isEmpty {
                #if canImport(Darwin)
                    let count = Darwin.write(self.descriptor, start, rest.count)
                #elseif canImport(Musl)
                    let count = Musl.write(self.descriptor, start, rest.count)
                #else
                    let count = Glibc.write(self.descriptor, start, rest.count)
                #endif
                if count > 0 {
                    rest = UnsafeRawBufferPointer(rebasing: rest[count...])
                } else if errno == EAGAIN {
                    var wait = pollfd(fd: self.descriptor, events: Int16(POLLOUT), revents: 0)
                    _ = poll(&wait, 1, 1000)
                } else if errno != EINTR {
                    // Nobody reads the log any more; there is nowhere to tell it.
                    return
                }
            }
        }
    }
}
