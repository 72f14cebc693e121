import ServalKeyStore
import Testing

/// Keys and signatures that somebody made to break their reader: each is a clear error, and soon.
@Suite struct BadKeyTests {
    private static let rsaOID: [UInt8] = [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01]
    private static let ecOID: [UInt8] = [0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01]
    private static let p256OID: [UInt8] = [0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07]
    private static let dsaOID: [UInt8] = [0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x38, 0x04, 0x01]
    /// The order of P-256.
    private static let order: [UInt8] = [
        0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E,
        0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51,
    ]

    private func value(_ tag: UInt8, _ contents: [UInt8]...) -> [UInt8] {
        let content = Array(contents.joined())
        var length: [UInt8] = []
        var rest = content.count
        repeat {
            length.insert(UInt8(rest & 0xFF), at: 0)
            rest >>= 8
        } while rest > 0
        return [tag] + (content.count < 0x80 ? [UInt8(content.count)] : [0x80 | UInt8(length.count)] + length) + content
    }

    private func number(_ digits: [UInt8]) -> [UInt8] { value(0x02, (digits.first ?? 0) >= 0x80 ? [0] + digits : digits) }

    private func pkcs8(_ algorithm: [UInt8], _ key: [UInt8]) -> [UInt8] { value(0x30, [0x02, 0x01, 0x00], value(0x30, algorithm), value(0x04, key)) }

    /// Reads a key and signs with it, if it can be read at all.
    private func use(_ pkcs8: [UInt8]) -> KeyStoreError.Code? {
        code {
            let key = try PrivateKey(pkcs8: pkcs8)
            if let algorithm = try? key.defaultSignatureAlgorithm() { _ = try key.sign([1, 2, 3], with: algorithm) }
            return key
        }
    }

    @Test(arguments: [
        PrivateKey.Algorithm.rsa(bits: 512), .rsaPSS(bits: 1024), .dsa(bits: 1024), .ec(curve: .p256), .ed25519, .ed448, .x25519,
    ])
    func damagedKeys(_ algorithm: PrivateKey.Algorithm) throws {
        let bytes = try PrivateKey.generate(algorithm).pkcs8
        for length in bytes.indices { #expect(use(Array(bytes.prefix(length))) == .corrupt) }
        #expect(use(bytes + [0]) == .corrupt)
        for position in stride(from: 0, to: bytes.count, by: 3) {
            var changed = bytes
            changed[position] ^= 0x81
            // Most are refused, some are other keys; none may do harm.
            _ = use(changed)
        }
    }

    @Test func scalarsOutsideTheCurve() throws {
        func key(_ scalar: [UInt8]) -> [UInt8] { pkcs8(Self.ecOID + Self.p256OID, value(0x30, [0x02, 0x01, 0x01], value(0x04, scalar))) }
        var below = Self.order
        below[31] -= 1
        #expect(use(key(below)) == nil)
        #expect(use(key([1])) == nil && use(key([0, 0, 0, 1])) == nil)
        for scalar in [[], [0], [UInt8](repeating: 0, count: 32), Self.order, [UInt8](repeating: 0xFF, count: 32), [1] + Self.order] {
            #expect(use(key(scalar)) == .corrupt, "\(scalar)")
        }
        #expect(use(key([UInt8](repeating: 1, count: 1 << 16))) == .corrupt)
        // A key of another curve, and a curve that the key itself describes.
        let long = try PrivateKey.generate(.ec(curve: .p521)).pkcs8
        let scalar = Array(long[(long.count - 66)...])
        #expect(use(key(scalar)) == .corrupt)
        let explicit = try PrivateKey(pkcs8: pkcs8(Self.ecOID + value(0x30, number([1])), value(0x30, [0x02, 0x01, 0x01], value(0x04, [1]))))
        #expect(explicit.algorithm == .other("1.2.840.10045.2.1"))
    }

    @Test func numbersOfRSAKeys() throws {
        let key = try PrivateKey.generate(.rsa(bits: 512))
        // RSAPrivateKey inside the OCTET STRING, number by number.
        let start = try #require(key.pkcs8.firstRange(of: [0x02, 0x01, 0x00, 0x02, 0x41])).lowerBound
        var numbers: [[UInt8]] = []
        var rest = key.pkcs8[start...]
        while let length = rest.dropFirst().first, rest.count >= Int(length) + 2 {
            numbers.append(Array(rest.prefix(Int(length) + 2).dropFirst(2)))
            rest = rest.dropFirst(Int(length) + 2)
        }
        try #require(numbers.count == 9)
        func use(_ change: (inout [[UInt8]]) -> Void) -> KeyStoreError.Code? {
            var changed = numbers
            change(&changed)
            return self.use(pkcs8(Self.rsaOID + [0x05, 0x00], value(0x30, Array(changed.map { value(0x02, $0) }.joined()))))
        }
        #expect(use { _ in } == nil)
        let huge = [0x7F] + [UInt8](repeating: 0xFF, count: 1 << 16)
        for position in 1..<9 {
            #expect(use { $0[position] = huge } != nil, "huge")
            #expect(use { $0[position] = [0] } != nil, "zero")
            #expect(use { $0[position] = [0x80, 1] } != nil, "negative")
            #expect(use { $0[position] = [] } != nil, "empty")
        }
        #expect(use { $0[1] = huge } == .unsupportedAlgorithm)
        #expect(use { $0[1] = [1] } == .unsupportedAlgorithm)
        #expect(use { $0[1][$0[1].count - 1] &= 0xFE } == .corrupt, "even")
        #expect(use { $0[2] = [2] } == .corrupt, "even")
        #expect(use { $0[4] = $0[5] } == .corrupt, "not the product")
        #expect(use { $0.removeLast() } == .corrupt)
        #expect(use { $0.append([1]) } == .unsupportedAlgorithm, "more than two primes")
        #expect(
            use {
                $0[4] = $0[1]; $0[5] = [1]
            } == .corrupt
        )
    }

