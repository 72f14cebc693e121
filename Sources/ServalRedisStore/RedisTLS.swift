import ServalSessions

/// TLS over a socket, by OpenSSL, which sees memory only: the socket's calls are our own, with their deadlines.
final class RedisTLS {
    private let library: OpenSSLLibrary
    private let socket: RedisSocket
    private let context: OpenSSLLibrary.Handle
    private let connection: OpenSSLLibrary.Handle
    private let received: OpenSSLLibrary.Handle
    private let unsent: OpenSSLLibrary.Handle

    /// Shakes hands.
    init(_ library: OpenSSLLibrary, _ socket: RedisSocket, _ settings: SessionDatabase.TLS, host: String) throws(RedisSocket.Failure) {
        self.library = library
        self.socket = socket
        library.clearErrors()
        guard let context = library.makeContext(library.clientMethod()) else { throw Self.failure(library, "TLS cannot be set up") }
        guard let connection = Self.configured(library, context, settings), let received = library.makeBuffer(library.memory()),
            let unsent = library.makeBuffer(library.memory())
        else {
            library.freeContext(context)
            throw Self.failure(library, "the files of certificates and key cannot be used")
        }
        (self.context, self.connection, self.received, self.unsent) = (context, connection, received, unsent)
        // Both belong to the connection from now on.
        library.setBuffers(connection, received, unsent)
        library.setConnecting(connection)
        let isAddress = host.utf8.contains(UInt8(ascii: ":")) || host.utf8.allSatisfy { $0 == UInt8(ascii: ".") || ($0 >= 0x30 && $0 <= 0x39) }
        // The server's name (SSL_CTRL_SET_TLSEXT_HOSTNAME), which is never an address.
        if !isAddress { _ = host.withCString { library.control(connection, 55, 0, $0) } }
        if settings.mode == .verifyFull {
            let isSet = isAddress ? library.setAddress(library.parameters(connection), host) : library.setHost(connection, host)
            guard isSet == 1 else { throw Self.failure(library, "the name of the server cannot be checked") }
        }
        try self.repeatUntilDone { library.handshake(connection) }
    }

    deinit {
        self.library.freeConnection(self.connection)
        self.library.freeContext(self.context)
    }

    private static func configured(
        _ library: OpenSSLLibrary,
        _ context: OpenSSLLibrary.Handle,
        _ settings: SessionDatabase.TLS
    ) -> OpenSSLLibrary.Handle? {
        // TLS 1.2 at least (SSL_CTRL_SET_MIN_PROTO_VERSION).
        guard library.controlContext(context, 123, 0x0303, nil) == 1 else { return nil }
        if settings.verifies {
            library.setVerification(context, 1, nil)
            guard library.loadTrust(context, settings.trustedCertificates, nil) == 1 else { return nil }
        }
        if let certificate = settings.certificate, let key = settings.key {
            guard library.useCertificates(context, certificate) == 1, library.useKey(context, key, 1) == 1 else { return nil }
        }
        return library.makeConnection(context)
    }

    func send(_ bytes: [UInt8]) throws(RedisSocket.Failure) {
        var sent = 0
        while sent < bytes.count {
            let count = min(bytes.count - sent, 1 << 20)
            let library = self.library
            let connection = self.connection
            try self.repeatUntilDone {
                bytes.withUnsafeBytes { library.write(connection, $0.baseAddress.map { $0 + sent }, Int32(count)) }
            }
            sent += count
        }
    }

    /// Some bytes, at least one.
    func receive() throws(RedisSocket.Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        let library = self.library
        let connection = self.connection
        try self.repeatUntilDone {
            var status: Int32 = 0
            bytes = [UInt8](unsafeUninitializedCapacity: 65536) { buffer, count in
                status = library.read(connection, buffer.baseAddress, Int32(buffer.count))
                count = Int(max(0, status))
            }
            return status
        }
        return bytes
    }

    /// Whether nothing has come since the last answer: neither data nor the end, as with the socket; but what TLS itself has to say, such as a new ticket, is nothing.
    var isQuiet: Bool {
        while !self.socket.isQuiet {
            guard let bytes = try? self.socket.receive(), self.library.writeBuffer(self.received, bytes, Int32(bytes.count)) == bytes.count else {
                return false
            }
            self.library.clearErrors()
            var byte: UInt8 = 0
            let status = self.library.read(self.connection, &byte, 1)
            // SSL_ERROR_WANT_READ
            guard status <= 0, self.library.error(self.connection, status) == 2, (try? self.flush()) != nil else { return false }
        }
        return true
    }

    /// Calls OpenSSL, and moves bytes between its memory and the socket, until it is satisfied.
    private func repeatUntilDone(_ call: () -> Int32) throws(RedisSocket.Failure) {
        while true {
            self.library.clearErrors()
            let status = call()
            let error = status > 0 ? 0 : self.library.error(self.connection, status)
            let failure = error == 0 || error == 2 || error == 3 ? nil : self.failure()
            // Also what a failure has to tell the other side.
            try self.flush()
            if let failure { throw failure }
            if error == 0 { return }
            // SSL_ERROR_WANT_READ
            guard error == 2 else { continue }
            let bytes = try self.socket.receive()
            guard self.library.writeBuffer(self.received, bytes, Int32(bytes.count)) == bytes.count else {
                throw RedisSocket.Failure(reason: "there is no memory for TLS")
            }
        }
    }

    private func flush() throws(RedisSocket.Failure) {
        while true {
            let bytes = [UInt8](unsafeUninitializedCapacity: 65536) { buffer, count in
                count = Int(max(0, self.library.readBuffer(self.unsent, buffer.baseAddress, Int32(buffer.count))))
            }
            if bytes.isEmpty { return }
            try self.socket.send(bytes)
        }
    }

    private func failure() -> RedisSocket.Failure {
        let verification = self.library.verification(self.connection)
        guard verification != 0 else { return Self.failure(self.library, "TLS fails") }
        let text = self.library.verificationText(verification).map { String(cString: $0) } ?? "unknown"
        return RedisSocket.Failure(reason: "its certificate is refused: \(text)", isRefusal: true)
    }

    private static func failure(_ library: OpenSSLLibrary, _ reason: String) -> RedisSocket.Failure {
        let text = library.errorText(library.nextError()).map { ": " + String(cString: $0) } ?? ""
        return RedisSocket.Failure(reason: reason + text, isRefusal: true)
    }
}
