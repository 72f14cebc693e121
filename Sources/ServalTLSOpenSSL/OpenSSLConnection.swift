import COpenSSL
import NIOCore
import ServalKeyStore
import ServalTLS

/// One connection's `SSL` with the windows it reads from and writes to; freed when the last reference goes.
///
/// Not safe for concurrent use; it belongs to its connection's event loop.
final class OpenSSLConnection {
    let host: OpenSSLHostContext
    private let server: OpenSSLServerContext
    private let ssl: OpaquePointer
    private let io: UnsafeMutablePointer<serval_io>
    /// While the client is asked for a certificate after the handshake.
    private var lateAuthentication: UnsafeMutablePointer<serval_late_authentication>?
    /// Only where the host has keys in tokens.
    private let signing: ExternalSigning?
    /// Only where the host wants to know whether client certificates have been revoked.
    private let revocation: RevocationPause?

    /// Nil when memory is short.
    init?(_ host: OpenSSLHostContext, of server: OpenSSLServerContext) {
        io = .allocate(capacity: 1)
        io.initialize(to: serval_io())
        guard let ssl = serval_ssl_new(host.context, io) else {
            io.deallocate()
            return nil
        }
        let revocation = host.revocation.flatMap { RevocationPause(ssl, $0) }
        guard (revocation == nil) == (host.revocation == nil) else {
            SSL_free(ssl)
            io.deallocate()
            return nil
        }
        self.revocation = revocation
        self.ssl = ssl
        self.host = host
        self.server = server
        signing = host.externalKeys.isEmpty ? nil : ExternalSigning(ssl)
        server.connectionBegan()
    }

    deinit {
        abandonHandshake()
        SSL_free(ssl)
        lateAuthentication?.deallocate()
        serval_io_free_spill(io)
        X509_free(io.pointee.refused)
        io.deallocate()
        server.connectionEnded()
    }

    // MARK: Input and output

    /// Offers `bytes` as ciphertext from the client while `body` runs.
    @inline(__always)
    func withCiphertext(_ bytes: UnsafeRawBufferPointer, _ body: () -> Void) {
        io.pointee.in = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        io.pointee.in_length = bytes.count
        body()
        io.pointee.in = nil
        io.pointee.in_length = 0
    }

    /// What a step came to.
    enum Outcome {
        case done
        case needsCiphertext
        /// A key that is elsewhere has to sign; see ``signature(_:)``.
        case needsSignature(SignatureRequest)
        /// Somebody has to be asked whether the client's certificate has been revoked; see ``judgeClient(on:)``.
        case needsRevocationStatus
        /// The client has sent close_notify.
        case ended
        indirect case failed(TLSError)
    }

    /// Empties the thread's list of errors, in which `SSL_get_error` would take old ones for new.
    ///
    /// A look costs a tenth of emptying what is empty.
    private static func forgetErrors() { if ERR_peek_error() != 0 { ERR_clear_error() } }

    /// Goes on with the handshake as far as the ciphertext allows.
    ///
    /// - Parameter output: gets what is to be sent to the client, an alert included, after what it holds already.
    func handshake(into output: inout ByteBuffer) -> Outcome {
        Self.forgetErrors()
        let code = append(to: &output, capacity: 4096) { signing?.handshake() ?? SSL_do_handshake(ssl) }
        if let revocation, revocation.asks {
            // Reads and writes need no stack of their own.
            if code == 1 { serval_forbid_leaving(ssl) }
            if revocation.isWaiting { return .needsRevocationStatus }
        }
        if let signing, let outcome = signing.outcome(of: code, keys: host.externalKeys) { return outcome }
        return code == 1 ? .done : outcome(of: code, duringHandshake: true)
    }

    /// The signature that the handshake needed, or why there is none; the handshake can go on.
    func signature(_ result: Result<[UInt8], KeyStoreError>) { signing?.take(result) }

    /// What becomes of the client as far as revocation goes; nil if the handshake does not wait for that.
    func judgeClient(on loop: any EventLoop) -> RevocationChecker.Judgement? {
        guard let revocation, revocation.isWaiting else { return nil }
        return revocation.checker.judge(revocation.chain, on: loop)
    }

