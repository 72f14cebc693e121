import ServalKeyStore
import Testing

/// PKCS12 files as different programs write them.
@Suite struct PKCS12VariantTests {
    let authority: Authority
    let folder: Folder

    init() throws {
        authority = try PKCS12VariantTests.authority.get()
        folder = try Folder()
        try folder.write(PEM.encode(authority.ecKey.pkcs8, label: "PRIVATE KEY").utf8, "key.pem")
        try folder.write(authority.ecChain.map { PEM.encode($0.der, label: "CERTIFICATE") }.joined().utf8, "chain.pem")
    }

    private static let authority = Result { try Authority() }

    @discardableResult
    private func export(_ options: [String], password: String = "changeit") throws -> [UInt8] {
        try Tool.run(
            ["openssl", "pkcs12", "-export", "-in", folder("chain.pem"), "-inkey", folder("key.pem"), "-out", folder("out.p12")]
                + ["-passout", "pass:\(password)"] + options
        )
        return try folder.bytes("out.p12")
    }

    @Test(arguments: ["sha1", "sha224", "sha256", "sha384", "sha512", "sha512-224", "sha512-256", "sha3-256", "sha3-512", "md5"])
    func everyDigestOfAMACIsVerified(_ digest: String) throws {
        let bytes = try export(["-macalg", digest, "-name", "a"])
        let store = try KeyStore(bytes: bytes, password: "changeit")
        #expect(try store.isIntegrityVerified && store.identity().chain == authority.ecChain)
        #expect(code { try KeyStore(bytes: bytes, password: "Changeit") } == .wrongPassword)
    }

    @Test(arguments: ["PBE-SHA1-RC4-128", "PBE-SHA1-RC4-40", "PBE-SHA1-RC2-128", "PBE-SHA1-RC2-40", "PBE-SHA1-2DES"])
    func everyOldCipherIsRead(_ cipher: String) throws {
        let bytes = try export(["-legacy", "-keypbe", cipher, "-certpbe", cipher, "-name", "a"])
        #expect(try KeyStore(bytes: bytes, password: "changeit").identity().privateKey == authority.ecKey)
        #expect(code { try KeyStore(bytes: bytes, password: "") } == .wrongPassword)
    }

    @Test func keysAndCertificatesMayBeInTheClear() throws {
        let bytes = try export(["-keypbe", "NONE", "-certpbe", "NONE", "-nomac", "-name", "a"])
        for password in [nil, "", "anything"] {
            let store = try KeyStore(bytes: bytes, password: password)
            #expect(!store.isIntegrityVerified)
            #expect(try store.identity().chain == authority.ecChain && store.identity().privateKey == authority.ecKey)
        }
    }

    /// Without a MAC nothing but the contents can tell a wrong password.
    @Test func aWrongPasswordWithoutMACIsTold() throws {
        #expect(code { try KeyStore(bytes: export(["-nomac", "-certpbe", "AES-256-CBC"]), password: "wrong") } == .wrongPassword)
        let store = try KeyStore(bytes: export(["-nomac", "-certpbe", "NONE", "-name", "a"]), password: "wrong")
        #expect(code { try store.identity() } == .wrongKeyPassword)
    }

    /// A revocation list, and a bag of a type nobody knows, are kept when the store is written again.
    @Test func otherBagsAreKept() throws {
        let crl: [UInt8] = [0x30, 0x03, 0x02, 0x01, 0x2A]
        let type: [UInt8] = [0x06, 0x0B, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x0C, 0x0A, 0x01, 0x04]
        let bag = MadeDER.sequence(type, MadeDER.tagged(0xA0, crl))
        let contents = MadeDER.sequence(MadeDER.data(MadeDER.sequence(bag)))
        let store = try KeyStore(bytes: MadeDER.sequence([2, 1, 3], MadeDER.data(contents)), password: "changeit")
        #expect(store.count == 0)
        let plain = try store.serialized(password: "changeit", protection: .keysOnly)
        #expect(plain.indices.contains { plain[$0...].starts(with: bag) })
    }

