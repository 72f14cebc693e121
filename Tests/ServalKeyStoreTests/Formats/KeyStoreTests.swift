import ServalKeyStore
import Testing

@Suite struct KeyStoreTests {
    let authority: Authority

    init() throws {
        authority = try KeyStoreTests.authority.get()
    }

    private static let authority = Result { try Authority() }

    @Test func namesOfFormats() {
        #expect(KeyStoreFormat(name: "jks") == .jks)
        #expect(KeyStoreFormat(name: "Pkcs12") == .pkcs12)
        #expect(KeyStoreFormat(name: "BKS") == nil)
    }

    @Test(arguments: KeyStoreFormat.allCases)
    func aliasesHaveNoCase(_ format: KeyStoreFormat) throws {
        var store = try authority.store(format)
        #expect(store.aliases == ["rsa", "ec", format == .pkcs12 ? "Root" : "root"])
        store.set(KeyStore.Entry(.trustedCertificate(authority.intermediate)), alias: "ROOT")
        #expect(store.count == 3)
        #expect(try store.certificate("root") == authority.intermediate)
        let removals = [store.remove(alias: "RSA"), store.remove(alias: "rsa")]
        #expect(removals == [true, false])
        #expect(store["EC"] != nil)
        #expect(try store.identity().chain == authority.ecChain)
    }

    /// Java compares names by their UTF-16; Swift's strings would take a composed and a decomposed letter for the same.
    @Test(arguments: KeyStoreFormat.allCases)
    func aliasesThatLookAlikeAreTwo(_ format: KeyStoreFormat) throws {
        var store = KeyStore(format: format)
        store.set(KeyStore.Entry(.trustedCertificate(authority.root)), alias: "caf\u{E9}")
        store.set(KeyStore.Entry(.trustedCertificate(authority.intermediate)), alias: "cafe\u{301}")
        #expect(store.count == 2)
        let read = try KeyStore(bytes: store.serialized(password: "changeit"), password: "changeit")
        #expect(read.count == 2)
        #expect(try read.certificate("CAF\u{C9}") == authority.root)
        #expect(try read.certificate("cafe\u{301}") == authority.intermediate)
    }

    /// Entries without a name get numbers, which must not be those of others.
    @Test func numbersOfNamelessEntriesAreFree() throws {
        var store = KeyStore(format: .pkcs12)
        store.set(KeyStore.Entry(.trustedCertificate(authority.root)), alias: "")
        store.set(KeyStore.Entry(.trustedCertificate(authority.intermediate)), alias: "1")
        let read = try KeyStore(bytes: store.serialized(password: "changeit"), password: "changeit")
        #expect(read.count == 2)
        #expect(try read.certificate("1") == authority.intermediate)
    }

    @Test(arguments: KeyStoreFormat.allCases, ["changeit", "", "pässwörd €"])
    func whatIsWrittenIsRead(_ format: KeyStoreFormat, _ password: String) throws {
        if format == .jceks, password.utf8.contains(where: { $0 >= 0x80 }) {
            #expect(code { try authority.store(format).serialized(password: password) } == .invalidInput, "the format knows ASCII only")
            return
        }
        let store = try KeyStore(bytes: authority.store(format).serialized(password: password), password: password)
        #expect(store.isIntegrityVerified)
        #expect(try store.identity(alias: "rsa").privateKey == authority.rsaKey)
        #expect(try store.identity(alias: "ec").chain == authority.ecChain)
        #expect(store["rsa"]?.creationDate == 1_700_000_000_123)
        #expect(try store.certificate("root") == authority.root)
        #expect(code { try KeyStore(bytes: store.serialized(password: password), password: "wrong") } != nil)
    }

    @Test(arguments: KeyStoreFormat.allCases)
    func errorsOfIdentityAreTold(_ format: KeyStoreFormat) throws {
        var store = try authority.store(format)
        #expect(code { try store.identity(alias: "none") } == .aliasNotFound)
        #expect(code { try store.identity(alias: "root") } == .notAKeyEntry)
        store.set(KeyStore.Entry(.privateKey(PrivateKeyEntry(key: authority.ecKey, chain: authority.rsaChain))), alias: "mixed")
        #expect(code { try store.identity(alias: "mixed") } == .keyMismatch)
        for alias in ["rsa", "ec", "mixed"] { store.remove(alias: alias) }
        #expect(code { try store.identity() } == .noKeyEntry)
    }

