import COpenSSL
import Glibc

/// Asks a TLS server for its certificates, without judging them.
///
/// For tools: it blocks the thread. Speaks TLS 1.2 and 1.3, directly (no STARTTLS) and without a proxy.
package struct CertificateProbe {
    /// Why there are no certificates.
    package enum Failure: Error {
        /// The name leads to no address.
        case unknownHost(String)
        /// No connection to any of the addresses.
        case unreachable(String)
        /// There is somebody, who does not speak TLS.
        case notTLS(String)
        /// There is a TLS server, which ended the handshake before it had shown a certificate.
        case refused(String)
        /// The time is over.
        case timedOut
    }

    private let host: String
    private let port: UInt16
    private let deadline: Deadline

    /// Describes what to ask.
    ///
    /// - Parameters:
    ///   - host: A name, which is also sent to the server (SNI), or an address without brackets.
    ///   - timeout: For everything together.
    package init(host: String, port: UInt16, timeout: Duration = .seconds(15)) {
        self.host = host
        self.port = port
        deadline = Deadline(after: timeout)
    }

    /// The server's certificates as DER, its own first.
    package func certificates() throws(Failure) -> [[UInt8]] {
        let socket = try connect()
        defer { close(socket) }
        return try handshake(socket)
    }

    // MARK: Connection

    private func connect() throws(Failure) -> Int32 {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, String(port), &hints, &list)
        guard status == 0 else { throw .unknownHost(String(cString: gai_strerror(status))) }
        defer { freeaddrinfo(list) }
        var reason = "no address"
        var next = list
        while let address = next {
            next = address.pointee.ai_next
            let kind = address.pointee.ai_socktype | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            let descriptor = socket(address.pointee.ai_family, kind, address.pointee.ai_protocol)
            guard descriptor >= 0 else { continue }
            let problem = connect(descriptor, address.pointee)
            if problem == 0 { return descriptor }
            close(descriptor)
            if problem == ETIMEDOUT, deadline.isOver { throw .timedOut }
            reason = String(cString: strerror(problem))
        }
        throw .unreachable(reason)
    }

    /// Connects, and returns the number of the system's error, or 0.
    private func connect(_ descriptor: Int32, _ address: addrinfo) -> Int32 {
        if Glibc.connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 { return 0 }
        guard errno == EINPROGRESS || errno == EINTR else { return errno }
        guard deadline.wait(for: descriptor, POLLOUT) else { return ETIMEDOUT }
        var problem: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &problem, &size) == 0 ? problem : errno
    }

    // MARK: Handshake

    private func handshake(_ socket: Int32) throws(Failure) -> [[UInt8]] {
        guard let context = SSL_CTX_new(TLS_client_method()) else { throw .refused(OpenSSLFailure.takeReason()) }
        defer { SSL_CTX_free(context) }
        // Nothing is sent that needs protection: the weakest server may show its certificate.
        SSL_CTX_set_security_level(context, 0)
        SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nil)
        guard serval_ctx_set_versions(context, TLS1_2_VERSION, TLS1_3_VERSION) == 1, let ssl = SSL_new(context) else {
            throw .refused(OpenSSLFailure.takeReason())
        }
        defer { SSL_free(ssl) }
        guard SSL_set_fd(ssl, socket) == 1, isAddress || serval_set_server_name(ssl, host) == 1 else {
            throw .refused(OpenSSLFailure.takeReason())
        }
        while true {
            ERR_clear_error()
            let code = SSL_connect(ssl)
            let outcome = code == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl, code)
            switch outcome {
            case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE:
                guard deadline.wait(for: socket, outcome == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT) else { throw .timedOut }
            default:
                // A server that wants a certificate of the client ends the handshake when it has shown its own.
                let found = ServalTLSOpenSSL.certificates(in: SSL_get_peer_cert_chain(ssl))
                guard found.isEmpty else { return found }
                throw Self.failure(outcome)
            }
        }
    }

    private static func failure(_ outcome: Int32) -> Failure {
        guard outcome == SSL_ERROR_SSL else { return .notTLS("the connection was closed") }
        let number = serval_error_reason(ERR_peek_error())
        let words = OpenSSLFailure.takeReason()
        switch number {
        case SSL_R_WRONG_VERSION_NUMBER, SSL_R_HTTP_REQUEST, SSL_R_RECORD_LENGTH_MISMATCH, SSL_R_PACKET_LENGTH_TOO_LONG,
            SSL_R_UNEXPECTED_EOF_WHILE_READING:
            return .notTLS(words)
        default: return .refused(words)
        }
    }

    /// Server names are never addresses (RFC 6066 section 3).
    private var isAddress: Bool {
        var (four, six) = (in_addr(), in6_addr())
        return inet_pton(AF_INET, host, &four) == 1 || inet_pton(AF_INET6, host, &six) == 1
    }
}

/// The moment at which waiting ends.
private struct Deadline {
    private let end: ContinuousClock.Instant

    init(after timeout: Duration) {
        end = .now + timeout
    }

    var isOver: Bool { ContinuousClock.now >= end }

    /// Waits until the socket is ready; `false` when the time is over.
    func wait(for socket: Int32, _ events: Int32) -> Bool {
        while true {
            let left = (end - .now).components
            let milliseconds = left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000
            guard milliseconds > 0 else { return false }
            var descriptor = pollfd(fd: socket, events: Int16(events), revents: 0)
            let count = poll(&descriptor, 1, Int32(min(milliseconds, 60_000)))
            if count > 0 { return true }
            guard count == 0 || errno == EINTR else { return false }
        }
    }
}
