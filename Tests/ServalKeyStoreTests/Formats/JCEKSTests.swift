import ServalKeyStore
import Testing

/// JCEKS files: both directions between this library and the JDK, and bytes on purpose that no JDK writes.
@Suite struct JCEKSTests {
    let authority: Authority

    init() throws {
        authority = try JCEKSTests.authority.get()
    }

    private static let authority = Result { try Authority() }

    /// From this library to the JDK's PKCS12, from there to the JDK's JCEKS, and back.
    @Test func keysAndCertificatesGoToTheJDKAndBack() throws {
        let folder = try Folder()
        try authority.store(.jceks).write(to: folder("ours"), password: "changeit")
        let list = try Tool.keytool("-list", "-v", "-keystore", folder("ours"), "-storepass", "changeit")
        #expect(list.contains("Keystore type: JCEKS") && list.contains("Your keystore contains 3 entries"))
        #expect(list.contains("Alias name: rsa\nCreation date: Nov 14, 2023\nEntry type: PrivateKeyEntry\nCertificate chain length: 3"))
        for (source, target, type) in [("ours", "jdk.p12", "PKCS12"), ("jdk.p12", "jdk.jceks", "JCEKS")] {
            let text = try Tool.keytool(
                [
                    "-importkeystore", "-srckeystore", folder(source), "-srcstorepass", "changeit", "-destkeystore", folder(target),
                    "-deststorepass", "changeit", "-deststoretype", type,
                ]
            )
            #expect(text.contains("3 entries successfully imported"))
        }
        let store = try KeyStore(contentsOf: folder("jdk.jceks"), password: "changeit")
        #expect(store.format == .jceks && store.isIntegrityVerified)
        #expect(try store.identity(alias: "rsa").chain == authority.rsaChain)
        #expect(try store.identity(alias: "EC").privateKey.publicKeyInfo == authority.ecKey.publicKeyInfo)
        #expect(try store.certificate("root") == authority.root)
        // A store that is read and written is the same, keys and all.
        #expect(try store.serialized(password: "changeit") == folder.bytes("jdk.jceks"))
    }

    @Test func aKeyWithItsOwnPasswordSaysSo() throws {
        let folder = try Folder()
        try authority.store(.jceks).write(to: folder("a"), password: "changeit")
        try Tool.keytool(
            ["-keypasswd", "-alias", "ec", "-keystore", folder("a"), "-storepass", "changeit", "-keypass", "changeit", "-new", "keypass"]
        )
        var store = try KeyStore(contentsOf: folder("a"), password: "changeit")
        #expect(code { try store.identity(alias: "ec") } == .wrongKeyPassword)
        #expect(try store.identity(alias: "ec", keyPassword: "keypass").privateKey.publicKeyInfo == authority.ecKey.publicKeyInfo)
        try store.changePassword(ofEntry: "EC", from: "keypass", to: "another")
        try store.write(to: folder("b"), password: "changeit")
        #expect(store.aliases.contains("ec"))
        let text = try Tool.keytool(
            [
                "-importkeystore", "-srckeystore", folder("b"), "-srcstorepass", "changeit", "-srcalias", "ec", "-srckeypass", "another",
                "-destkeystore", folder("c"), "-deststorepass", "changeit", "-deststoretype", "PKCS12", "-v",
            ]
        )
        #expect(text.contains("[Storing"))
        #expect(try KeyStore(contentsOf: folder("c"), password: "changeit").identity().chain == authority.ecChain)
    }

