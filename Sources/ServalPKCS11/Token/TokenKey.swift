import CPKCS11
import ServalKeyStore
import Synchronization

/// A private key in a token.
final class TokenKey: ExternalPrivateKey {
    let token: PKCS11Token
    /// `CKA_ID`, by which it is found again when handles have become invalid.
    let id: [UInt8]
    let alias: String
    let algorithm: PrivateKey.Algorithm
    let publicKeyInfo: [UInt8]
    private let handle = Mutex<(generation: Int, object: CK_OBJECT_HANDLE, wantsPIN: Bool)?>(nil)

    init(token: PKCS11Token, id: [UInt8], alias: String, publicKeyInfo: [UInt8]) {
        self.token = token
        self.id = id
        self.alias = alias
        self.publicKeyInfo = publicKeyInfo
        algorithm = TokenPublicKey.algorithm(of: publicKeyInfo)
    }

    var place: String { "\(token.place), alias [\(alias)]" }

    func sign(_ input: [UInt8], _ operation: ExternalSignature) throws(KeyStoreError) -> [UInt8] {
        try token.calls.run { () throws(KeyStoreError) in try self.signNow(input, operation) }
    }

    func sign(_ input: [UInt8], _ operation: ExternalSignature, completion: @escaping @Sendable (Result<[UInt8], KeyStoreError>) -> Void) {
        token.calls.start({ () throws(KeyStoreError) in try self.signNow(input, operation) }, completion: completion)
    }

    /// On one of the token's threads.
    private func signNow(_ input: [UInt8], _ operation: ExternalSignature) throws(KeyStoreError) -> [UInt8] {
        let mechanism = try mechanism(for: operation)
        let signature = try token.sessions.use { cryptoki, lease in
            let (object, wantsPIN) = try self.find(cryptoki, lease)
            return try cryptoki.sign(
                lease.session,
                mechanism,
                key: object,
                self.shortened(input, operation),
                contextPIN: wantsPIN ? self.token.sessions.pinBytes : nil
            )
        }
        switch operation {
        case .rsaPKCS1, .rsaPSS: return signature
        case .rsaRaw:
            // Some modules leave leading zeros out.
            return [UInt8](repeating: 0, count: max(0, input.count - signature.count)) + signature
        case .ecdsa:
            // Cryptoki gives both numbers one after the other, X.509 and TLS want them in DER.
            guard signature.count.isMultiple(of: 2) else { throw KeyStoreError(.tokenFailed, "\(place): the ECDSA signature has an odd length") }
            let half = signature.count / 2
            return DEREncoding.sequence(
                TokenPublicKey.unsigned(Array(signature[..<half])),
                TokenPublicKey.unsigned(Array(signature[half...]))
            )
        }
    }

    private func find(_ cryptoki: Cryptoki, _ lease: TokenSessions.Lease) throws -> (CK_OBJECT_HANDLE, Bool) {
        if let known = handle.withLock({ $0 }), known.generation == lease.generation { return (known.object, known.wantsPIN) }
        let found = try token.aloneWithObjects {
            try cryptoki.find(lease.session, [Attribute(CKA_CLASS, CKO_PRIVATE_KEY), Attribute(CKA_ID, id)])
        }
        guard let object = found.first else { throw KeyStoreError(.aliasNotFound, "\(place): the private key is not in the token any more") }
        let wantsPIN = try cryptoki.value(lease.session, object, CKA_ALWAYS_AUTHENTICATE) == [1]
        handle.withLock { $0 = (lease.generation, object, wantsPIN) }
        return (object, wantsPIN)
    }

    private func mechanism(for operation: ExternalSignature) throws(KeyStoreError) -> Mechanism {
        switch (operation, algorithm) {
        case (.rsaPKCS1, .rsa): return Mechanism(type: CKM_RSA_PKCS)
        case (.rsaRaw, .rsa): return Mechanism(type: CKM_RSA_X_509)
        case (.ecdsa, .ec): return Mechanism(type: CKM_ECDSA)
        case (.rsaPSS(let digest, let saltLength), .rsa):
            let known: [String: (CK_MECHANISM_TYPE, CK_ULONG)] = [
                "SHA1": (CKM_SHA_1, CKG_MGF1_SHA1), "SHA224": (CKM_SHA224, CKG_MGF1_SHA224), "SHA256": (CKM_SHA256, CKG_MGF1_SHA256),
                "SHA384": (CKM_SHA384, CKG_MGF1_SHA384), "SHA512": (CKM_SHA512, CKG_MGF1_SHA512),
            ]
            guard let (hash, mgf) = known[digest], saltLength >= 0 else {
                throw KeyStoreError(.unsupportedAlgorithm, "\(place): RSASSA-PSS with \(digest) is not possible in a token")
            }
            return Mechanism(type: CKM_RSA_PKCS_PSS, pss: CK_RSA_PKCS_PSS_PARAMS(hashAlg: hash, mgf: mgf, sLen: CK_ULONG(saltLength)))
        default:
            throw KeyStoreError(.unsupportedAlgorithm, "\(place): a key of the kind \(algorithm) cannot sign like that")
        }
    }

    /// ECDSA takes the leftmost bits of a digest that is longer than the curve's order; not every token does so itself.
    private func shortened(_ input: [UInt8], _ operation: ExternalSignature) -> [UInt8] {
        guard operation == .ecdsa, case .ec(let curve) = algorithm else { return input }
        switch curve {
        case .p256: return Array(input.prefix(32))
        case .p384: return Array(input.prefix(48))
        default: return input
        }
    }
}
