import ServalKeyStore
import Testing

/// Both directions between this library and the JDK 17's keytool.
@Suite struct JavaExchangeTests {
    let java: JavaStores

    init() throws {
        java = try JavaStores.shared.get()
    }

    @Test(arguments: ["jdk.jks", "jdk.p12", "legacy.p12"])
    func readsWhatTheJDKWrites(_ name: String) throws {
        let store = try KeyStore(contentsOf: java.folder(name), password: "changeit")
        #expect(store.format == (name.hasSuffix("jks") ? .jks : .pkcs12))
        #expect(store.isIntegrityVerified)
        #expect(Set(store.aliases.map { $0.lowercased() }) == ["rsa", "ec", "root"])
        #expect(try store.key("rsa").certificateChain == java.authority.rsaChain)
        #expect(try store.key("EC").certificateChain == java.authority.ecChain)
        #expect(try store.certificate("ROOT") == java.authority.root)
        #expect(try store.identity(alias: "rsa").privateKey.publicKeyInfo == java.authority.rsaKey.publicKeyInfo)
        let keyPassword = name.hasSuffix("jks") ? "keypass" : nil
        let ec = try store.identity(alias: "Ec", keyPassword: keyPassword)
        #expect(ec.privateKey.publicKeyInfo == java.authority.ecKey.publicKeyInfo)
        #expect(ec.privateKey.algorithm == .ec(curve: .p256))
    }

    @Test func theJDKListsWhatThisLibraryWrites() throws {
        for (name, type) in [("ours.jks", "JKS"), ("ours.p12", "PKCS12")] {
            let list = try Tool.keytool("-list", "-v", "-keystore", java.folder(name), "-storepass", "changeit")
            #expect(list.contains("Keystore type: \(type)"))
            #expect(list.contains("Your keystore contains 3 entries"))
            #expect(list.contains("Alias name: rsa\nCreation date: Nov 14, 2023\nEntry type: PrivateKeyEntry\nCertificate chain length: 3"))
            #expect(list.contains("Entry type: trustedCertEntry"))
            #expect(list.contains("Owner: CN=Root, O=\"Serval, Tests\", C=DE"))
            #expect(try list.contains("Owner: " + java.authority.intermediate.fields().subject.description))
            let fields = try java.authority.rsaLeaf.fields()
            #expect(list.contains("Serial number: \(fields.serialNumberDescription)\n"))
            #expect(list.contains("Subject Public Key Algorithm: \(fields.publicKeyDescription)\n"))
            #expect(list.contains("Signature algorithm name: \(fields.signatureAlgorithmName)\n"))
        }
    }

    /// The JDK refuses such passwords for PKCS12; for JKS it takes them as this library does.
    @Test func passwordsBeyondASCIIAgreeInJKS() throws {
        let folder = try Folder()
        try java.authority.store(.jks).write(to: folder("a.jks"), password: "pässwörd €")
        try Tool.keytool("-storepasswd", "-keystore", folder("a.jks"), "-storepass", "pässwörd €", "-new", "ключ-ключ")
        #expect(try KeyStore(contentsOf: folder("a.jks"), password: "ключ-ключ").count == 3)
    }

    @Test func aKeyWithItsOwnPasswordSaysSo() throws {
        let store = try KeyStore(contentsOf: java.folder("jdk.jks"), password: "changeit")
        #expect(code { try store.identity(alias: "ec") } == .wrongKeyPassword)
        #expect(code { try store.identity(alias: "ec", keyPassword: "nonsense") } == .wrongKeyPassword)
    }

    @Test func aJKSFileThatIsReadAndWrittenIsTheSame() throws {
        let bytes = try java.folder.bytes("jdk.jks")
        // The key `ec` has a password that is not known here.
        #expect(try KeyStore(bytes: bytes, password: "changeit").serialized(password: "changeit") == bytes)
    }

    @Test func withoutPasswordAJKSListsAllAndAPKCS12KeysOnly() throws {
        let jks = try KeyStore(contentsOf: java.folder("jdk.jks"), password: nil)
        #expect(!jks.isIntegrityVerified)
        #expect(try jks.key("rsa").certificateChain.count == 3)
        let p12 = try KeyStore(contentsOf: java.folder("jdk.p12"), password: nil)
        #expect(!p12.isIntegrityVerified)
        #expect(Set(p12.aliases) == ["rsa", "ec"])
        #expect(try p12.key("rsa").certificateChain.isEmpty)
        #expect(code { try p12.serialized(password: "changeit") } == .wrongPassword, "writing it would lose the certificates")
    }

    @Test(arguments: ["jdk.jks", "jdk.p12", "legacy.p12"])
    func wrongPasswordsAreToldFromDamage(_ name: String) throws {
        let bytes = try java.folder.bytes(name)
        for password in ["Changeit", "", "changeit ", "çhangeit"] {
            #expect(code { try KeyStore(bytes: bytes, password: password) } == .wrongPassword, "\(password)")
        }
        var changed = bytes
        changed[bytes.count - 5] ^= 0x40
        let found = code { try KeyStore(bytes: changed, password: "changeit") }
        #expect(found == .corrupt)
    }

    @Test func withoutAliasTheFirstKeyInTheOrderOfTheJDKIsTaken() throws {
        var store = KeyStore(format: .jks)
        let entry = KeyStore.Entry(.privateKey(PrivateKeyEntry(key: java.authority.ecKey, chain: java.authority.ecChain)))
        let aliases = (1...12).map { "host\($0).example.org" } + ["tomcat", "root", "ca", "AaAa", "BBBB", "AaBB"].map { $0.lowercased() }
        for alias in Set(aliases).sorted() { store.set(entry, alias: alias) }
        let folder = try Folder()
        try store.write(to: folder("many.jks"), password: "changeit")
        // keytool sorts its list but writes a store in the order of its table; the order after reading that file follows from the file's.
        try Tool.keytool("-delete", "-alias", "ca", "-keystore", folder("many.jks"), "-storepass", "changeit")
        store.remove(alias: "ca")
        let rewritten = try KeyStore(contentsOf: folder("many.jks"), password: "changeit")
        var table = KeyStore(format: .jks)
        for alias in Set(aliases).sorted() { table.set(entry, alias: alias) }
        #expect(rewritten.aliases == table.enumerationOrder.filter { $0 != "ca" })
        #expect(try rewritten.identity().chain == java.authority.ecChain)
    }
}
