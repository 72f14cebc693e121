import ServalKeyStore
import Testing

/// Secret keys in the two formats that hold them, both directions between this library and the JDK.
@Suite struct SecretKeyTests {
    /// `s.PKCS12` and `s.JCEKS`, each with an AES key, a MAC key and a password, made once.
    private static let stores = Result {
        let folder = try Folder()
        for type in ["PKCS12", "JCEKS"] {
            for (algorithm, size) in [("AES", "256"), ("HmacSHA256", "512"), ("DES", "56"), ("DESede", "168"), ("ARCFOUR", "128")] {
                try Tool.keytool(
                    ["-genseckey", "-alias", algorithm, "-keyalg", algorithm, "-keysize", size, "-keypass", "changeit"] + options(type, folder)
                )
            }
            let command = ["keytool", "-importpass", "-alias", "password", "-keypass", "changeit"] + options(type, folder)
            try Tool.run(command, input: Array("sesame\nsesame\n".utf8))
        }
        return folder
    }

    private static func options(_ type: String, _ folder: Folder) -> [String] {
        ["-keystore", folder("s.\(type)"), "-storepass", "changeit", "-storetype", type]
    }

    private func key(_ store: KeyStore, _ alias: String, password: String? = nil) throws -> SecretKey {
        guard case .secretKey(let entry)? = store[alias]?.content else { throw Tool.Failure(description: "No secret key \(alias)") }
        return try entry.secretKey(password: password)
    }

    @Test(arguments: ["PKCS12", "JCEKS"])
    func keysOfTheJDKAreRead(_ type: String) throws {
        let store = try KeyStore(contentsOf: SecretKeyTests.stores.get()("s.\(type)"), password: "changeit")
        #expect(store.format.rawValue == type && store.isIntegrityVerified)
        for (algorithm, count) in [("AES", 32), ("HmacSHA256", 64), ("DES", 8), ("DESede", 24), ("ARCFOUR", 16)] {
            let key = try key(store, algorithm)
            #expect(key.algorithm == algorithm && key.bytes.count == count, "\(key)")
            // Parity bits show that a DES key came out whole.
            if algorithm.hasPrefix("DES") { #expect(key.bytes.allSatisfy { !$0.nonzeroBitCount.isMultiple(of: 2) }) }
        }
        #expect(try key(store, "password") == SecretKey(algorithm: "PBEWithMD5AndDES", bytes: Array("sesame".utf8)))
        #expect(code { try key(store, "AES", password: "wrong!") } == .wrongKeyPassword)
    }

    /// The JDK opens each key to convert it; what it then writes has the bytes that went in.
    @Test(arguments: [(KeyStoreFormat.jceks, "PKCS12"), (.pkcs12, "JCEKS"), (.jceks, "JCEKS"), (.pkcs12, "PKCS12")])
    func theJDKOpensKeysOfThisLibrary(_ format: KeyStoreFormat, _ type: String) throws {
        let folder = try Folder()
        var store = KeyStore(format: format)
        let keys = [
            "aes": SecretKey(algorithm: "AES", bytes: Array(0..<32)), "mac": SecretKey(algorithm: "HmacSHA512", bytes: Array(100..<180)),
            "des": SecretKey(algorithm: "DESede", bytes: (0..<24).map { 2 * $0 + 1 }),
            "password": SecretKey(algorithm: "PBEWithMD5AndDES", bytes: Array("open sesame".utf8)),
        ]
        for (alias, key) in keys { store.set(KeyStore.Entry(.secretKey(SecretKeyEntry(key: key))), alias: alias) }
        try store.write(to: folder("a"), password: "changeit")
        let text = try Tool.keytool(
            [
                "-importkeystore", "-srckeystore", folder("a"), "-srcstorepass", "changeit", "-destkeystore", folder("b"), "-deststorepass",
                "different", "-deststoretype", type,
            ]
        )
        #expect(text.contains("4 entries successfully imported"))
        let read = try KeyStore(contentsOf: folder("b"), password: "different")
        #expect(read.format.rawValue == type)
        // In JCEKS the JDK leaves a key the password it had in the source.
        for (alias, expected) in keys { #expect(try key(read, alias, password: type == "JCEKS" ? "changeit" : nil) == expected) }
    }

    @Test func keysMoveBetweenFormatsAndPasswords() throws {
        let folder = try SecretKeyTests.stores.get()
        for (from, to) in [("PKCS12", KeyStoreFormat.jceks), ("JCEKS", .pkcs12)] {
            let source = try KeyStore(contentsOf: folder("s.\(from)"), password: "changeit")
            var target = KeyStore(format: to)
            for alias in source.aliases { if let entry = source[alias] { target.set(entry, alias: alias) } }
            let read = try KeyStore(bytes: target.serialized(password: "another"), password: "another")
            for alias in source.aliases { #expect(try key(read, alias) == key(source, alias)) }
        }
    }

    @Test func aKeyMayHaveItsOwnPasswordInJCEKS() throws {
        let secret = SecretKey(algorithm: "Blowfish", bytes: [1, 2, 3, 4, 5])
        var store = KeyStore(format: .jceks)
        store.set(KeyStore.Entry(.secretKey(SecretKeyEntry(key: secret))), alias: "a", keyPassword: "keypass")
        var read = try KeyStore(bytes: store.serialized(password: "changeit"), password: "changeit")
        #expect(code { try key(read, "a") } == .wrongKeyPassword)
        #expect(try key(read, "a", password: "keypass") == secret)
        #expect(code { try read.changePassword(ofEntry: "a", from: nil, to: "x") } == .wrongKeyPassword)
        try read.changePassword(ofEntry: "A", from: "keypass", to: "another")
        let again = try KeyStore(bytes: read.serialized(password: "changeit"), password: "changeit")
        #expect(try key(again, "a", password: "another") == secret)
    }

    @Test func whatAFormatCannotHoldIsRefused() throws {
        var store = KeyStore(format: .pkcs12)
        store.set(KeyStore.Entry(.secretKey(SecretKeyEntry(key: SecretKey(algorithm: "HmacMD5", bytes: [1, 2])))), alias: "a")
        #expect(code { try store.serialized(password: "changeit") } == .unsupportedAlgorithm)
        var jks = KeyStore(format: .jks)
        if let entry = store["a"] { jks.set(entry, alias: "a") }
        #expect(code { try jks.serialized(password: "changeit") } == .unsupportedFormat)
    }

    @Test func descriptionsDoNotShowTheKey() {
        let key = SecretKey(algorithm: "AES", bytes: Array(repeating: 0xA7, count: 16))
        var text = "\(key) \(String(reflecting: key)) \(SecretKeyEntry(key: key, password: "sesame"))"
        dump(SecretKeyEntry(key: key, password: "sesame"), to: &text)
        #expect(text.contains("128-bit AES key") && !text.contains("167") && !text.contains("sesame"))
    }
}