    @Test func numbersOfDSAKeys() throws {
        let key = try PrivateKey.generate(.dsa(bits: 1024))
        let start = try #require(key.pkcs8.firstRange(of: Self.dsaOID)).upperBound
        // SEQUENCE { p, q, g } with a length of three octets, then the OCTET STRING of x.
        let group = key.pkcs8[start...]
        func numbers(_ bytes: ArraySlice<UInt8>) -> [[UInt8]] {
            var rest = bytes
            var numbers: [[UInt8]] = []
            while rest.first == 0x02, let first = rest.dropFirst().first {
                let header = first < 0x80 ? 2 : 3
                let length = first < 0x80 ? Int(first) : Int(rest[rest.startIndex + 2])
                numbers.append(Array(rest.dropFirst(header).prefix(length)))
                rest = rest.dropFirst(header + length)
            }
            return numbers
        }
        let parameters = numbers(group.dropFirst(4))
        try #require(parameters.count == 3)
        func use(_ x: [UInt8], _ change: (inout [[UInt8]]) -> Void = { _ in }) -> KeyStoreError.Code? {
            var changed = parameters
            change(&changed)
            let algorithm = Self.dsaOID + value(0x30, Array(changed.map { value(0x02, $0) }.joined()))
            return self.use(pkcs8(algorithm, value(0x02, x)))
        }
        let huge = [0x7F] + [UInt8](repeating: 0xFF, count: 1 << 16)
        #expect(use([5]) == nil)
        #expect(use([0]) == .corrupt)
        #expect(use([0x80]) == .corrupt, "negative")
        #expect(use(parameters[1]) == .corrupt, "as large as q")
        #expect(use(huge) == .corrupt)
        #expect(use([5]) { $0[0] = huge } == .unsupportedAlgorithm)
        #expect(use([5]) { $0[1] = huge } == .unsupportedAlgorithm)
        #expect(use([5]) { $0[2] = huge } == .corrupt)
        #expect(use([5]) { $0[2] = [1] } == .corrupt)
        #expect(use([5]) { $0[0][$0[0].count - 1] &= 0xFE } == .corrupt, "even")
        #expect(use([5]) { $0.removeLast() } == .corrupt)
        #expect(self.use(pkcs8(Self.dsaOID, value(0x02, [5]))) == .corrupt, "no group")
    }

    @Test func keysOfTheWrongLength() throws {
        for (last, length) in [(UInt8(110), 32), (111, 56), (112, 32), (113, 57)] {
            for count in [0, length - 1, length + 1, 1 << 16] {
                let key = pkcs8([0x06, 0x03, 0x2B, 0x65, last], value(0x04, [UInt8](repeating: 7, count: count)))
                #expect(use(key) == .corrupt, "\(last) \(count)")
            }
            #expect(use(pkcs8([0x06, 0x03, 0x2B, 0x65, last], value(0x04, [UInt8](repeating: 7, count: length)))) == nil)
        }
    }

    @Test func publicKeysAndSignaturesOfStrangers() throws {
        let key = try PrivateKey.generate(.ec(curve: .p256))
        let algorithm = try key.defaultSignatureAlgorithm()
        let signature = try key.sign([1], with: algorithm)
        func isValid(_ signature: [UInt8], _ publicKey: [UInt8], _ identifier: [UInt8]? = nil) -> Bool {
            SignatureAlgorithm.isValid(signature, of: [1], algorithmIdentifier: identifier ?? algorithm.identifier, publicKeyInfo: publicKey)
        }
        #expect(isValid(signature, key.publicKeyInfo))
        var offTheCurve = key.publicKeyInfo
        offTheCurve[offTheCurve.count - 1] ^= 1
        #expect(!isValid(signature, offTheCurve))
        for length in key.publicKeyInfo.indices { #expect(!isValid(signature, Array(key.publicKeyInfo.prefix(length)))) }
        for length in algorithm.identifier.indices { #expect(!isValid(signature, key.publicKeyInfo, Array(algorithm.identifier.prefix(length)))) }
        // Zeros, negative numbers, the order itself, and more than there should be.
        let zeros = value(0x30, number([0]), number([0]))
        for other in [zeros, value(0x30, number([1]), number(Self.order)), value(0x30, value(0x02, [0x80]), value(0x02, [0x80])), signature + [0]] {
            #expect(!isValid(other, key.publicKeyInfo))
        }
        // RSA with an exponent as long as the modulus, and with one that is longer than anything; PSS with absurd parameters.
        let digits = [0x7F] + [UInt8](repeating: 0xFF, count: 2047)
        for exponent in [digits, [0x7F] + [UInt8](repeating: 0xFF, count: 1 << 16)] {
            let rsa = value(0x30, value(0x30, Self.rsaOID + [0x05, 0x00]), value(0x03, [0], value(0x30, value(0x02, digits), value(0x02, exponent))))
            let identifier = try #require(SignatureAlgorithm(named: "SHA256withRSA")).identifier
            #expect(!isValid([UInt8](repeating: 1, count: 2048), rsa, identifier))
        }
        let pss: [UInt8] = [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0A]
        let rsa = try PrivateKey.generate(.rsa(bits: 1024))
        for salt in [[0x7F, 0xFF, 0xFF, 0xFF], [0x80], [0x7F, 0xFF]] as [[UInt8]] {
            let identifier = value(0x30, pss, value(0x30, value(0xA2, value(0x02, salt))))
            #expect(!isValid([UInt8](repeating: 1, count: 128), rsa.publicKeyInfo, identifier))
        }
    }
}
