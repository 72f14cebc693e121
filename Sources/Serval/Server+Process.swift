import ServalTLSOpenSSL

/// For programs that are a server and nothing else.
extension Server {
    /// Makes handshakes cheaper by memory that OpenSSL keeps for itself, at most 1 MiB for each thread.
    ///
    /// Call it first in `main`: once something has been done with OpenSSL, nothing changes any more.
    ///
    /// - Returns: Whether that was in time.
    @discardableResult
    public static func keepTLSMemory() -> Bool { OpenSSLBackend.keepMemory() }
}
