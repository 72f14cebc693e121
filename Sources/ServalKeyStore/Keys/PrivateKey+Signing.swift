extension PrivateKey {
    /// Signs a message.
    ///
    /// - Returns: The signature as certificates hold it: for ECDSA and DSA a SEQUENCE of two numbers.
    /// - Throws: `invalidInput` when such a key cannot make such signatures (another kind of key, too short a key, PSS parameters that the key
    ///   forbids), `unsupportedAlgorithm` for keys that cannot sign at all, `corrupt` when the numbers are not a key.
    /// - Complexity: About 1 ms; RSA takes 0.3 s with 16384 bits.
    public func sign(_ message: [UInt8], with algorithm: SignatureAlgorithm) throws(KeyStoreError) -> [UInt8] {
        guard canSign else { throw cannotSign }
        if let obstacle = obstacle(to: algorithm) {
            throw KeyStoreError(.invalidInput, "\(algorithm) cannot be made with this key: \(self)\(obstacle.reason)")
        }
        if let external { return try external.sign(message, with: algorithm) }
        return try OpenSSLKey(pkcs8: PrivateKeyParts(pkcs8: pkcs8).computable).sign(message, with: algorithm)
    }

    /// The signature algorithm that JDK 17's keytool chooses for the key.
    ///
    /// - Throws: `unsupportedAlgorithm` for X25519, X448 and ``Algorithm/other(_:)``, which cannot sign.
    public func defaultSignatureAlgorithm() throws(KeyStoreError) -> SignatureAlgorithm {
        switch algorithm {
        case .rsa(let bits): try signatureAlgorithm(named: "\(Self.digest(forBits: bits).name)withRSA")
        case .rsaPSS: try signatureAlgorithm(named: "RSASSA-PSS")
        case .dsa(let bits): try signatureAlgorithm(named: "\(Self.digest(forBits: bits).name)withDSA")
        case .ec(.p256), .ec(.secp256k1): try signatureAlgorithm(named: "SHA256withECDSA")
        case .ec(.p384): try signatureAlgorithm(named: "SHA384withECDSA")
        case .ec(.p521): try signatureAlgorithm(named: "SHA512withECDSA")
        case .ed25519: try signatureAlgorithm(named: "Ed25519")
        case .ed448: try signatureAlgorithm(named: "Ed448")
        case .x25519, .x448, .other: throw cannotSign
        }
    }

    /// The algorithm with this name; where the name alone does not say everything, the key decides.
    ///
    /// `EdDSA` is that of the key; `RSASSA-PSS` has the parameters that the key prescribes, else a digest that fits the key's length. Whether the key
    /// can make such signatures is not checked.
    /// - Throws: `unsupportedAlgorithm` for an unknown name.
    public func signatureAlgorithm(named name: String) throws(KeyStoreError) -> SignatureAlgorithm {
        let name = name.uppercased() == "EDDSA" ? (algorithm == .ed448 ? "Ed448" : "Ed25519") : name
        guard let found = SignatureAlgorithm(named: name) else {
            throw KeyStoreError(.unsupportedAlgorithm, "There is no signature algorithm “\(name)”")
        }
        guard case .rsaPSS = found.scheme else { return found }
        switch algorithm {
        case .rsaPSS(let bits):
            return SignatureAlgorithm(pss: try PrivateKeyParts(pkcs8: pkcs8).pss ?? PSSParameters(digest: Self.digest(forBits: bits)))
        case .rsa(let bits): return SignatureAlgorithm(pss: PSSParameters(digest: Self.digest(forBits: bits)))
        default: return found
        }
    }

    /// Why a key cannot make signatures of an algorithm.
    package enum SigningObstacle: Hashable, Sendable {
        /// The algorithm is for keys of another kind.
        case anotherKind
        /// The RSA key has no room for the digest; for PSS the bytes it would need.
        case tooShort(bytesNeeded: Int?)
        /// The digest, named as in FIPS 180, is shorter than the numbers of the DSA key.
        case weakDigest(String)

        var reason: String {
            switch self {
            case .anotherKind: ""
            case .tooShort: ": it is too short"
            case .weakDigest(let digest): ": \(digest) is too weak for its size"
            }
        }
    }

    /// What stands in the way of making such signatures; `nil` when nothing does.
    package func obstacle(to signature: SignatureAlgorithm) -> SigningObstacle? {
        switch (signature.scheme, algorithm) {
        case (.ecdsa, .ec), (.ed25519, .ed25519), (.ed448, .ed448): return nil
        case (.rsa, .rsa(let bits)):
            // RFC 8017 section 9.2: eleven bytes of padding and the digest with its name.
            let isLong = (bits + 7) / 8 >= (signature.digest?.namedLength ?? 0) + 11
            return isLong ? nil : .tooShort(bytesNeeded: nil)
        case (.rsaPSS(let parameters), .rsa(let bits)), (.rsaPSS(let parameters), .rsaPSS(let bits)):
            let needed = parameters.digest.length + parameters.saltLength + 2
            return (bits - 1 + 7) / 8 >= needed ? nil : .tooShort(bytesNeeded: needed)
        case (.dsa, .dsa(let bits)):
            // Keys of 1024 bits date from a time when SHA-1 was the only choice.
            guard let digest = signature.digest, bits > 1024, let subprime = try? PrivateKeyParts(pkcs8: pkcs8).subprimeBits else { return nil }
            return digest.length * 8 < subprime ? .weakDigest(digest.standardName) : nil
        default: return .anotherKind
        }
    }

    private var canSign: Bool {
        switch algorithm {
        case .x25519, .x448, .other: false
        default: true
        }
    }

    private var cannotSign: KeyStoreError { KeyStoreError(.unsupportedAlgorithm, "A key cannot sign here: \(self)") }

    /// NIST SP 800-57: a digest about as strong as a modulus of that length.
    private static func digest(forBits bits: Int) -> SignatureDigest {
        bits > 7680 ? .sha512 : bits > 3072 ? .sha384 : .sha256
    }
}

