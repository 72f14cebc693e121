import Foundation
import Glibc
import Synchronization

/// A TCP port of 127.0.0.1 that nobody else gets while this lives.
///
/// Whoever asks the system for a free port, gives it back and names it to a program may find that somebody else has got it in between: hundreds of
/// programs run beside each other here. This one keeps the port bound. It does not listen, so connections are refused, until ``listen()`` is called or a
/// program that was told the number listens. Programs can do so in spite of this, if they set `SO_REUSEADDR`, as servers do: Linux lets several sockets
/// that all set it have one port as long as none of them listens.
///
/// Where a program can choose its port and tell it, that is better still.
public final class ReservedPort: Sendable {
    /// The port.
    public let number: Int
    private let descriptor: Int32

    private static let refusing = Mutex<[ReservedPort]>([])

    /// Takes a port that is free.
    public init() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EINVAL) }
        var isShared: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &isShared, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0 }
        }
        guard isBound else {
            let error = errno
            close(descriptor)
            throw POSIXError(POSIXErrorCode(rawValue: error) ?? .EADDRINUSE)
        }
        self.descriptor = descriptor
        self.number = Int(in_port_t(bigEndian: address.sin_port))
    }

    deinit { close(self.descriptor) }

    /// Listens; the system takes connections, whether or not somebody ``accept()``s them.
    public func listen() throws {
        guard Glibc.listen(self.descriptor, 64) == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EADDRINUSE) }
    }

    /// Waits for a connection.
    ///
    /// - Returns: its descriptor, for the caller to close.
    public func accept() -> Int32 { Glibc.accept(self.descriptor, nil, nil) }

    /// A port at which connections are refused for as long as this process runs.
    public static func refusingConnections() throws -> Int {
        let port = try ReservedPort()
        self.refusing.withLock { $0.append(port) }
        return port.number
    }
}