    @Test func entriesMoveBetweenFormats() throws {
        for (from, to) in [(KeyStoreFormat.jks, KeyStoreFormat.pkcs12), (.pkcs12, .jks), (.jks, .jceks), (.jceks, .pkcs12), (.jceks, .jks)] {
            let source = try KeyStore(bytes: authority.store(from).serialized(password: "changeit"), password: "changeit")
            var target = KeyStore(format: to)
            for alias in source.aliases { if let entry = source[alias] { target.set(entry, alias: alias) } }
            let read = try KeyStore(bytes: target.serialized(password: "another"), password: "another")
            #expect(try read.identity(alias: "rsa").privateKey == authority.rsaKey)
            #expect(try read.certificate("root") == authority.root)
        }
    }

    @Test func aKeyUnderItsOwnPasswordCannotMoveUnopened() throws {
        var jks = KeyStore(format: .jks)
        jks.set(KeyStore.Entry(.privateKey(PrivateKeyEntry(key: authority.ecKey, chain: authority.ecChain))), alias: "a", keyPassword: "keypass")
        let read = try KeyStore(bytes: jks.serialized(password: "changeit"), password: "changeit")
        #expect(code { try read.identity() } == .wrongKeyPassword)
        #expect(try read.identity(keyPassword: "keypass").privateKey == authority.ecKey)
        var p12 = KeyStore(format: .pkcs12)
        if let entry = read["a"] { p12.set(entry, alias: "a") }
        #expect(code { try p12.serialized(password: "changeit") } == .wrongKeyPassword)
    }

    @Test func aReplyIsInstalledWithoutTheKeysPassword() throws {
        var store = KeyStore(format: .jks)
        store.set(KeyStore.Entry(.privateKey(PrivateKeyEntry(key: authority.ecKey, chain: [authority.ecLeaf]))), alias: "a", keyPassword: "keypass")
        var read = try KeyStore(bytes: store.serialized(password: "changeit"), password: "changeit")
        var entry = try read.key("a")
        entry.certificateChain = authority.ecChain
        read.set(KeyStore.Entry(.privateKey(entry)), alias: "a")
        let again = try KeyStore(bytes: read.serialized(password: "changeit"), password: "changeit")
        #expect(try again.identity(keyPassword: "keypass").chain == authority.ecChain)
    }

    @Test func keysMadeInTheSameMillisecondKeepTheirCertificates() throws {
        var store = KeyStore(format: .pkcs12)
        let keys = [(authority.rsaKey, authority.rsaChain), (authority.ecKey, authority.ecChain)]
        for (index, (key, chain)) in keys.enumerated() {
            store.set(KeyStore.Entry(.privateKey(PrivateKeyEntry(key: key, chain: chain)), creationDate: 1), alias: "key\(index)")
        }
        let read = try KeyStore(bytes: store.serialized(password: "changeit"), password: "changeit")
        #expect(try read.identity(alias: "key0").chain == authority.rsaChain)
        #expect(try read.identity(alias: "key1").chain == authority.ecChain)
        #expect(read.unmarkedCertificates.isEmpty)
    }

    /// Version 1 of JKS does not name the certificates' type; the digest is not checked here.
    @Test func theFirstVersionOfJKSIsRead() throws {
        var store = KeyStore(format: .jks)
        store.set(KeyStore.Entry(.trustedCertificate(authority.root)), alias: "a")
        var bytes = try store.serialized(password: "changeit")
        // After magic, version, count, tag, alias and date stands the type: a length of two bytes and `X.509`.
        bytes.removeSubrange(27..<34)
        bytes[7] = 1
        #expect(try KeyStore(bytes: bytes, password: nil).certificate("a") == authority.root)
        bytes[7] = 3
        #expect(code { try KeyStore(bytes: bytes, password: nil) } == .unsupportedFormat)
    }

    @Test func aThousandEntriesTakeNoTime() throws {
        var store = KeyStore(format: .jks)
        let entry = KeyStore.Entry(.privateKey(PrivateKeyEntry(key: authority.ecKey, chain: authority.ecChain)))
        for index in 0..<1000 { store.set(entry, alias: "host-\(index)") }
        let bytes = try store.serialized(password: "changeit")
        var read: KeyStore?
        let time = try ContinuousClock().measure { read = try KeyStore(bytes: bytes, password: "changeit") }
        #expect(read?.count == 1000)
        // Quadratic behaviour takes minutes in a debug build; this leaves room for a loaded machine.
        #expect(time < .seconds(10))
    }

    @Test func namesInTheFileMayBeAnyText() throws {
        var store = KeyStore(format: .jks)
        for alias in ["ключ", "emoji 😀", "nul \0 inside", ""] { store.set(KeyStore.Entry(.trustedCertificate(authority.root)), alias: alias) }
        #expect(try KeyStore(bytes: store.serialized(password: "x"), password: "x").aliases == store.aliases)
        store.set(KeyStore.Entry(.trustedCertificate(authority.root)), alias: String(repeating: "a", count: 70_000))
        #expect(code { try store.serialized(password: "x") } == .invalidInput)
    }
}
