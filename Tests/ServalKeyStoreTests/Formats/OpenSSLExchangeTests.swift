import ServalKeyStore
import Testing

/// Both directions between this library and the `openssl` command.
@Suite struct OpenSSLExchangeTests {
    let folder: Folder
    let authority: Authority

    init() throws {
        folder = try Folder()
        authority = try OpenSSLExchangeTests.authority.get()
        try folder.write(PEM.encode(authority.rsaKey.pkcs8, label: "PRIVATE KEY").utf8, "key.pem")
        try folder.write(PEM.encode(authority.rsaLeaf.der, label: "CERTIFICATE").utf8, "leaf.pem")
        let issuers = [authority.root, authority.intermediate].map { PEM.encode($0.der, label: "CERTIFICATE") }.joined()
        try folder.write(issuers.utf8, "issuers.pem")
    }

    private static let authority = Result { try Authority() }

    private func export(_ options: [String], password: String = "changeit") throws -> [UInt8] {
        try Tool.run(
            [
                "openssl", "pkcs12", "-export", "-in", folder("leaf.pem"), "-inkey", folder("key.pem"), "-certfile", folder("issuers.pem"),
                "-passout", "pass:\(password)", "-out", folder("out.p12"),
            ] + options
        )
        return try folder.bytes("out.p12")
    }

    static let exports: [[String]] = [
        ["-name", "Tomcat"],
        ["-name", "Tomcat", "-legacy"],
        ["-name", "Tomcat", "-macalg", "sha1", "-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES"],
        ["-name", "Tomcat", "-legacy", "-certpbe", "PBE-SHA1-RC2-128", "-keypbe", "PBE-SHA1-2DES"],
        ["-name", "Tomcat", "-macalg", "sha384", "-keypbe", "AES-128-CBC", "-certpbe", "AES-192-CBC"],
        ["-name", "Tomcat", "-macalg", "sha512", "-keypbe", "DES-EDE3-CBC", "-certpbe", "AES-256-CBC"],
        ["-name", "Tomcat", "-nomac"],
        ["-name", "Tomcat", "-nomaciter", "-noiter"],
        ["-name", "Tomcat", "-keypbe", "NONE", "-certpbe", "NONE"],
    ]

    @Test(arguments: exports)
    func readsWhatOpenSSLWrites(_ options: [String]) throws {
        for password in ["changeit", "", "pässwörd €"] {
            let bytes = try export(options, password: password)
            let store = try KeyStore(bytes: bytes, password: password)
            #expect(store.aliases == ["Tomcat"])
            #expect(store.isIntegrityVerified == !options.contains("-nomac"))
            let identity = try store.identity(alias: "tomcat")
            #expect(identity.privateKey == authority.rsaKey)
            #expect(identity.chain == authority.rsaChain)
            // OpenSSL leaves the certificates of a file without MAC in the clear: only the key can tell that the password is wrong.
            let wrong = code { try KeyStore(bytes: bytes, password: "wrong").identity() }
            #expect(wrong == (options.contains("-nomac") ? .wrongKeyPassword : .wrongPassword))
        }
    }

    @Test func anUnnamedKeyIsCalledOne() throws {
        #expect(try KeyStore(bytes: export([]), password: "changeit").aliases == ["1"])
    }

    @Test func certificatesWithoutJavasMarkAreKeptButAreNoEntries() throws {
        try Tool.openssl("pkcs12", "-export", "-nokeys", "-in", folder("issuers.pem"), "-passout", "pass:changeit", "-out", folder("trust.p12"))
        var store = try KeyStore(contentsOf: folder("trust.p12"), password: "changeit")
        #expect(store.aliases.isEmpty)
        #expect(store.unmarkedCertificates == [authority.root, authority.intermediate])
        store.set(KeyStore.Entry(.trustedCertificate(authority.root)), alias: "root")
        let again = try KeyStore(bytes: store.serialized(password: "other"), password: "other")
        #expect(again.aliases == ["root"])
        #expect(again.unmarkedCertificates == [authority.root, authority.intermediate])
    }

