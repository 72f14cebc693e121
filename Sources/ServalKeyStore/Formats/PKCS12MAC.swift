import COpenSSL

/// The MacData of a PKCS12 file: an HMAC under a key derived from the password, as in RFC 7292 or as PBMAC1 (RFC 9579).
struct PKCS12MAC {
    private enum Method {
        case pkcs12(digest: String)
        case pbmac1
    }

    private let method: Method
    private let derivation: KeyDerivation
    /// OpenSSL's name of the digest inside HMAC.
    private let digest: String
    private let value: [UInt8]

    init(_ macData: ASN1Value) throws(KeyStoreError) {
        var reader = try macData.reader()
        var digestInfo = try reader.next().reader()
        var algorithm = try digestInfo.next().reader()
        let oid = try algorithm.next().objectIdentifier()
        value = try digestInfo.next().octets()
        guard oid != .pbmac1 else {
            // Salt and iterations of the MacData mean nothing here.
            (derivation, digest) = try PKCS12MAC.pbmac1(algorithm.next())
            method = .pbmac1
            return
        }
        guard let known = PasswordAlgorithms.digests[oid] else {
            throw KeyStoreError(.unsupportedAlgorithm, "The PKCS12 key store's MAC uses \(PasswordAlgorithms.name(oid)), which is not supported")
        }
        let salt = try reader.next().octets()
        let iterations = try reader.next(ifTag: ASN1Value.integer)?.integer() ?? 1
        digest = known.name
        method = .pkcs12(digest: digest)
        derivation = KeyDerivation(.pkcs12(digest: digest, purpose: .mac), salt: salt, iterations: iterations, length: known.size)
    }

    private init(_ method: Method, _ derivation: KeyDerivation, digest: String, value: [UInt8]) {
        self.method = method
        self.derivation = derivation
        self.digest = digest
        self.value = value
    }

    func verifies(_ contents: ArraySlice<UInt8>, password: PasswordBytes, keys: DerivedKeys) throws(KeyStoreError) -> Bool {
        for bytes in encodings(password) {
            if try code(contents, password: bytes, keys: keys) == value { return true }
        }
        return false
    }

    private func encodings(_ password: PasswordBytes) -> [[UInt8]] {
        if case .pkcs12 = method { password.terminatedUTF16 } else { password.plain }
    }

    private func code(_ contents: ArraySlice<UInt8>, password: [UInt8], keys: DerivedKeys) throws(KeyStoreError) -> [UInt8] {
        let key = try keys.key(derivation, password: password)
        var output = [UInt8](repeating: 0, count: 64)
        let count = contents.withUnsafeBufferPointer { serval_hmac(digest, key, key.count, $0.baseAddress, $0.count, &output) }
        guard count > 0 else { throw KeyStoreError(.unsupportedAlgorithm, "OpenSSL does not offer HMAC-\(digest)") }
        return Array(output.prefix(count))
    }

    private static func pbmac1(_ parameters: ASN1Value) throws(KeyStoreError) -> (KeyDerivation, digest: String) {
        var reader = try parameters.reader()
        let function = try PasswordKeyFunction(reader.next())
        var scheme = try reader.next().reader()
        let oid = try scheme.next().objectIdentifier()
        guard let digest = PasswordAlgorithms.hmacDigests[oid] else {
            throw KeyStoreError(.unsupportedAlgorithm, "The PKCS12 key store's PBMAC1 uses \(PasswordAlgorithms.name(oid)), which is not supported")
        }
        // A short key could be found by trying all; RFC 9579 section 4 wants the length said.
        guard let length = function.keyLength, (16...1024).contains(length) else {
            throw KeyStoreError(.corrupt, "The PKCS12 key store's PBMAC1 does not say a key length of 16 to 1024 bytes")
        }
        return (function.derivation(length: length), digest)
    }
}

// MARK: Writing

extension PKCS12MAC {
    /// MacData with HMAC over SHA-256 (as JDK 17 writes it) or SHA-1: 20 bytes of salt, 10,000 iterations.
    static func make(_ contents: [UInt8], isLegacy: Bool, password: PasswordBytes, keys: DerivedKeys) throws(KeyStoreError) -> [UInt8] {
        let oid: OID = isLegacy ? .sha1 : .sha256
        let digest = isLegacy ? "SHA1" : "SHA256"
        let salt = SystemRandom.bytes(20)
        let function = KeyDerivation.Function.pkcs12(digest: digest, purpose: .mac)
        let derivation = KeyDerivation(function, salt: salt, iterations: 10_000, length: isLegacy ? 20 : 32)
        let mac = PKCS12MAC(.pkcs12(digest: digest), derivation, digest: digest, value: [])
        let value = try mac.code(contents[...], password: password.terminatedUTF16[0], keys: keys)
        return DEREncoding.sequence(
            DEREncoding.sequence(DEREncoding.algorithm(oid), DEREncoding.octetString(value)),
            DEREncoding.octetString(salt),
            DEREncoding.integer(derivation.iterations)
        )
    }

    /// MacData with PBMAC1: PBKDF2 with HMAC-SHA256, 20 bytes of salt, 10,000 iterations; HMAC-SHA256.
    static func makePBMAC1(_ contents: [UInt8], password: PasswordBytes, keys: DerivedKeys) throws(KeyStoreError) -> [UInt8] {
        let derivation = PasswordBasedEncryption.newDerivation()
        let value = try PKCS12MAC(.pbmac1, derivation, digest: "SHA256", value: []).code(contents[...], password: password.utf8, keys: keys)
        let parameters = DEREncoding.sequence(
            DEREncoding.sequence(DEREncoding.oid(.pbkdf2), PasswordBasedEncryption.pbkdf2(derivation)),
            DEREncoding.algorithm(.hmacSHA256)
        )
        let algorithm = DEREncoding.sequence(DEREncoding.oid(.pbmac1), parameters)
        return DEREncoding.sequence(
            DEREncoding.sequence(algorithm, DEREncoding.octetString(value)),
            DEREncoding.octetString(Array("NOT USED".utf8)),
            DEREncoding.integer(1)
        )
    }
}