    @Test(arguments: [KeyStoreFormat.jks, .jceks])
    func changingAPasswordTellsWhatIsWrong(_ format: KeyStoreFormat) throws {
        var store = try KeyStore(bytes: authority.store(format).serialized(password: "changeit"), password: "changeit")
        #expect(code { try store.changePassword(ofEntry: "none", from: nil, to: "x") } == .aliasNotFound)
        #expect(code { try store.changePassword(ofEntry: "root", from: nil, to: "x") } == .notAKeyEntry)
        #expect(code { try store.changePassword(ofEntry: "rsa", from: "wrong", to: "x") } == .wrongKeyPassword)
        try store.changePassword(ofEntry: "rsa", from: nil, to: "keypass")
        let read = try KeyStore(bytes: store.serialized(password: "changeit"), password: "changeit")
        #expect(code { try read.identity(alias: "rsa") } == .wrongKeyPassword)
        #expect(try read.identity(alias: "rsa", keyPassword: "keypass").privateKey == authority.rsaKey)
        #expect(try read.identity(alias: "ec").privateKey == authority.ecKey)
        var pkcs12 = try authority.store(.pkcs12)
        #expect(code { try pkcs12.changePassword(ofEntry: "rsa", from: nil, to: "x") } == .unsupportedFormat)
    }

    @Test func wrongPasswordsAreToldFromDamage() throws {
        let bytes = try authority.store(.jceks).serialized(password: "changeit")
        #expect(code { try KeyStore(bytes: bytes, password: "Changeit") } == .wrongPassword)
        var changed = bytes
        changed[bytes.count - 5] ^= 0x40
        #expect(code { try KeyStore(bytes: changed, password: "changeit") } == .corrupt)
        #expect(try KeyStore(bytes: changed, password: nil).key("rsa").certificateChain.count == 3)
    }

    /// Made by a program with JDK 17: a key of the class `PBEKey`, which Java replaces by a `java.security.KeyRep`.
    @Test func keysThatJavaReplacesAreRead() throws {
        let store = try KeyStore(bytes: Base64Text.bytes(JCEKSTests.replacedKey), password: "changeit")
        guard case .secretKey(let entry)? = store["pbe"]?.content else { throw Tool.Failure(description: "\(store.aliases)") }
        #expect(try entry.secretKey() == SecretKey(algorithm: "PBEWithMD5AndDES", bytes: Array("abcdef".utf8)))
    }

    private func storeOfASecretKey() throws -> [UInt8] {
        var store = KeyStore(format: .jceks)
        let key = SecretKey(algorithm: "AES", bytes: Array(0..<16))
        store.set(KeyStore.Entry(.secretKey(SecretKeyEntry(key: key)), creationDate: 1), alias: "a")
        return try store.serialized(password: "changeit")
    }

    /// Other classes are refused by their name before anything of them is read.
    @Test func otherJavaObjectsAreRefused() throws {
        var bytes = try storeOfASecretKey()
        let known = Array("com.sun.crypto.provider.SealedObjectForKeyProtector".utf8)
        let evil = Array("org.evil.Gadget".utf8)
        let position = try #require(bytes.indices.first { bytes[$0...].starts(with: known) })
        bytes.replaceSubrange(position..<position + known.count, with: evil)
        bytes[position - 1] = UInt8(evil.count)
        do {
            _ = try KeyStore(bytes: bytes, password: nil)
            Issue.record("The store was read")
        } catch {
            #expect(error.code == .unsupportedAlgorithm && error.message.contains("org.evil.Gadget") && error.message.contains("Entry 1"), "\(error)")
        }
    }

    /// Every byte of a serialized key changed, one after the other: an error or another key, never a crash.
    @Test func changedObjectsAreRefused() throws {
        let bytes = try storeOfASecretKey()
        var refused = 0
        for position in 24..<bytes.count - 20 {
            for change: UInt8 in [0x01, 0x80, 0xFF] {
                var changed = bytes
                changed[position] ^= change
                refused += code { try KeyStore(bytes: changed, password: nil) } == nil ? 0 : 1
            }
        }
        #expect(refused > 300)
        for length in stride(from: 24, to: bytes.count - 21, by: 7) {
            let cut = Array(bytes.prefix(length)) + [UInt8](repeating: 0, count: 20)
            #expect(code { try KeyStore(bytes: cut, password: nil) } != nil, "\(length) bytes")
        }
    }

