import COpenSSL
import Logging
import ServalKeyStore
import ServalTLS
import Synchronization

/// One TLS host's `SSL_CTX`.
///
/// It may be used from any thread: nothing in the `SSL_CTX` is changed after `init` but its session cache, which OpenSSL locks.
final class OpenSSLHostContext: @unchecked Sendable {
    let context: OpaquePointer
    let hostName: String
    let summary: String
    let certificates: [TLSCertificateSummary]
    let protocolsInWords: String
    /// Whether clients are asked for certificates.
    let verifiesClients: Bool
    /// Whether resumption state is in the cache and not in tickets.
    let keepsStateAtServer: Bool
    /// Keys that sign elsewhere; OpenSSL knows them by their places here.
    let externalKeys: [any ExternalPrivateKey]
    private let sessionLifetime: Int
    private let applicationProtocols: [UInt8]
    private let revoked = Mutex(RevokedSessions())

    init(_ configuration: TLSHostConfiguration, alpnProtocols: [String], tokens: (any TLSTokens)?, logger: Logger) throws(TLSError) {
        guard let context = SSL_CTX_new(TLS_server_method()) else {
            throw TLSError(.backend, "OpenSSL cannot make a context: \(OpenSSLFailure.takeReason())")
        }
        self.context = context
        hostName = configuration.hostName
        protocolsInWords = configuration.protocols.sorted().map(\.rawValue).joined(separator: "+")
        verifiesClients = configuration.clientAuthentication != .none
        keepsStateAtServer = configuration.disablesSessionTickets
        let configured = Int(configuration.sessionTimeout.components.seconds)
        // RFC 8446 section 4.6.1 allows seven days.
        sessionLifetime = configured == 0 ? 604_800 : min(configured, 604_800)
        applicationProtocols = alpnProtocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }

        var builder = HostContextBuilder(context, configuration, tokens: tokens, logger: logger)
        do {
            try builder.build(sessionLifetime: sessionLifetime)
        } catch {
            SSL_CTX_free(context)
            throw error
        }
        summary = builder.summary
        certificates = builder.certificates
        externalKeys = builder.externalKeys
        installCallbacks()
    }

    deinit { SSL_CTX_free(context) }

    /// The callbacks get `self` without a reference: an `SSL` never outlives its `OpenSSLConnection`, which holds one.
    private func installCallbacks() {
        let me = Unmanaged.passUnretained(self).toOpaque()
        SSL_CTX_set_alpn_select_cb(
            context,
            { _, chosen, chosenLength, offered, offeredLength, argument in
                guard let argument, let chosen, let chosenLength, let offered else { return SSL_TLSEXT_ERR_NOACK }
                let host = Unmanaged<OpenSSLHostContext>.fromOpaque(argument).takeUnretainedValue()
                return host.chooseProtocol(UnsafeBufferPointer(start: offered, count: Int(offeredLength)), &chosen.pointee, &chosenLength.pointee)
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
    }

    /// The server's first protocol that the client offers; none is no reason to fail (RFC 7301 would have us send an alert, which breaks old clients for nothing).
    private func chooseProtocol(
        _ offered: UnsafeBufferPointer<UInt8>,
        _ chosen: inout UnsafePointer<UInt8>?,
        _ chosenLength: inout UInt8
    ) -> Int32 {
        var own = applicationProtocols[...]
        while let length = own.first {
            let name = own.dropFirst().prefix(Int(length))
            var position = 0
            while position < offered.count, position + 1 + Int(offered[position]) <= offered.count {
                let candidate = offered[position + 1..<position + 1 + Int(offered[position])]
                // OpenSSL copies the chosen name at once; it may lie in the client's list.
                if !candidate.isEmpty, candidate.elementsEqual(name), let base = offered.baseAddress {
                    chosen = base + position + 1
                    chosenLength = offered[position]
                    return SSL_TLSEXT_ERR_OK
                }
                position += 1 + Int(offered[position])
            }
            own = own.dropFirst(1 + Int(length))
        }
        return SSL_TLSEXT_ERR_NOACK
    }

    // MARK: Resumption

    /// Whether a session must not be resumed: invalidated, or older than `sessionTimeout` although its tickets were renewed.
    func refuses(_ id: [UInt8], begun: Int) -> Bool {
        let age = currentSecond() - begun
        return age > sessionLifetime || revoked.withLock { $0.contains(id, begun: begun) }
    }

    /// Makes a session unusable for further connections.
    func invalidate(_ id: [UInt8], _ handle: SessionHandle?) {
        let now = currentSecond()
        revoked.withLock { $0.insert(id, expiry: now + sessionLifetime, now: now) }
        if let handle { SSL_CTX_remove_session(context, handle.session) }
    }

    /// Whether the client certificate in a stored session would still be accepted; true if there is none and none is required.
    func stillTrusts(_ session: OpaquePointer, intermediates: [[UInt8]]) -> Bool {
        guard verifiesClients else { return true }
        guard let leaf = SSL_SESSION_get0_peer(session) else { return SSL_CTX_get_verify_mode(context) & SSL_VERIFY_FAIL_IF_NO_PEER_CERT == 0 }
        guard let store = SSL_CTX_get_cert_store(context), let check = X509_STORE_CTX_new(), let untrusted = serval_certs_new() else { return false }
        defer {
            X509_STORE_CTX_free(check)
            serval_certs_free(untrusted)
            ERR_clear_error()
        }
        for der in intermediates {
            guard let certificate = parseCertificate(der) else { return false }
            let isAdded = serval_certs_push(untrusted, certificate) == 1
            X509_free(certificate)
            guard isAdded else { return false }
        }
        guard X509_STORE_CTX_init(check, store, leaf, untrusted) == 1, X509_STORE_CTX_set_default(check, "ssl_client") == 1 else { return false }
        guard X509_VERIFY_PARAM_set1(X509_STORE_CTX_get0_param(check), SSL_CTX_get0_param(context)) == 1 else { return false }
        return X509_verify_cert(check) == 1
    }
}