extension SignatureAlgorithm {
    /// What came out of checking a signature.
    enum Verification {
        case holds, fails
        /// The algorithm or the kind of key cannot be computed here.
        case unknown
    }

    /// Whether `signature` is the signature of `message` under a public key; `false` also for what cannot be computed here.
    ///
    /// - Parameters:
    ///   - algorithmIdentifier: The AlgorithmIdentifier as DER, as it stands beside the signature.
    ///   - publicKeyInfo: The SubjectPublicKeyInfo as DER.
    package static func isValid(_ signature: [UInt8], of message: [UInt8], algorithmIdentifier: [UInt8], publicKeyInfo: [UInt8]) -> Bool {
        verification(of: signature, message: message, algorithmIdentifier: algorithmIdentifier, publicKeyInfo: publicKeyInfo) == .holds
    }

    static func verification(
        of signature: [UInt8],
        message: [UInt8],
        algorithmIdentifier: [UInt8],
        publicKeyInfo: [UInt8]
    ) -> Verification {
        guard let algorithm = SignatureAlgorithm(identifier: algorithmIdentifier) else { return .unknown }
        do throws(KeyStoreError) {
            guard algorithm.isMade(byKeysOf: try PublicKeyInfo.algorithm(of: publicKeyInfo)) else { return .fails }
            return try OpenSSLKey(publicKeyInfo: publicKeyInfo).verify(signature, of: message, with: algorithm) ? .holds : .fails
        } catch {
            return error.code == .unsupportedAlgorithm ? .unknown : .fails
        }
    }

    /// OpenSSL itself would take a signature for one of the key's kind, whatever the algorithm says.
    private func isMade(byKeysOf algorithm: OID) -> Bool {
        switch scheme {
        case .rsa: algorithm == .rsaEncryption
        case .rsaPSS: algorithm == .rsaEncryption || algorithm == .rsassaPSS
        case .ecdsa: algorithm == .ecPublicKey
        case .dsa: algorithm == .dsa
        case .ed25519: algorithm == .ed25519
        case .ed448: algorithm == .ed448
        }
    }
}
