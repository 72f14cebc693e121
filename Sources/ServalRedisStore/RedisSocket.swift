import ServalSessions

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A socket whose calls end by a deadline; only one thread uses it.
final class RedisSocket {
    /// Why there is no socket, or none any more.
    struct Failure: Error {
        var reason: String
        /// Whether it will be the same the next time.
        var isRefusal = false
    }

    private let descriptor: Int32
    var deadline: ContinuousClock.Instant

    /// Connects to a server; its name is looked up before, which the system bounds by its own time-outs.
    init(host: String, port: Int, deadline: ContinuousClock.Instant) throws(Failure) {
        self.deadline = deadline
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        #if canImport(Darwin)
            hints.ai_socktype = SOCK_STREAM
        #else
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #endif
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, "\(port)", &hints, &list)
        guard status == 0, let first = list else {
            throw Failure(reason: "the name '\(host)' is not known: \(String(cString: gai_strerror(status)))")
        }
        defer { freeaddrinfo(first) }
        var failure = Failure(reason: "the name '\(host)' has no address")
        for entry in sequence(first: first, next: { $0.pointee.ai_next }) {
            do throws(Failure) {
                self.descriptor = try Self.connect(entry.pointee.ai_family, entry.pointee.ai_addr, entry.pointee.ai_addrlen, until: deadline)
                return
            } catch {
                failure = error
            }
        }
        throw failure
    }

    /// Connects to a Unix socket.
    init(path: String, deadline: ContinuousClock.Instant) throws(Failure) {
        self.deadline = deadline
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard path.utf8.count < room else { throw Failure(reason: "the path of the socket is too long", isRefusal: true) }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let descriptor: Result<Int32, Failure> = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                Result { () throws(Failure) in
                    try Self.connect(AF_UNIX, pointer, socklen_t(MemoryLayout<sockaddr_un>.size), until: deadline)
                }
            }
        }
        self.descriptor = try descriptor.get()
    }

    deinit { close(self.descriptor) }

    private static func connect(
        _ family: Int32,
        _ address: UnsafePointer<sockaddr>?,
        _ length: socklen_t,
        until deadline: ContinuousClock.Instant
    ) throws(Failure) -> Int32 {
        #if canImport(Darwin)
            let descriptor = socket(family, SOCK_STREAM, 0)
        #else
            let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        #endif
        guard descriptor >= 0 else { throw Self.failure(errno) }
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        var one: Int32 = 1
        #if canImport(Darwin)
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &one, socklen_t(MemoryLayout<Int32>.size))
        #endif
        if family != AF_UNIX { setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size)) }
        #if canImport(Darwin)
            let status = Darwin.connect(descriptor, address, length)
        #else
            let status = Glibc.connect(descriptor, address, length)
        #endif
        do throws(Failure) {
            if status != 0 {
                guard errno == EINPROGRESS || errno == EAGAIN else { throw Self.failure(errno) }
                try Self.wait(descriptor, Int16(POLLOUT), until: deadline)
                var code: Int32 = 0
                var size = socklen_t(MemoryLayout<Int32>.size)
                guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size) == 0, code == 0 else { throw Self.failure(code) }
            }
        } catch {
            close(descriptor)
            throw error
        }
        return descriptor
    }

    /// Whether nothing has come since the last answer: not even the end.
    var isQuiet: Bool {
        var descriptor = pollfd(fd: self.descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&descriptor, 1, 0) == 0
    }

    func send(_ bytes: [UInt8]) throws(Failure) {
        var sent = 0
        while sent < bytes.count {
            let (count, code) = bytes.withUnsafeBytes { buffer in
                #if canImport(Darwin)
                    let count = Darwin.send(self.descriptor, buffer.baseAddress.map { $0 + sent }, buffer.count - sent, 0)
                #else
                    let count = Glibc.send(self.descriptor, buffer.baseAddress.map { $0 + sent }, buffer.count - sent, Int32(MSG_NOSIGNAL))
                #endif
                return (count, errno)
            }
            if count > 0 {
                sent += count
            } else if code == EAGAIN {
                try Self.wait(self.descriptor, Int16(POLLOUT), until: self.deadline)
            } else if code != EINTR {
                throw Self.failure(code)
            }
        }
    }

    /// Some bytes, at least one.
    func receive() throws(Failure) -> [UInt8] {
        while true {
            var status = (count: 0, code: Int32(0))
            let bytes = [UInt8](unsafeUninitializedCapacity: 65536) { buffer, count in
                let received = recv(self.descriptor, buffer.baseAddress, buffer.count, 0)
                status = (received, errno)
                count = max(0, received)
            }
            if status.count > 0 { return bytes }
            guard status.count < 0 else { throw Failure(reason: "it has closed the connection") }
            if status.code == EAGAIN {
                try Self.wait(self.descriptor, Int16(POLLIN), until: self.deadline)
            } else if status.code != EINTR {
                throw Self.failure(status.code)
            }
        }
    }

    private static func wait(_ descriptor: Int32, _ events: Int16, until deadline: ContinuousClock.Instant) throws(Failure) {
        while true {
            let left = deadline - .now
            guard left > .zero else { throw Failure(reason: "it does not answer in time") }
            var entry = pollfd(fd: descriptor, events: events, revents: 0)
            let count = poll(&entry, 1, Int32(clamping: Int((left / .milliseconds(1)).rounded(.up))))
            if count > 0 { return }
            guard count == 0 || errno == EINTR else { throw Self.failure(errno) }
        }
    }

    private static func failure(_ code: Int32) -> Failure { Failure(reason: String(cString: strerror(code))) }
}