    /// How long the verdict may take; nil if nobody asks.
    var longestJudgement: TimeAmount? {
        // A service lets its own limit end a little later.
        revocation?.checker.policy.settings.map { TimeAmount($0.timeout) + .seconds(1) }
    }

    /// The verdict that the handshake waits for; it can go on.
    func decide(_ verdict: RevocationChecker.Verdict) { revocation?.decide(verdict) }

    /// Ends a handshake that was left: OpenSSL holds on to what it has begun.
    func abandonHandshake() {
        signing?.abandon()
        guard let revocation, revocation.isWaiting else { return }
        revocation.decide(.refused(TLSError(.handshakeAborted, "Nobody waits for the answer any more"), code: X509_V_ERR_OCSP_CERT_UNKNOWN))
        _ = signing?.handshake() ?? SSL_do_handshake(ssl)
        ERR_clear_error()
    }

    /// Decrypts one record, or what is left of one, to the end of `plaintext`.
    ///
    /// - Returns: `nil` if there was something to decrypt, as a rule.
    @inline(__always)
    func read(into plaintext: inout ByteBuffer) -> Outcome? {
        Self.forgetErrors()
        var code: Int32 = 0
        plaintext.writeWithUnsafeMutableBytes(minimumWritableBytes: 256) { window in
            guard let start = window.baseAddress else { return 0 }
            code = SSL_read(ssl, start, Int32(min(window.count, 1 << 20)))
            return max(Int(code), 0)
        }
        return code > 0 ? nil : outcome(of: code, duringHandshake: false)
    }

    /// Bytes of the present record that are decrypted and not read yet.
    var pendingPlaintext: Int { Int(SSL_pending(ssl)) }

    /// Ciphertext that has been offered and not consumed yet.
    var pendingCiphertext: Int { io.pointee.in_length }

    /// Whether OpenSSL wanted to send something while it read: alerts, key updates; ``takeReply(into:)`` has it.
    var hasReply: Bool { io.pointee.spill_length > 0 }

    func takeReply(into output: inout ByteBuffer) {
        guard hasReply else { return }
        output.writeBytes(UnsafeRawBufferPointer(start: io.pointee.spill, count: io.pointee.spill_length))
        serval_io_free_spill(io)
    }

    /// Encrypts `plaintext`, which must not be empty, into records of at most 16 KiB, which `output` gets after what it holds already.
    ///
    /// That fails only if OpenSSL has no memory, or the connection has failed before.
    @inline(__always)
    func write(_ plaintext: ByteBuffer, into output: inout ByteBuffer) throws(TLSError) {
        let count = plaintext.readableBytes
        let capacity = count + (count >> 14 + 1) * Self.recordOverhead
        let code = append(to: &output, capacity: capacity) {
            plaintext.withUnsafeReadableBytes { SSL_write(ssl, $0.baseAddress, Int32($0.count)) }
        }
        guard code > 0 else { throw writeFailure(code) }
    }

    private func writeFailure(_ code: Int32) -> TLSError {
        if case .failed(let error) = outcome(of: code, duringHandshake: false) { return error }
        return TLSError(.protocolViolation, "OpenSSL did not encrypt what was written")
    }

    /// Header, explicit nonce or IV, tag or MAC, padding: more than any cipher needs.
    private static let recordOverhead = 128

    /// Says close_notify.
    func sendCloseNotify(into output: inout ByteBuffer) { _ = append(to: &output, capacity: 64) { SSL_shutdown(ssl) } }

