import COpenSSL
import Logging
import ServalKeyStore
import ServalTLS
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// One TLS host's `SSL_CTX`.
///
/// It may be used from any thread: nothing in the `SSL_CTX` is changed after `init`.
final class OpenSSLHostContext: @unchecked Sendable {
    let context: OpaquePointer
    let hostName: String
    let summary: String
    /// The groups that were chosen; empty for OpenSSL's own choice.
    let groups: [String]
    /// What people are told of the host.
    let description: TLSHostDescription
    let protocolsInWords: String
    /// Whom the host asks for certificates.
    let clientAuthentication: ClientAuthentication
    /// Looks at the chains of resumed sessions, and of clients whose issuer need not be known.
    var verification: ChainVerification {
        ChainVerification(
            context: context,
            hasTrust: clientAuthentication.trust != nil,
            acceptsUnknownIssuers: clientAuthentication.acceptsUnknownIssuers,
            revocation: revocation
        )
    }
    /// Whether resumption state is in the cache and not in tickets.
    let keepsStateAtServer: Bool
    /// Keys that sign elsewhere; OpenSSL knows them by their places here.
    let externalKeys: [any ExternalPrivateKey]
    /// Decides about revoked client certificates; nil if nobody asks for them or nothing is configured.
    let revocation: RevocationChecker?
    /// What is presented about the host's own certificates.
    let staples: HostStaples
    private let sessionLifetime: Int
    private let applicationProtocols: [UInt8]
    private let ticketKeys: TicketKeyRing
    private let sessions: SessionCache
    /// One for the process: an invalidated session stays so when a reload has replaced its host's context.
    private static let revoked = Mutex(RevokedSessions())

    init(
        _ configuration: TLSHostConfiguration,
        alpnProtocols: [String],
        tokens: (any TLSTokens)?,
        service: RevocationService,
        stapleDirectory: String?,
        logger: Logger
    ) throws(TLSError) {
        guard let context = SSL_CTX_new(TLS_server_method()) else {
            throw TLSError(.backend, "OpenSSL cannot make a context: \(OpenSSLFailure.takeReason())")
        }
        self.context = context
        hostName = configuration.hostName
        clientAuthentication = configuration.clientAuthentication
        keepsStateAtServer = configuration.disablesSessionTickets
        let configured = Int(configuration.sessionTimeout.components.seconds)
        // RFC 8446 section 4.6.1 allows seven days.
        sessionLifetime = configured == 0 ? 604_800 : min(configured, 604_800)
        sessions = SessionCache(limit: configuration.sessionCacheSize == -1 ? 20480 : configuration.sessionCacheSize, lifetime: sessionLifetime)
        applicationProtocols = alpnProtocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }

        var ticketKeyMark: [UInt8]?
        var builder = HostContextBuilder(context, configuration, tokens: tokens, service: service, stapleDirectory: stapleDirectory, logger: logger)
        do {
            try builder.build(sessionLifetime: sessionLifetime)
            if let file = configuration.ticketKeyFile {
                ticketKeyMark = CertificateData(der: try TicketKeyFile.read(file).flatMap { $0 + [0] }).sha256Fingerprint
            }
            let rotation = Int(configuration.ticketKeyRotation.components.seconds)
            ticketKeys = try TicketKeyRing.shared(
                builder.settings,
                configuration.ticketKeyFile.map { .file($0) } ?? .random(rotation: rotation),
                lifetime: sessionLifetime,
                logger: logger
            )
        } catch {
            SSL_CTX_free(context)
            var error = error
            // Everything else has found its place already.
            error.origin = error.origin ?? configuration.origin?.place(of: "serval.sessionTicketKeyFile")
            throw error
        }
        summary = builder.summary
        protocolsInWords = builder.spokenProtocols.map(\.rawValue).joined(separator: "+")
        groups = builder.groups
        var description = builder.description
        description.ticketKeyMark = ticketKeyMark
        self.description = description
        externalKeys = builder.externalKeys
        revocation = builder.revocation
        staples = builder.staples
        installCallbacks()
    }

    deinit { SSL_CTX_free(context) }

    /// Whether clients show certificates, in the handshake or later.
    var verifiesClients: Bool { clientAuthentication != .none }

    /// The callbacks get `self` without a reference: an `SSL` never outlives its `OpenSSLConnection`, which holds one.
    private func installCallbacks() {
        let me = Unmanaged.passUnretained(self).toOpaque()
        SSL_CTX_set_alpn_select_cb(
            context,
            { ssl, chosen, chosenLength, offered, offeredLength, argument in
                guard let ssl, let argument, let chosen, let chosenLength, let offered else { return SSL_TLSEXT_ERR_NOACK }
                let host = Unmanaged<OpenSSLHostContext>.fromOpaque(argument).takeUnretainedValue()
                let list = UnsafeBufferPointer(start: offered, count: Int(offeredLength))
                return host.chooseProtocol(ssl, list, &chosen.pointee, &chosenLength.pointee)
            },
            me
        )
        SSL_CTX_set_session_ticket_cb(
            context,
            { ssl, _ in TicketData.stamp(ssl) },
            { _, session, _, _, status, argument in
                guard let argument else { return SSL_TICKET_RETURN_IGNORE_RENEW }
                return TicketData.decide(session, status: status, host: Unmanaged<OpenSSLHostContext>.fromOpaque(argument).takeUnretainedValue())
            },
            me
        )
        // The next callbacks get no argument of their own.
        SSL_CTX_set_ex_data(context, 0, me)
        SSL_CTX_sess_set_new_cb(context) { ssl, session in
            guard let ssl, let session, let host = OpenSSLHostContext.of(SSL_get_SSL_CTX(ssl)) else { return 0 }
            return host.keep(session, of: ssl) ? 1 : 0
        }
        SSL_CTX_sess_set_get_cb(context) { ssl, id, length, copies in
            // The reference is counted already.
            copies?.pointee = 0
            guard let ssl, let id, length > 0, let host = OpenSSLHostContext.of(SSL_get_SSL_CTX(ssl)) else { return nil }
            return host.find(Array(UnsafeBufferPointer(start: id, count: Int(length))))
        }
        SSL_CTX_sess_set_remove_cb(context) { context, session in
            guard let context, let session else { return }
            OpenSSLHostContext.of(context)?.forget(session)
        }
        SSL_CTX_set_tlsext_ticket_key_evp_cb(context) { ssl, name, iv, cipher, code, encrypts in
            guard let ssl, let name, let iv, let host = OpenSSLHostContext.of(SSL_get_SSL_CTX(ssl)) else { return -1 }
            return encrypts == 1 ? host.beginTicket(name, iv, cipher, code) : host.openTicket(ssl, name, iv, cipher, code)
        }
        guard !staples.isEmpty else { return }
        let present: serval_status_callback = { ssl, argument in
            guard let ssl, let argument else { return SSL_TLSEXT_ERR_NOACK }
            return Unmanaged<OpenSSLHostContext>.fromOpaque(argument).takeUnretainedValue().staples.present(to: ssl)
        }
        serval_ctx_set_status_callback(context, present, me)
    }

    private static func of(_ context: OpaquePointer?) -> OpenSSLHostContext? {
        guard let context, let me = SSL_CTX_get_ex_data(context, 0) else { return nil }
        return Unmanaged<OpenSSLHostContext>.fromOpaque(me).takeUnretainedValue()
    }

    /// How fresh everything about revocation is.
    var revocationFacts: TLSRevocationFacts {
        var facts = TLSRevocationFacts(hostName: hostName)
        facts.staples = staples.facts
        facts.revocationLists = revocation?.lists ?? []
        return facts
    }

    /// The server's first protocol that the client offers, HTTP/2 only with a cipher that is good enough for it; none is no reason to fail (RFC 7301 would have us send an alert, which breaks old clients for nothing).
    private func chooseProtocol(
        _ ssl: OpaquePointer,
        _ offered: UnsafeBufferPointer<UInt8>,
        _ chosen: inout UnsafePointer<UInt8>?,
        _ chosenLength: inout UInt8
    ) -> Int32 {
        guard let list = offered.baseAddress else { return SSL_TLSEXT_ERR_NOACK }
        // Both are lists of names, each behind its length.
        return applicationProtocols.withUnsafeBufferPointer { own in
            var start = 0
            while start < own.count, let name = own.baseAddress.map({ $0 + start + 1 }) {
                let length = Int(own[start])
                var position = 0
                while position < offered.count, position + 1 + Int(offered[position]) <= offered.count {
                    let candidate = list + position + 1
                    let isSame = Int(offered[position]) == length && length > 0 && memcmp(candidate, name, length) == 0
                    if isSame, !Self.isHTTP2(name, length) || Self.allowsHTTP2(ssl) {
                        // OpenSSL copies the chosen name at once; it may lie in the client's list.
                        chosen = candidate
                        chosenLength = offered[position]
                        return SSL_TLSEXT_ERR_OK
                    }
                    position += 1 + Int(offered[position])
                }
                start += 1 + length
            }
            return SSL_TLSEXT_ERR_NOACK
        }
    }

    private static func isHTTP2(_ name: UnsafePointer<UInt8>, _ length: Int) -> Bool {
        length == 2 && name[0] == UInt8(ascii: "h") && name[1] == UInt8(ascii: "2")
    }

    /// In TLS 1.2 OpenSSL has chosen the cipher before it asks for the protocol.
    private static func allowsHTTP2(_ ssl: OpaquePointer) -> Bool {
        guard SSL_version(ssl) != TLS1_3_VERSION else { return true }
        guard let cipher = SSL_get_pending_cipher(ssl), let suite = SSL_CIPHER_standard_name(cipher) else { return false }
        return HTTP2Ciphers.allow(protocolVersion: String(cString: SSL_get_version(ssl)), suite: String(cString: suite))
    }

    // MARK: Resumption

    private func beginTicket(
        _ name: UnsafeMutablePointer<UInt8>,
        _ iv: UnsafeMutablePointer<UInt8>,
        _ cipher: OpaquePointer?,
        _ code: OpaquePointer?
    ) -> Int32 {
        // 0 is a handshake without a ticket.
        guard let key = ticketKeys.current(now: currentSecond()), RandomBytes.fill(UnsafeMutableRawBufferPointer(start: iv, count: 16)) else {
            return 0
        }
        name.update(from: key.name, count: TicketKey.nameLength)
        return serval_ticket_keys(cipher, code, key.cipherKey, key.codeKey, iv, 1) == 1 ? 1 : -1
    }

    private func openTicket(
        _ ssl: OpaquePointer,
        _ name: UnsafeMutablePointer<UInt8>,
        _ iv: UnsafeMutablePointer<UInt8>,
        _ cipher: OpaquePointer?,
        _ code: OpaquePointer?
    ) -> Int32 {
        // 0 is a ticket of somebody else, or of other settings: a full handshake takes its place.
        let name = UnsafeBufferPointer(start: name, count: TicketKey.nameLength)
        guard let (key, isOld) = ticketKeys.find(name, now: currentSecond()) else { return 0 }
        guard serval_ticket_keys(cipher, code, key.cipherKey, key.codeKey, iv, 0) == 1 else { return -1 }
        // 2 asks for a new ticket. In TLS 1.3 each is used once (RFC 8446 appendix C.4).
        return isOld || SSL_version(ssl) == TLS1_3_VERSION ? 2 : 1
    }

    /// Whether a session must not be resumed: invalidated, or older than `sessionTimeout` although its tickets were renewed.
    func refuses(_ id: [UInt8], begun: Int) -> Bool {
        let age = currentSecond() - begun
        return age > sessionLifetime || Self.revoked.withLock { $0.contains(id, begun: begun) }
    }

    /// Makes a session unusable for further connections.
    func invalidate(_ id: [UInt8]) {
        let now = currentSecond()
        Self.revoked.withLock { $0.insert(id, expiry: now + sessionLifetime, now: now) }
    }

    /// Whether the client certificate in a stored session would still be accepted; true if there is none and none is required.
    ///
    /// Every resumption comes through here: what a certificate's expiry, the revocation lists and the responders' answers at hand say now is what counts.
    private func stillTrusts(_ session: OpaquePointer, intermediates: [[UInt8]]) -> Bool {
        guard verifiesClients else { return true }
        guard let leaf = SSL_SESSION_get0_peer(session) else { return SSL_CTX_get_verify_mode(context) & SSL_VERIFY_FAIL_IF_NO_PEER_CERT == 0 }
        return verification.verdict(on: leaf, intermediates: intermediates, withAnswers: true) != .refused
    }

    /// Whether a session may be resumed; if not, a full handshake takes its place.
    func mayResume(_ session: OpaquePointer, _ data: TicketData) -> Bool {
        !refuses(data.id, begun: data.begun) && stillTrusts(session, intermediates: data.intermediates)
    }

    // MARK: State at the server

    /// Called with each new session, and its reference if the answer is true.
    private func keep(_ session: OpaquePointer, of ssl: OpaquePointer) -> Bool {
        // In TLS 1.3 with tickets nobody comes back for it.
        guard keepsStateAtServer || SSL_version(ssl) != TLS1_3_VERSION else { return false }
        let size = verifiesClients ? peerCertificateBytes(ssl) : 0
        // Nobody resumes it; a client that sends much fills no memory.
        guard size <= SessionCache.longestChain else { return false }
        let handle = SessionHandle(session)
        let now = currentSecond()
        let present = TicketData(session: session)
        let data = present ?? TicketData(id: handle.id ?? [], begun: now, intermediates: verifiesClients ? intermediatesOnPath(ssl) : [])
        // With the session, so that whoever resumes it sees the chain that was verified and not all that was sent.
        if present == nil, data.id.count == TicketData.idLength, !data.intermediates.isEmpty {
            let bytes = data.encoded
            _ = SSL_SESSION_set1_ticket_appdata(session, bytes, bytes.count)
        }
        sessions.insert(handle, data, certificateBytes: size, now: now)
        return true
    }

    /// The session that a client names, with a reference of its own, if it may be resumed.
    private func find(_ id: [UInt8]) -> OpaquePointer? {
        guard let found = sessions.find(id, now: currentSecond()) else { return nil }
        guard mayResume(found.session.session, found.data) else {
            sessions.remove(id)
            return nil
        }
        return SSL_SESSION_up_ref(found.session.session) == 1 ? found.session.session : nil
    }

    /// Called with sessions that OpenSSL does not want to be resumed, as after a fatal error.
    private func forget(_ session: OpaquePointer) {
        var length: UInt32 = 0
        guard let start = SSL_SESSION_get_id(session, &length), length > 0 else { return }
        sessions.remove(Array(UnsafeBufferPointer(start: start, count: Int(length))))
    }
}

extension ClientAuthentication {
    fileprivate var acceptsUnknownIssuers: Bool {
        if case .optionalNoCA = self { return true }
        return false
    }
}