    @Test(arguments: ["changeit", "", "pässwörd €"])
    func openSSLReadsWhatThisLibraryWrites(_ password: String) throws {
        let store = try authority.store(.pkcs12)
        try store.write(to: folder("ours.p12"), password: password)
        let info = try Tool.openssl("pkcs12", "-info", "-noout", "-in", folder("ours.p12"), "-passin", "pass:\(password)")
        #expect(info.contains("MAC: sha256, Iteration 10000"))
        #expect(info.contains("PBES2, PBKDF2, AES-256-CBC, Iteration 10000, PRF hmacWithSHA256"))
        try Tool.openssl("pkcs12", "-nodes", "-in", folder("ours.p12"), "-passin", "pass:\(password)", "-out", folder("ours.pem"))
        let text = String(decoding: try folder.bytes("ours.pem"), as: UTF8.self)
        #expect(text.contains("friendlyName: rsa") && text.contains("friendlyName: Root"))
        let keys = try PEM.blocks(in: text.utf8).filter { $0.label == "PRIVATE KEY" }.map(\.bytes)
        #expect(try keys.map { try PrivateKey(pkcs8: $0).publicKeyInfo } == [authority.rsaKey.publicKeyInfo, authority.ecKey.publicKeyInfo])
        #expect(try PEM.certificates(in: Array(text.utf8)).count == 7)
    }

    @Test func anotherPasswordEncryptsTheKeysAnew() throws {
        let old = try KeyStore(bytes: export(["-name", "tomcat"]), password: "changeit")
        let bytes = try old.serialized(password: "another")
        #expect(code { try KeyStore(bytes: bytes, password: "changeit") } == .wrongPassword)
        #expect(try KeyStore(bytes: bytes, password: "another").identity().privateKey == authority.rsaKey)
    }

    @Test func aFileWithIndefiniteLengthsIsRead() throws {
        let der = try export(["-name", "Tomcat"])
        var indefinite = try BERRewriter.indefinite(der)
        let store = try KeyStore(bytes: indefinite, password: "changeit")
        #expect(try store.identity(alias: "tomcat").chain == authority.rsaChain)
        indefinite.removeLast(2)
        #expect(code { try KeyStore(bytes: indefinite, password: "changeit") } == .corrupt)
    }

    @Test func limitsAndUnknownAlgorithmsAreNamed() throws {
        let many = try KeyStore(format: .pkcs12).serialized(password: "changeit")
        // The empty store ends with the MAC's iteration count: INTEGER of two bytes, 10,000.
        #expect(many.suffix(4) == [0x02, 0x02, 0x27, 0x10])
        var changed = Array(many.dropLast(2)) + [0x7F, 0xFF, 0xFF, 0xFF]
        changed[many.count - 3] = 4
        for index in [1, 1 + macDataOffset(many)] { changed[index] += 2 }
        #expect(throws: KeyStoreError(.unsupportedAlgorithm, "")) { try KeyStore(bytes: changed, password: "changeit") }
        do {
            _ = try KeyStore(bytes: changed, password: "changeit")
        } catch {
            #expect(error.message.contains("2147483647 iterations"))
        }
    }

    /// Where the MacData of an empty store begins: after the outer header (2), the version (3) and the contents.
    private func macDataOffset(_ bytes: [UInt8]) -> Int { 5 + 2 + Int(bytes[6]) }
}

/// Gives every constructed value an indefinite length.
enum BERRewriter {
    static func indefinite(_ der: [UInt8]) throws -> [UInt8] {
        var result: [UInt8] = []
        var rest = der[...]
        while let tag = rest.popFirst() {
            guard let first = rest.popFirst() else { throw Tool.Failure(description: "DER ends early") }
            var length = Int(first)
            var header = [first]
            if first > 0x80 {
                let octets = rest.prefix(Int(first & 0x7F))
                header += octets
                length = octets.reduce(0) { $0 << 8 | Int($1) }
                rest = rest.dropFirst(octets.count)
            }
            let content = Array(rest.prefix(length))
            rest = rest.dropFirst(length)
            result += tag & 0x20 == 0 ? [tag] + header + content : [tag, 0x80] + (try indefinite(content)) + [0, 0]
        }
        return result
    }
}