    /// Keeps OpenSSL from forgetting the session because the client went away without close_notify.
    func keepSession() {
        SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN)
    }

    /// Has what OpenSSL sends while `body` runs written to the end of `output`, directly as far as `capacity` reaches.
    @inline(__always)
    private func append(to output: inout ByteBuffer, capacity: Int, _ body: () -> Int32) -> Int32 {
        var code: Int32 = 0
        output.writeWithUnsafeMutableBytes(minimumWritableBytes: capacity) { window in
            io.pointee.out = window.baseAddress?.assumingMemoryBound(to: UInt8.self)
            io.pointee.out_capacity = window.count
            io.pointee.out_length = 0
            code = body()
            let count = io.pointee.out_length
            io.pointee.out = nil
            io.pointee.out_capacity = 0
            io.pointee.out_length = 0
            return count
        }
        takeReply(into: &output)
        return code
    }

    private func outcome(of code: Int32, duringHandshake: Bool) -> Outcome {
        switch SSL_get_error(ssl, code) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: .needsCiphertext
        case SSL_ERROR_ZERO_RETURN: .ended
        default: .failed(failure(duringHandshake: duringHandshake))
        }
    }

    private func failure(duringHandshake: Bool) -> TLSError {
        let verifyResult = SSL_get_verify_result(ssl)
        let refused = RefusedCertificate(io.pointee)
        let error = OpenSSLFailure.connectionError(duringHandshake: duringHandshake, verifyResult: verifyResult, refused: refused, host: host)
        guard error.code == .clientCertificateRejected, let revocation else { return error }
        return revocation.failure(verifyResult: verifyResult) ?? error
    }

    // MARK: Facts

    /// What is known after the handshake.
    ///
    /// - Parameter requestClientCertificates: asks the client for a certificate later; used only where ``canAskLater`` says so.
    func facts(
        serverName: String?,
        requestClientCertificates: (@Sendable () async -> TLSClientCertificates)? = nil
    ) -> TLSConnectionFacts {
        let session = SSL_get_session(ssl)
        let ticket = session.flatMap(TicketData.init(session:))
        let id = sessionID(session, ticket)
        let cipher = SSL_get_current_cipher(ssl)
        return TLSConnectionFacts(
            protocolVersion: protocolVersion,
            cipherSuite: cipher.map(Self.suite) ?? "",
            keySize: cipher.map { Int(SSL_CIPHER_get_bits($0, nil)) } ?? 0,
            group: serval_group_name(ssl).map { String(cString: $0) },
            sessionID: hexadecimal(id),
            serverName: serverName,
            hostName: host.hostName,
            isResumed: isResumed,
            applicationProtocol: applicationProtocol,
            clientCertificates: clientCertificates(ticket),
            hostNames: server.hostNames,
            invalidateSession: { [host] in host.invalidate(id) },
            requestClientCertificates: requestClientCertificates
        )
    }

    private var protocolVersion: String {
        switch SSL_version(ssl) {
        case TLS1_3_VERSION: "TLSv1.3"
        case TLS1_2_VERSION: "TLSv1.2"
        default: String(cString: SSL_get_version(ssl))
        }
    }

    /// The name in the RFCs; those that nearly all connections have need no memory.
    private static func suite(_ cipher: OpaquePointer) -> String {
        switch SSL_CIPHER_get_protocol_id(cipher) {
        case 0x1301: "TLS_AES_128_GCM_SHA256"
        case 0x1302: "TLS_AES_256_GCM_SHA384"
        case 0x1303: "TLS_CHACHA20_POLY1305_SHA256"
        default: SSL_CIPHER_standard_name(cipher).map { String(cString: $0) } ?? ""
        }
    }

    /// Why the resumed session must not be used: it has been invalidated while it was being resumed.
    ///
    /// Before that nothing is resumed that must not be (`OpenSSLHostContext.mayResume`).
    func refusalOfResumedSession() -> TLSError? {
        guard isResumed, let session = SSL_get_session(ssl) else { return nil }
        let ticket = TicketData(session: session)
        guard host.refuses(sessionID(session, ticket), begun: ticket?.begun ?? SSL_SESSION_get_time(session)) else { return nil }
        return TLSError(.sessionRevoked, "The client's TLS session was invalidated while it was being resumed")
    }

    /// The last alert that was sent to the client, by number.
    var alertSent: Int32? { io.pointee.alert_sent == 0 ? nil : Int32(io.pointee.alert_sent) - 1 }

    /// The last alert that the client sent, by number.
    var alertReceived: Int32? { io.pointee.alert_received == 0 ? nil : Int32(io.pointee.alert_received) - 1 }

    private var isResumed: Bool { SSL_session_reused(ssl) == 1 }

    private func sessionID(_ session: OpaquePointer?, _ ticket: TicketData?) -> [UInt8] {
        if let ticket { return ticket.id }
        var length: UInt32 = 0
        if let session, let start = SSL_SESSION_get_id(session, &length), length > 0 {
            return Array(UnsafeBufferPointer(start: start, count: Int(length)))
        }
        // Nothing to resume, so an id of this connection alone.
        return TicketData.newID()
    }

    private var applicationProtocol: String? {
        var start: UnsafePointer<UInt8>?
        var length: UInt32 = 0
        SSL_get0_alpn_selected(ssl, &start, &length)
        return length == 0 ? nil : String(decoding: UnsafeBufferPointer(start: start, count: Int(length)), as: UTF8.self)
    }

    private func intermediates(_ ticket: TicketData?) -> [[UInt8]] {
        SSL_get0_verified_chain(ssl) == nil ? ticket?.intermediates ?? [] : intermediatesOnPath(ssl)
    }

    /// Why the client must be refused though its certificates are good: nobody could say whose they are.
    func refusalOfUnreadableClient() -> TLSError? {
        guard host.verifiesClients, let leaf = SSL_get0_peer_certificate(ssl) else { return nil }
        let shown = [derBytes(of: leaf) ?? []] + intermediates(SSL_get_session(ssl).flatMap(TicketData.init(session:)))
        do throws(TLSError) {
            try ClientCertificateNames.check(shown)
            return nil
        } catch {
            return error
        }
    }

    private func clientCertificates(_ ticket: TicketData?) -> TLSClientCertificates {
        guard host.verifiesClients, let leaf = SSL_get0_peer_certificate(ssl), let bytes = derBytes(of: leaf) else { return .none }
        let intermediates = intermediates(ticket)
        guard case .optionalNoCA = host.clientAuthentication else {
            // A handshake does not come to its end with another result.
            return SSL_get_verify_result(ssl) == Int(X509_V_OK) ? .verified([bytes] + intermediates) : .none
        }
        // What OpenSSL says of such a handshake is that all is well; so the chain is looked at again, by the rules for verified ones.
        switch host.verification.verdict(on: leaf, intermediates: intermediates) {
        case .verified: return .verified([bytes] + intermediates)
        case .unverified: return .unverified([bytes] + intermediates)
        case .refused: return .none
        }
    }

    // MARK: Authentication after the handshake

    /// Whether the client may be asked for a certificate now that the handshake is over.
    ///
    /// Not in HTTP/2 (RFC 8740), and not before TLS 1.3, where that would need a renegotiation.
    var canAskLater: Bool {
        host.clientAuthentication.trust != nil && SSL_version(ssl) == TLS1_3_VERSION && applicationProtocol != "h2"
    }

    /// Asks the client for a certificate.
    ///
    /// - Parameter output: gets the question.
    /// - Returns: whether there is one; the client may not have offered to be asked.
    func askForCertificate(into output: inout ByteBuffer) -> Bool {
        guard lateAuthentication == nil else { return false }
        let state = UnsafeMutablePointer<serval_late_authentication>.allocate(capacity: 1)
        state.initialize(to: serval_late_authentication())
        lateAuthentication = state
        revocation?.isLate = true
        guard serval_begin_late_authentication(ssl, state) == 1 else {
            endLateAuthentication()
            ERR_clear_error()
            return false
        }
        Self.forgetErrors()
        return append(to: &output, capacity: 4096) { SSL_do_handshake(ssl) } == 1
    }

    /// What becomes of a client that has shown a certificate after the handshake; nil if there is nothing to ask.
    func judgeLateClient(on loop: any EventLoop) -> RevocationChecker.Judgement? {
        guard let revocation, let chain = revocation.takeLateChain() else { return nil }
        return revocation.checker.judge(chain, on: loop)
    }

    /// What the client has shown, once it has answered.
    ///
    /// Whether it has been revoked is for ``judgeLateClient(on:)`` to say.
    func takeAnswer() -> TLSClientCertificates? {
        guard let state = lateAuthentication, state.pointee.is_finished != 0 else { return nil }
        endLateAuthentication()
        return clientCertificates(SSL_get_session(ssl).flatMap(TicketData.init(session:)))
    }

    private func endLateAuthentication() {
        guard let state = lateAuthentication else { return }
        serval_end_late_authentication(ssl)
        state.deallocate()
        lateAuthentication = nil
    }
}
