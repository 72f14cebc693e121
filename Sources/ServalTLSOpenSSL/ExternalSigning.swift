import COpenSSL
import ServalKeyStore
import ServalTLS

/// A signature that a handshake waits for.
struct SignatureRequest: Sendable {
    let key: any ExternalPrivateKey
    let operation: ExternalSignature
    let input: [UInt8]
}

/// One connection's handshake with a key that signs elsewhere.
///
/// OpenSSL runs such a handshake on a stack of its own (`ASYNC_JOB`, 32 KiB); nothing of Swift stands on it while the handshake is left. Belongs to its
/// connection's event loop.
final class ExternalSigning {
    private let ssl: OpaquePointer
    private let pending: UnsafeMutablePointer<serval_signing>
    private var failure: KeyStoreError?

    init(_ ssl: OpaquePointer) {
        self.ssl = ssl
        pending = .allocate(capacity: 1)
        pending.initialize(to: serval_signing())
    }

    deinit { pending.deallocate() }

    func handshake() -> Int32 { serval_handshake(ssl, pending) }

    /// What a step of the handshake came to as far as the key is concerned; `nil` if it has nothing to do with it.
    func outcome(of code: Int32, keys: [any ExternalPrivateKey]) -> OpenSSLConnection.Outcome? {
        if code == 1 {
            // Reads and writes need no stack of their own.
            serval_forbid_leaving(ssl)
            return .done
        }
        if let failure {
            ERR_clear_error()
            return .failed(TLSError(.keyUnavailable, "The private key did not sign: \(failure.message)"))
        }
        guard SSL_get_error(ssl, code) == SSL_ERROR_WANT_ASYNC else { return nil }
        guard pending.pointee.state == SERVAL_SIGNING_WAITING, keys.indices.contains(pending.pointee.key), let operation = operation else {
            abandon()
            return .failed(TLSError(.handshakeFailed, "OpenSSL left the handshake without asking for a signature"))
        }
        let input = withUnsafeBytes(of: pending.pointee.input) { Array($0.prefix(pending.pointee.input_length)) }
        return .needsSignature(SignatureRequest(key: keys[pending.pointee.key], operation: operation, input: input))
    }

    func take(_ result: Result<[UInt8], KeyStoreError>) {
        guard pending.pointee.state == SERVAL_SIGNING_WAITING else { return }
        switch result {
        case .success(let signature) where signature.count <= MemoryLayout.size(ofValue: pending.pointee.output):
            withUnsafeMutableBytes(of: &pending.pointee.output) { $0.copyBytes(from: signature) }
            pending.pointee.output_length = signature.count
            pending.pointee.state = Int32(SERVAL_SIGNING_DONE)
        case .success(let signature):
            failure = KeyStoreError(.tokenFailed, "its signature has \(signature.count) bytes")
            pending.pointee.state = Int32(SERVAL_SIGNING_FAILED)
        case .failure(let error):
            failure = error
            pending.pointee.state = Int32(SERVAL_SIGNING_FAILED)
        }
    }

    /// Lets a handshake that was left run to its failure, so that its stack is given back.
    func abandon() {
        guard pending.pointee.state == SERVAL_SIGNING_WAITING else { return }
        take(.failure(KeyStoreError(.tokenFailed, "nobody waits for the signature any more")))
        _ = handshake()
        ERR_clear_error()
    }

    private var operation: ExternalSignature? {
        switch Int(pending.pointee.operation) {
        case SERVAL_RSA_PKCS1: .rsaPKCS1
        case SERVAL_RSA_RAW: .rsaRaw
        case SERVAL_ECDSA: .ecdsa
        default: nil
        }
    }
}