    @Test func whereAFileIsDamagedIsSaid() throws {
        func message(_ bytes: [UInt8]) -> String {
            do throws(KeyStoreError) {
                _ = try KeyStore(bytes: bytes, password: "changeit")
                return ""
            } catch {
                return "\(error.code): \(error.message)"
            }
        }
        let good = MadeDER.sequence([0x06, 0x0B, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x0C, 0x0A, 0x01, 0x04], MadeDER.tagged(0xA0, [5, 0]))
        let parts = MadeDER.sequence(MadeDER.data(MadeDER.sequence(good)), MadeDER.data(MadeDER.sequence(good, [0x30, 0x05, 0x06, 0x01])))
        let text = message(MadeDER.sequence([2, 1, 3], MadeDER.data(parts)))
        #expect(text.hasPrefix("corrupt: Part 2 of the PKCS12 key store: The data ends at byte"), "\(text)")
        let odd = MadeDER.sequence(
            MadeDER.data(MadeDER.sequence(good)),
            MadeDER.data(MadeDER.sequence(good, MadeDER.sequence([0x06, 0x01, 0x2A], [2, 1, 1])))
        )
        #expect(message(MadeDER.sequence([2, 1, 3], MadeDER.data(odd))).contains("Part 2 of the PKCS12 key store: Bag 2, at byte"))
        let enveloped = MadeDER.sequence(MadeDER.sequence([0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x03], [0xA0, 2, 5, 0]))
        #expect(message(MadeDER.sequence([2, 1, 3], MadeDER.data(enveloped))).hasPrefix("unsupportedAlgorithm: Part 1"))
        let signed = MadeDER.sequence([0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02], [0xA0, 2, 5, 0])
        #expect(message(MadeDER.sequence([2, 1, 3], signed)).contains("protected by a signature"))
    }

    /// The MAC is right, so the password is; what does not decrypt was damaged before the MAC was made, or has another password.
    @Test func contentsWithAnotherPasswordThanTheMACAreTold() throws {
        try export(["-name", "a", "-nomac", "-certpbe", "AES-256-CBC"], password: "inside")
        let text = try Tool.python(PKCS12VariantTests.macScript, folder("out.p12"), folder("two.p12"), "outside")
        #expect(text.isEmpty)
        do {
            _ = try KeyStore(contentsOf: folder("two.p12"), password: "outside")
            Issue.record("The store was read")
        } catch {
            #expect(error.code == .corrupt && error.message.contains("agrees with the key store's MAC"), "\(error)")
        }
    }

    /// Puts a MAC (PBMAC1, for which Python has all it takes) onto a file without one.
    private static let macScript = PBMAC1Script.text

    @Test func withoutPasswordTheJDKsOpenFilesAreRead() throws {
        try folder.write(authority.root.der, "root.der")
        let options = ["-J-Dkeystore.pkcs12.certProtectionAlgorithm=NONE", "-J-Dkeystore.pkcs12.macAlgorithm=NONE"]
        try Tool.keytool(
            options + ["-importcert", "-noprompt", "-alias", "Root", "-file", folder("root.der"), "-keystore", folder("open.p12")]
                + ["-storepass", "changeit"]
        )
        let store = try KeyStore(contentsOf: folder("open.p12"), password: nil)
        #expect(try store.certificate("root") == authority.root)
        try store.write(to: folder("ours.p12"), password: "", protection: .keysOnly)
        #expect(try KeyStore(contentsOf: folder("ours.p12"), password: nil).certificate("root") == authority.root)
        // An empty line for the password: the JDK then opens the store without one.
        let list = try Tool.run(["keytool", "-list", "-keystore", folder("ours.p12")], input: [0x0A])
        #expect(list.contains("trustedCertEntry"))
    }
}

/// The few DER values that tests put together.
enum MadeDER {
    static func tagged(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        content.count < 0x80
            ? [tag, UInt8(content.count)] + content : [tag, 0x82, UInt8(content.count >> 8), UInt8(truncatingIfNeeded: content.count)] + content
    }

    static func sequence(_ elements: [UInt8]...) -> [UInt8] { tagged(0x30, Array(elements.joined())) }

    /// A ContentInfo of the type `data`.
    static func data(_ content: [UInt8]) -> [UInt8] {
        sequence([0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x01], tagged(0xA0, tagged(0x04, content)))
    }
}
