import ServalKeyStore
import Testing

/// How PKCS12 files are written: what stays, what is encrypted anew, and who reads it.
@Suite struct PKCS12ProtectionTests {
    let authority: Authority
    let folder: Folder

    init() throws {
        authority = try Authority.shared.get()
        folder = try Folder()
    }

    @Test(arguments: [PKCS12Protection.modern, .legacy, .keysOnly])
    func theJDKReadsWhatIsWritten(_ protection: PKCS12Protection) throws {
        try authority.store(.pkcs12).write(to: folder("a.p12"), password: "changeit", protection: protection)
        let text = try Tool.keytool(
            [
                "-importkeystore", "-srckeystore", folder("a.p12"), "-srcstorepass", "changeit", "-destkeystore", folder("b.p12"),
                "-deststorepass", "changeit", "-deststoretype", "PKCS12",
            ]
        )
        #expect(text.contains("3 entries successfully imported"))
        let read = try KeyStore(contentsOf: folder("b.p12"), password: "changeit")
        #expect(try read.identity(alias: "rsa").chain == authority.rsaChain)
    }

    /// Going over to another protection encrypts keys anew, each way; under the same one they stay as they are, byte for byte.
    @Test func keysFollowTheProtection() throws {
        let pbes2: [UInt8] = [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0D]
        let tripleDES: [UInt8] = [0x06, 0x0A, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x0C, 0x01, 0x03]
        func count(_ bytes: [UInt8], _ pattern: [UInt8]) -> Int { bytes.indices.count { bytes[$0...].starts(with: pattern) } }
        var store = KeyStore(format: .pkcs12)
        store.set(KeyStore.Entry(.privateKey(PrivateKeyEntry(key: authority.ecKey, chain: authority.ecChain)), creationDate: 1), alias: "a")
        store.set(KeyStore.Entry(.secretKey(SecretKeyEntry(key: SecretKey(algorithm: "AES", bytes: Array(0..<16)))), creationDate: 2), alias: "b")
        let legacy = try store.serialized(password: "changeit", protection: .legacy)
        #expect(count(legacy, tripleDES) == 2 && count(legacy, pbes2) == 0)
        let read = try KeyStore(bytes: legacy, password: "changeit")
        let again = try read.serialized(password: "changeit", protection: .legacy)
        // The first part, with the keys, is the same; certificates are encrypted anew.
        #expect(again.prefix(400).dropFirst(30).elementsEqual(legacy.prefix(400).dropFirst(30)))
        let modern = try read.serialized(password: "changeit")
        #expect(count(modern, tripleDES) == 0 && count(modern, pbes2) == 3)
        let last = try KeyStore(bytes: modern, password: "changeit")
        #expect(try last.identity().privateKey == authority.ecKey)
        #expect(try count(last.serialized(password: "changeit", protection: .legacy), tripleDES) == 2)
    }

    /// All keys of a file that this library writes share a derivation, so that writing and reading many costs one.
    @Test func aThousandKeysCostOneDerivation() throws {
        var store = KeyStore(format: .pkcs12)
        let entry = KeyStore.Entry(.privateKey(PrivateKeyEntry(key: authority.ecKey, chain: [authority.ecLeaf])))
        for index in 0..<1000 { store.set(entry, alias: "host-\(index)") }
        var bytes: [UInt8] = []
        let clock = ContinuousClock()
        // A thousand derivations of 10,000 rounds take at least 4 s in the fastest case; parsing is slow in a debug build under load.
        let writing = try clock.measure { bytes = try store.serialized(password: "changeit") }
        #expect(writing < .seconds(60))
        let read = try KeyStore(bytes: bytes, password: "changeit")
        #expect(read.count == 1000)
        var lengths: [Int] = []
        let ten = try clock.measure {
            for index in 0..<10 { lengths.append(try read.identity(alias: "host-\(index * 99)").chain.count) }
        }
        #expect(lengths == Array(repeating: 1, count: 10))
        #expect(ten < .seconds(20))
    }

    /// A thousand trusted certificates: time grows with the number, not with its square.
    @Test(arguments: [KeyStoreFormat.jks, .pkcs12])
    func aThousandCertificatesAreReadAtOnce(_ format: KeyStoreFormat) throws {
        var store = KeyStore(format: format)
        for index in 0..<1000 { store.set(KeyStore.Entry(.trustedCertificate(authority.root)), alias: "ca-\(index)") }
        let bytes = try store.serialized(password: "changeit")
        var read: KeyStore?
        let time = try ContinuousClock().measure { read = try KeyStore(bytes: bytes, password: "changeit") }
        #expect(read?.count == 1000 && time < .seconds(10))
    }
}
