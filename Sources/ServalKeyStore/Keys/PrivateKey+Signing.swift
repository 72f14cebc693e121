extension PrivateKey {
    /// Signs a message.
    ///
    /// - Returns: The signature as certificates hold it: for ECDSA and DSA a SEQUENCE of two numbers.
    /// - Throws: `invalidInput` when such a key cannot make such signatures (another kind of key, too short a key, PSS parameters that the key
    ///   forbids), `unsupportedAlgorithm` for keys that cannot sign at all, `corrupt` when the numbers are not a key.
    /// - Complexity: About 1 ms; RSA takes 0.3 s with 16384 bits.
    public func sign(_ message: [UInt8], with algorithm: SignatureAlgorithm) throws(KeyStoreError) -> [UInt8] {
        guard canSign else { throw cannotSign }
        guard fits(algorithm) else { throw KeyStoreError(.invalidInput, "\(algorithm) cannot be made with this key: \(self)") }
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

    /// Whether the key is of the kind that makes such signatures.
    package func fits(_ signature: SignatureAlgorithm) -> Bool {
        switch (signature.scheme, algorithm) {
        case (.rsa, .rsa), (.rsaPSS, .rsa), (.rsaPSS, .rsaPSS), (.ecdsa, .ec), (.dsa, .dsa), (.ed25519, .ed25519), (.ed448, .ed448): true
        default: false
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
            return try OpenSSLKey(publicKeyInfo: publicKeyInfo).verify(signature, of: message, with: algorithm) ? .holds : .fails
        } catch {
            return error.code == .unsupportedAlgorithm ? .unknown : .fails
        }
    }
}
