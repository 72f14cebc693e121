import COpenSSL

/// A way to make a key out of a password, with everything but the password.
struct KeyDerivation: Hashable, Sendable {
    enum Purpose: Int32, Sendable {
        case key = 1
        case iv = 2
        case mac = 3
    }

    enum Function: Hashable, Sendable {
        /// RFC 8018 with HMAC over the digest of OpenSSL's name.
        case pbkdf2(digest: String)
        /// RFC 7292 appendix B.
        case pkcs12(digest: String, purpose: Purpose)
        /// RFC 8018: the digest over password and salt again and again.
        case pbkdf1(digest: String)
        /// Java's own for JCEKS: MD5 over each half of the salt and the password.
        case java
        /// RFC 7914; the iterations are its cost.
        case scrypt(blockSize: Int, parallelization: Int)
    }

    let function: Function
    let salt: [UInt8]
    let iterations: Int
    /// The key's length in bytes.
    let length: Int

    init(_ function: Function, salt: [UInt8], iterations: Int, length: Int) {
        self.function = function
        self.salt = salt
        self.iterations = iterations
        self.length = length
    }

    /// What it costs, in rounds of a hash function.
    var work: Int {
        switch function {
        case .pbkdf2, .pkcs12, .pbkdf1: iterations
        case .java: 2 * iterations
        // One round mixes twice 2 * r blocks with the eight rounds of Salsa20, about as much as a hash function.
        case .scrypt(let blockSize, let parallelization):
            [blockSize, parallelization, 4].reduce(iterations) { product, factor in
                let (result, overflow) = product.multipliedReportingOverflow(by: factor)
                return overflow ? .max : result
            }
        }
    }

    /// The key; ``checkLimits()`` comes first.
    ///
    /// - Throws: `unsupportedAlgorithm` when OpenSSL lacks the digest, `corrupt` when the parameters make no sense.
    func key(password: [UInt8]) throws(KeyStoreError) -> [UInt8] {
        var key = [UInt8](repeating: 0, count: length)
        let rounds = Int32(iterations)
        switch function {
        case .pbkdf2(let digest):
            guard serval_pbkdf2(digest, password, password.count, salt, salt.count, rounds, &key, length) == 1 else {
                throw KeyDerivation.failure("PBKDF2 and HMAC-\(digest)")
            }
        case .pkcs12(let digest, let purpose):
            guard serval_pkcs12_kdf(digest, password, password.count, salt, salt.count, purpose.rawValue, rounds, &key, length) == 1 else {
                throw KeyDerivation.failure("PKCS12's derivation and \(digest)")
            }
        case .pbkdf1(let digest): return Array(try iterated(digest, password + salt, []).prefix(length))
        case .java: return Array(try javaKey(password).prefix(length))
        case .scrypt(let blockSize, let parallelization):
            let memory = UInt64(2 * Limits.scryptMemory)
            let (cost, size, lanes) = (UInt64(iterations), UInt64(blockSize), UInt64(parallelization))
            guard serval_scrypt(password, password.count, salt, salt.count, cost, size, lanes, memory, &key, length) == 1 else {
                throw KeyStoreError(.corrupt, "The parameters of scrypt are not valid (N = \(cost), r = \(size), p = \(lanes))")
            }
        }
        return key
    }

    /// - Throws: `unsupportedAlgorithm` with the limit.
    func checkLimits() throws(KeyStoreError) {
        if case .scrypt(let blockSize, let parallelization) = function {
            let blocks = Limits.scryptMemory / 128
            guard blockSize > 0, parallelization > 0, blockSize <= blocks, iterations <= blocks / blockSize, work <= Limits.totalWork else {
                throw KeyStoreError(
                    .unsupportedAlgorithm,
                    """
                    scrypt asks for more memory or time than is accepted (N = \(iterations), r = \(blockSize), p = \(parallelization)); \
                    at most \(Limits.scryptMemory >> 20) MiB are
                    """
                )
            }
        }
        guard (1...Limits.iterations).contains(iterations) else {
            throw KeyStoreError(.unsupportedAlgorithm, "A key derivation asks for \(iterations) iterations; 1 to \(Limits.iterations) are accepted")
        }
    }

    private func iterated(_ digest: String, _ seed: [UInt8], _ suffix: [UInt8]) throws(KeyStoreError) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: 64)
        let count = serval_iterated_digest(digest, seed, seed.count, suffix, suffix.count, Int32(iterations), &output)
        guard count > 0 else { throw KeyDerivation.failure(digest) }
        return Array(output.prefix(count))
    }

    /// Key and initialisation vector: MD5 chained over the first half of the salt, then over the second.
    ///
    /// Equal halves would give two equal keys; Java then turns the first one round.
    private func javaKey(_ password: [UInt8]) throws(KeyStoreError) -> [UInt8] {
        guard salt.count == 8 else { throw KeyStoreError(.corrupt, "The salt of a JCEKS key has \(salt.count) bytes instead of 8") }
        let (first, second) = (Array(salt.prefix(4)), Array(salt.suffix(4)))
        return try iterated("MD5", first == second ? first.reversed() : first, password) + iterated("MD5", second, password)
    }

    private static func failure(_ name: String) -> KeyStoreError {
        KeyStoreError(.unsupportedAlgorithm, "OpenSSL could not derive a key with \(name)")
    }
}
