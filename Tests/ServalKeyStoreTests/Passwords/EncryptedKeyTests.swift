import ServalKeyStore
import Testing

/// Keys encrypted by `openssl pkcs8` in every way that it knows; PKCS12 files use the same algorithms.
@Suite struct EncryptedKeyTests {
    private static let legacy = ["-provider", "legacy", "-provider", "default"]
    private static let key = Result { try PrivateKey.generate(.ec(curve: .p256)) }

    private func encrypted(_ options: [String], _ folder: Folder) throws -> PrivateKey {
        let key = try EncryptedKeyTests.key.get()
        try folder.write(PEM.encode(key.pkcs8, label: "PRIVATE KEY").utf8, "key.pem")
        try Tool.run(
            ["openssl", "pkcs8", "-topk8", "-in", folder("key.pem"), "-out", folder("out.pem"), "-passout", "pass:geheim"] + options
        )
        return key
    }

    @Test(arguments: [
        ["-v2", "aes256", "-v2prf", "hmacWithSHA512-256"], ["-v2", "aes256", "-v2prf", "hmacWithSHA512-224"],
        ["-v2", "aes256", "-v2prf", "hmacWithMD5"], ["-v2", "aes-192-cbc", "-v2prf", "hmacWithSHA224"],
        ["-v2", "camellia-128-cbc"], ["-v2", "camellia-192-cbc"], ["-v2", "camellia-256-cbc"], ["-v2", "aria-128-cbc"], ["-v2", "aria-192-cbc"],
        ["-v2", "aria-256-cbc"], ["-v2", "sm4-cbc"], ["-v2", "des-cbc"] + legacy, ["-v2", "rc2-cbc"] + legacy, ["-v2", "rc2-40-cbc"] + legacy,
        ["-v2", "rc2-64-cbc"] + legacy, ["-scrypt"], ["-scrypt", "-scrypt_N", "1024", "-scrypt_r", "4", "-scrypt_p", "3"],
        ["-v1", "PBE-SHA1-RC4-128"] + legacy, ["-v1", "PBE-SHA1-RC4-40"] + legacy, ["-v1", "PBE-SHA1-RC2-128"] + legacy,
        ["-v1", "PBE-SHA1-RC2-40"] + legacy, ["-v1", "PBE-SHA1-3DES"], ["-v1", "PBE-SHA1-2DES"], ["-v1", "PBE-MD5-DES"] + legacy,
        ["-v1", "PBE-SHA1-DES"] + legacy, ["-v1", "PBE-MD5-RC2-64"] + legacy, ["-v1", "PBE-SHA1-RC2-64"] + legacy,
    ])
    func everyAlgorithmOfOpenSSLIsRead(_ options: [String]) throws {
        let folder = try Folder()
        let key = try encrypted(options, folder)
        #expect(try PEM.privateKey(contentsOf: folder("out.pem"), password: "geheim") == key)
        for password in ["Geheim", "", "geheim "] {
            #expect(code { try PEM.privateKey(contentsOf: folder("out.pem"), password: password) } == .wrongKeyPassword)
        }
    }

    @Test(arguments: [("bf-cbc", "Blowfish"), ("seed-cbc", "SEED"), ("cast5-cbc", "CAST5")])
    func whatIsNotSupportedIsNamed(_ cipher: String, _ name: String) throws {
        let folder = try Folder()
        _ = try encrypted(["-v2", cipher] + EncryptedKeyTests.legacy, folder)
        do {
            _ = try PEM.privateKey(contentsOf: folder("out.pem"), password: "geheim")
            Issue.record("\(cipher) was read")
        } catch {
            #expect(error.code == .unsupportedAlgorithm && error.message.contains(name) && error.message.contains("out.pem"), "\(error)")
        }
    }

