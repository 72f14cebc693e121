import COpenSSL

/// A private key that never leaves the place where it is, such as a PKCS#11 token, and signs there.
///
/// ``PrivateKey/init(external:)`` makes a key of it that can be used wherever only signatures are needed.
public protocol ExternalPrivateKey: Sendable {
    /// What kind of key it is.
    var algorithm: PrivateKey.Algorithm { get }
    /// The SubjectPublicKeyInfo of its public key as DER.
    var publicKeyInfo: [UInt8] { get }
    /// Where the key is, for messages: `token [label], alias [name]`.
    var place: String { get }

    /// Signs; blocks until the answer is there or the time limit of the place has passed.
    ///
    /// - Throws: `unsupportedAlgorithm` for an operation that the place does not offer, `tokenNotResponding`, `tokenFailed` and whatever else keeps
    ///   the place from signing; each names the place.
    func sign(_ input: [UInt8], _ operation: ExternalSignature) throws(KeyStoreError) -> [UInt8]

    /// Signs without blocking.
    ///
    /// - Parameter completion: Called exactly once, on a thread of the place's own, within its time limit.
    func sign(_ input: [UInt8], _ operation: ExternalSignature, completion: @escaping @Sendable (Result<[UInt8], KeyStoreError>) -> Void)
}

/// The arithmetic that an ``ExternalPrivateKey`` is asked for.
public enum ExternalSignature: Hashable, Sendable {
    /// RSASSA-PKCS1-v1_5 over a DigestInfo (RFC 8017 section 9.2), which is the input.
    case rsaPKCS1
    /// The RSA private operation without padding; the input is as long as the modulus.
    case rsaRaw
    /// RSASSA-PSS over a digest, which is the input, with MGF1 of the same digest (`SHA256`, `SHA384`, `SHA512`, `SHA1`, `SHA224`).
    case rsaPSS(digest: String, saltLength: Int)
    /// ECDSA over a digest, which is the input; the answer is an ECDSA-Sig-Value in DER (RFC 3279 section 2.2.3).
    case ecdsa
}

extension ExternalPrivateKey {
    /// Signs a message: the digest is computed here, the rest in the place.
    func sign(_ message: [UInt8], with algorithm: SignatureAlgorithm) throws(KeyStoreError) -> [UInt8] {
        guard let digest = algorithm.digest else {
            throw KeyStoreError(.unsupportedAlgorithm, "\(place) cannot make signatures of the kind \(algorithm)")
        }
        let value = try digest.value(of: message)
        switch algorithm.scheme {
        case .rsa: return try sign(DEREncoding.sequence(DEREncoding.algorithm(digest.oid), DEREncoding.octetString(value)), .rsaPKCS1)
        case .rsaPSS(let parameters): return try sign(value, .rsaPSS(digest: digest.rawValue, saltLength: parameters.saltLength))
        case .ecdsa: return try sign(value, .ecdsa)
        default: throw KeyStoreError(.unsupportedAlgorithm, "\(place) cannot make signatures of the kind \(algorithm)")
        }
    }
}

extension SignatureDigest {
    /// The digest of a message.
    ///
    /// - Throws: `unsupportedAlgorithm` when OpenSSL does not have it.
    fileprivate func value(of message: [UInt8]) throws(KeyStoreError) -> [UInt8] {
        defer { ERR_clear_error() }
        let function = EVP_MD_fetch(nil, openSSLName, nil)
        defer { EVP_MD_free(function) }
        var value = [UInt8](repeating: 0, count: 64)
        var length: UInt32 = 0
        guard function != nil, EVP_Digest(message, message.count, &value, &length, function, nil) == 1 else {
            throw KeyStoreError(.unsupportedAlgorithm, "The digest \(name) is not available")
        }
        return Array(value.prefix(Int(length)))
    }
}