    @Test func deepAndManyJavaObjectsAreRefused() throws {
        let header: [UInt8] = [0xCE, 0xCE, 0xCE, 0xCE, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 0, 1, 0x61, 0, 0, 0, 0, 0, 0, 0, 1]
        let trailer = [UInt8](repeating: 0, count: 20)
        let type: [UInt8] = [0x72, 0, 2, 0x5B, 0x42] + [UInt8](repeating: 0, count: 8) + [2, 0, 0, 0x78]
        // Classes whose parents are classes, objects that are their own fields, handles of nothing, a class with 65,535 fields.
        let streams: [[UInt8]] = [
            [0x73] + Array(repeatElement(type, count: 10_000).joined()), [0x73, 0x71, 0, 0x7E, 0, 0], [0x71, 0xFF, 0xFF, 0xFF, 0xFF],
            [0x73] + type.dropLast(3) + [0xFF, 0xFF], [0x75] + type + [0x70, 0x7F, 0xFF, 0xFF, 0xFF], [0x7E] + type + [0x70, 0x70],
            [0x77, 4, 0, 0, 0, 0], [0x7B], [0x79],
        ]
        for stream in streams {
            let bytes = header + [0xAC, 0xED, 0, 5] + stream + trailer
            #expect(code { try KeyStore(bytes: bytes, password: nil) } == .corrupt, "\(stream.prefix(40))")
        }
    }

    static let replacedKey = """
        zs7OzgAAAAIAAAABAAAAAwADcGJlAAABofzzKHqs7QAFc3IAM2NvbS5zdW4uY3J5cHRvLnByb3ZpZGVyLlNlYWxlZE9iamVjdEZvcktleVByb3RlY3Rvcs1X
        ylnnMLtTAgAAeHIAGWphdmF4LmNyeXB0by5TZWFsZWRPYmplY3Q+Nj2mw7dUcAIABFsADWVuY29kZWRQYXJhbXN0AAJbQlsAEGVuY3J5cHRlZENvbnRlbnRx
        AH4AAkwACXBhcmFtc0FsZ3QAEkxqYXZhL2xhbmcvU3RyaW5nO0wAB3NlYWxBbGdxAH4AA3hwdXIAAltCrPMX+AYIVOACAAB4cAAAABEwDwQIJn+fez75GqYC
        AwMNQHVxAH4ABQAAARiRCNSxs42Y1aGLyyvV0cEnkotQSkAWSYBtWQakMkh2HLUGZ7//3lf2E4bDyruwdT7uB+G9+iXFqPhTXVfrK+HRV/BymZ7SsFG3x47p
        F85k6UgjkCBTcUvST1An0RjRBy312RB+3eYpdyl8JIY363Zqfz9qIEYZXTVytG4H/tdpANj+fAUiaO82T9nhRpa3yExKTLox8s/8h+WgUeuAK6cJ+pNt0MOC
        qAOi6RpwnxkRGZsghnnvlzPjNsaWfbQ6AeIRSdpFRA8X1/gsYCr4OeZ26h9CEKrmrPMho0P3L+uN8wQNEmbMsd5XLhJTRcPo/1kLT+1sXfOM6xfv19UHWQA5
        c4lcFlcDiVgPNj0+aAeAclktYrzDQK5GdAAWUEJFV2l0aE1ENUFuZFRyaXBsZURFU3QAFlBCRVdpdGhNRDVBbmRUcmlwbGVERVMKoNp8fh+AIIyECo1JRGm3
        egXo/g==
        """
}

/// Base64 in the sources of tests.
enum Base64Text {
    static func bytes(_ text: String) throws -> [UInt8] {
        try PEM.blocks(in: "-----BEGIN X-----\n\(text)\n-----END X-----\n".utf8)[0].bytes
    }
}
