import ServalKeyStore
import Testing

/// Files that are cut off, changed, made up: an error of the right kind, never a crash and never a wrong answer.
@Suite struct DamageTests {
    let authority: Authority

    init() throws {
        authority = try DamageTests.authority.get()
    }

    private static let authority = Result { try Authority() }

    static let formats = KeyStoreFormat.allCases

    @Test(arguments: formats)
    func aTruncatedFileIsCorrupt(_ format: KeyStoreFormat) throws {
        let bytes = try authority.store(format).serialized(password: "changeit")
        for length in stride(from: 64, to: bytes.count, by: 64) {
            #expect(code { try KeyStore(bytes: Array(bytes.prefix(length)), password: "changeit") } == .corrupt, "\(length) bytes")
        }
        #expect(code { try KeyStore(bytes: bytes.dropLast(), password: "changeit") } == .corrupt)
        #expect(code { try KeyStore(bytes: Array(bytes.prefix(3)), password: "changeit") } == .notAKeyStore)
    }

    @Test(arguments: formats)
    func aFlippedBitIsNoticed(_ format: KeyStoreFormat) throws {
        let bytes = try authority.store(format).serialized(password: "changeit")
        // Not inside the MAC's own salt and count, where a change cannot be told from a wrong password.
        let positions = stride(from: 16, to: bytes.count, by: format == .pkcs12 ? 97 : format == .jks ? 41 : 151)
        let allowed: Set<KeyStoreError.Code?> = [.corrupt, .unsupportedAlgorithm, .unsupportedFormat, .wrongPassword]
        var corrupt = 0
        var all = 0
        for position in positions {
            var changed = bytes
            changed[position] ^= 1 << UInt8(position % 8)
            let found = code { try KeyStore(bytes: changed, password: "changeit") }
            #expect(allowed.contains(found), "byte \(position): \(String(describing: found))")
            corrupt += found == .corrupt ? 1 : 0
            all += 1
        }
        #expect(corrupt > all * 3 / 4)
    }

    @Test func emptyAndRandomBytesAreNoStores() throws {
        #expect(code { try KeyStore(bytes: [], password: "changeit") } == .empty)
        var generator = SystemRandomNumberGenerator()
        for format in [[], [0xFE, 0xED, 0xFE, 0xED], [0xFE, 0xED, 0xFE, 0xED, 0, 0, 0, 2], [0x30, 0x20, 2, 1, 3], [0x30, 0x80, 2, 1, 3]] as [[UInt8]]
        {
            for length in 0..<200 {
                let bytes = format + (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
                #expect(throws: KeyStoreError.self) { try KeyStore(bytes: bytes, password: "changeit") }
                #expect(throws: (any Error).self) { try PrivateKey(pkcs8: bytes) }
                #expect(throws: KeyStoreError.self) { try CertificateData(der: bytes).fields() }
            }
        }
    }

    /// Small changes to every kind of input, read in every way: whatever comes out, nothing crashes.
    @Test func mutatedInputNeverCrashes() throws {
        let seeds: [[UInt8]] = [
            try authority.store(.jks).serialized(password: "x"), try authority.store(.pkcs12).serialized(password: "x"), authority.root.der,
            authority.rsaKey.pkcs8, authority.ecKey.pkcs8, Array(PEM.encode(authority.ecKey.pkcs8, label: "PRIVATE KEY").utf8),
        ]
        var generator = SystemRandomNumberGenerator()
        var read = 0
        for round in 0..<3000 {
            var bytes = seeds[round % seeds.count]
            let position = Int.random(in: 0..<(round % 2 == 0 ? 60 : bytes.count), using: &generator)
            switch round % 5 {
            case 0: bytes[position] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 2: bytes.remove(at: position)
            case 3: bytes.insert([0, 0x30, 0x7F, 0x80, 0x84, 0xFF].randomElement(using: &generator) ?? 0, at: position)
            default: bytes.removeSubrange(position...)
            }
            if let store = try? KeyStore(bytes: bytes, password: nil) {
                for alias in store.enumerationOrder { read += (try? store.identity(alias: alias, keyPassword: "x")) == nil ? 0 : 1 }
            }
            read += (try? CertificateData(der: bytes).fields()) == nil ? 0 : 1
            read += (try? PrivateKey(pkcs8: bytes).signingKey()) == nil ? 0 : 1
            read += (try? PEM.certificates(in: bytes)) == nil ? 0 : 1
            read += (try? PEM.privateKey(in: bytes, password: "x")) == nil ? 0 : 1
            _ = CertificateChain.build(leaf: CertificateData(der: bytes), from: [authority.root])
        }
        #expect(read > 0, "some changes leave the input readable, or the test would prove nothing")
    }

    @Test func lengthsBeyondTheFileAreCorrupt() throws {
        let header: [UInt8] = [0xFE, 0xED, 0xFE, 0xED, 0, 0, 0, 2]
        let trailer = [UInt8](repeating: 0, count: 20)
        #expect(code { try KeyStore(bytes: header + [0xFF, 0xFF, 0xFF, 0xFF] + trailer, password: "x") } == .corrupt)
        let key: [UInt8] = header + [0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0x61] + [UInt8](repeating: 0, count: 8) + [0x7F, 0xFF, 0xFF, 0xFF]
        #expect(code { try KeyStore(bytes: key + trailer, password: "x") } == .corrupt)
        #expect(code { try KeyStore(bytes: [0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 2, 1, 3, 0x30], password: "x") } == .corrupt)
        #expect(code { try KeyStore(bytes: [0x30, 0x88, 1, 1, 1, 1, 1, 1, 1, 1, 2, 1, 3], password: "x") } == .notAKeyStore)
    }

    @Test func deepNestingIsCorrupt() throws {
        let deep = [0x30, 0x80, 2, 1, 3] + Array(repeatElement([0x30, 0x80] as [UInt8], count: 100_000).joined())
        #expect(code { try KeyStore(bytes: deep, password: "x") } == .corrupt)
    }

    @Test func otherKindsOfFilesAreNamed() throws {
        func message(_ bytes: [UInt8]) -> String {
            do {
                _ = try KeyStore(bytes: bytes, password: "x")
                return ""
            } catch {
                return error.message
            }
        }
        #expect(message(Array(PEM.encode(authority.root.der, label: "CERTIFICATE").utf8)).contains("PEM"))
        #expect(message(authority.root.der).contains("certificate"))
        #expect(KeyStoreFormat.detect(authority.root.der) == nil)
    }

    @Test func noMessageOrDescriptionShowsAPasswordOrAKey() throws {
        let store = try KeyStore(bytes: authority.store(.jks).serialized(password: "sesame-open"), password: "sesame-open")
        var text = ""
        dump(store, to: &text)
        dump(authority.rsaKey, to: &text)
        text += "\(store) \(authority.rsaKey) \(String(reflecting: authority.rsaKey))"
        #expect(!text.contains("sesame"))
        #expect(!text.contains(String(describing: authority.rsaKey.pkcs8.prefix(40).dropFirst(30))))
    }
}