    /// OpenSSL's own headers around PEM; old single DES comes from a program that still has it.
    @Test(arguments: [
        ["-des"] + legacy, ["-des3"], ["-aes128"], ["-aes192"], ["-aes256"], ["-camellia128"], ["-camellia192"], ["-camellia256"], ["-aria128"],
        ["-aria192"], ["-aria256"],
    ])
    func everyCipherOfLegacyPEMIsRead(_ options: [String]) throws {
        let folder = try Folder()
        let key = try EncryptedKeyTests.key.get()
        try folder.write(PEM.encode(key.pkcs8, label: "PRIVATE KEY").utf8, "key.pem")
        try Tool.run(["openssl", "ec", "-in", folder("key.pem"), "-out", folder("out.pem"), "-passout", "pass:geheim"] + options)
        #expect(try folder.bytes("out.pem").starts(with: Array("-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED".utf8)))
        #expect(try PEM.privateKey(contentsOf: folder("out.pem"), password: "geheim").publicKeyInfo == key.publicKeyInfo)
        #expect(code { try PEM.privateKey(contentsOf: folder("out.pem"), password: "falsch") } == .wrongKeyPassword)
    }

    /// Parameters that would take minutes or gigabytes are refused with the limit, at once.
    @Test func whatTakesTooLongIsRefused() throws {
        let folder = try Folder()
        _ = try encrypted(["-scrypt"], folder)
        let scrypt = try PEM.blocks(in: folder.bytes("out.pem"))[0].bytes
        // N = 16384 stands as INTEGER of two bytes before r = 8.
        let cost = try #require(scrypt.indices.first { scrypt[$0...].starts(with: [0x02, 0x02, 0x40, 0x00, 0x02, 0x01, 0x08]) })
        _ = try encrypted(["-v2", "aes256", "-iter", "4096"], folder)
        let pbkdf2 = try PEM.blocks(in: folder.bytes("out.pem"))[0].bytes
        let iterations = try #require(pbkdf2.indices.first { pbkdf2[$0...].starts(with: [0x02, 0x02, 0x10, 0x00]) })
        func message(_ bytes: [UInt8]) -> String? {
            let clock = ContinuousClock()
            var text: String?
            let time = clock.measure {
                do throws(KeyStoreError) {
                    _ = try PEM.privateKey(in: bytes, password: "geheim")
                } catch {
                    text = "\(error.code): \(error.message)"
                }
            }
            #expect(time < .seconds(5))
            return text
        }
        var changed = scrypt
        // r = 127 needs 260 MB, and N is bound in the same way.
        changed[cost + 6] = 0x7F
        changed[cost + 2] = 0x7F
        #expect(message(changed)?.hasPrefix("unsupportedAlgorithm: scrypt asks for more memory") == true)
        changed = pbkdf2
        // The salt before it gives the count five more bytes.
        let grown = Array(pbkdf2[..<iterations]) + [0x02, 0x02, 0x7F, 0xFF] + pbkdf2[(iterations + 4)...]
        #expect(message(grown) == "wrongKeyPassword: Cannot recover key: the key's password is wrong")
        let large = try DERLengths.replacing(pbkdf2, at: iterations, 4, with: [0x02, 0x04, 0x00, 0x4C, 0x4B, 0x41])
        #expect(message(large)?.contains("asks for 5000001 iterations; 1 to 5000000 are accepted") == true)
    }
}

/// Changes DER so that the lengths around the change stay right.
enum DERLengths {
    /// - Parameter position: Where the bytes to be replaced begin; they are whole values.
    static func replacing(_ der: [UInt8], at position: Int, _ count: Int, with new: [UInt8]) throws -> [UInt8] {
        var result: [UInt8] = []
        var index = 0
        while index < der.count {
            if index == position {
                result += new
                index += count
                continue
            }
            guard index + 1 < der.count else { throw Tool.Failure(description: "DER ends early") }
            var header = 2
            var length = Int(der[index + 1])
            if length > 0x80 {
                header += length & 0x7F
                length = der[(index + 2)..<(index + header)].reduce(0) { $0 << 8 | Int($1) }
            }
            let end = index + header + length
            guard der[index] & 0x20 != 0, (index + header..<end).contains(position) else {
                result += der[index..<end]
                index = end
                continue
            }
            let content = try replacing(Array(der[(index + header)..<end]), at: position - index - header, count, with: new)
            result += [der[index], 0x84] + (0..<4).map { UInt8(truncatingIfNeeded: content.count >> (24 - 8 * $0)) } + content
            index = end
        }
        return result
    }
}
