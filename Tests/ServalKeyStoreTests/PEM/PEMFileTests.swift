import ServalKeyStore
import Testing

/// Keys and bundles as `openssl` writes them.
@Suite struct PEMFileTests {
    let folder: Folder
    let authority: Authority

    init() throws {
        folder = try Folder()
        authority = try PEMFileTests.authority.get()
        try folder.write(PEM.encode(authority.rsaKey.pkcs8, label: "PRIVATE KEY").utf8, "rsa.pem")
        try folder.write(PEM.encode(authority.ecKey.pkcs8, label: "PRIVATE KEY").utf8, "ec.pem")
    }

    private static let authority = Result { try Authority() }

    @Test(arguments: [
        ["rsa", "-traditional"], ["rsa", "-traditional", "-aes256"], ["rsa", "-traditional", "-aes128"], ["rsa", "-traditional", "-des3"],
        ["pkey", "-aes256"], ["rsa", "-outform", "DER"], ["rsa", "-traditional", "-outform", "DER"],
        ["pkcs8", "-topk8", "-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA1"], ["pkcs8", "-topk8", "-v2", "des3", "-v2prf", "hmacWithSHA512"],
        ["pkcs8", "-topk8", "-v2", "aes-192-cbc", "-v2prf", "hmacWithSHA384"], ["pkcs8", "-topk8", "-v2", "aes256", "-v2prf", "hmacWithSHA224"],
        ["pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES"], ["pkcs8", "-topk8", "-outform", "DER", "-v2", "aes256"],
        ["pkcs8", "-topk8", "-v1", "PBE-MD5-DES", "-provider", "legacy", "-provider", "default"],
    ])
    func keysOfEveryKindAreRead(_ options: [String]) throws {
        try Tool.run(["openssl"] + options + ["-in", folder("rsa.pem"), "-out", folder("out"), "-passout", "pass:geheim"])
        let key = try PEM.privateKey(contentsOf: folder("out"), password: "geheim")
        #expect(key.publicKeyInfo == authority.rsaKey.publicKeyInfo)
        guard code({ try PEM.privateKey(contentsOf: folder("out")) }) != nil else { return }
        #expect(code { try PEM.privateKey(contentsOf: folder("out")) } == .wrongKeyPassword)
        #expect(code { try PEM.privateKey(contentsOf: folder("out"), password: "falsch") } == .wrongKeyPassword)
    }

    @Test func ellipticCurveKeysAreRead() throws {
        try Tool.openssl("ec", "-in", folder("ec.pem"), "-out", folder("sec1.pem"))
        try Tool.openssl("ecparam", "-name", "secp521r1", "-genkey", "-out", folder("with-parameters.pem"))
        try Tool.openssl("genpkey", "-algorithm", "ed25519", "-out", folder("ed25519.pem"))
        try Tool.openssl("ecparam", "-name", "secp256k1", "-genkey", "-out", folder("other.pem"))
        #expect(try PEM.privateKey(contentsOf: folder("sec1.pem")).publicKeyInfo == authority.ecKey.publicKeyInfo)
        #expect(try PEM.privateKey(contentsOf: folder("with-parameters.pem")).algorithm == .ec(curve: .p521))
        let ed25519 = try PEM.privateKey(contentsOf: folder("ed25519.pem"))
        #expect(ed25519.algorithm == .ed25519)
        _ = try ed25519.signingKey()
        let other = try PEM.privateKey(contentsOf: folder("other.pem"))
        #expect(other.algorithm == .ec(curve: .secp256k1))
        #expect(code { try other.signingKey() } == .unsupportedAlgorithm)
        for name in ["sec1.pem", "with-parameters.pem", "ed25519.pem"] {
            try Tool.openssl("pkey", "-in", folder(name), "-pubout", "-outform", "DER", "-out", folder("public.der"))
            #expect(try PEM.privateKey(contentsOf: folder(name)).publicKeyInfo == folder.bytes("public.der"))
        }
    }

    @Test func bundlesInEveryFormAreRead() throws {
        let chain = authority.rsaChain
        let text = chain.map { PEM.encode($0.der, label: "CERTIFICATE") }.joined(separator: "a comment\n")
        try folder.write(text.utf8, "chain.pem")
        try Tool.openssl("crl2pkcs7", "-nocrl", "-certfile", folder("chain.pem"), "-out", folder("p7.pem"))
        try Tool.openssl("crl2pkcs7", "-nocrl", "-certfile", folder("chain.pem"), "-outform", "DER", "-out", folder("p7.der"))
        try Tool.openssl("x509", "-text", "-in", folder("chain.pem"), "-out", folder("text.pem"))
        try Tool.openssl("x509", "-trustout", "-addtrust", "serverAuth", "-in", folder("chain.pem"), "-out", folder("trusted.pem"))
        try folder.write(chain[0].der, "leaf.der")
        for name in ["chain.pem", "p7.pem", "p7.der"] { #expect(try Set(PEM.certificates(contentsOf: folder(name))) == Set(chain), "\(name)") }
        for name in ["text.pem", "trusted.pem", "leaf.der"] { #expect(try PEM.certificates(contentsOf: folder(name)) == [chain[0]], "\(name)") }
        #expect(code { try PEM.certificates(contentsOf: folder("rsa.pem")) } == .invalidInput)
        #expect(code { try PEM.certificates(in: []) } == .empty)
        #expect(code { try PEM.certificates(in: [0x30, 0x03, 1, 2, 3]) } == .invalidInput)
        #expect(code { try PEM.privateKey(contentsOf: folder("chain.pem")) } == .empty)
    }

    @Test func anIdentityIsPutTogetherFromFiles() throws {
        let leaf = PEM.encode(authority.rsaLeaf.der, label: "CERTIFICATE")
        let issuers = [authority.root, authority.intermediate, authority.ecLeaf].map { PEM.encode($0.der, label: "CERTIFICATE") }.joined()
        try folder.write(leaf.utf8, "leaf.pem")
        try folder.write(issuers.utf8, "issuers.pem")
        let key = PEM.encode(authority.rsaKey.pkcs8, label: "PRIVATE KEY")
        try folder.write((issuers + key + leaf).utf8, "all.pem")
        let parts = try KeyStoreIdentity(certificatePath: folder("leaf.pem"), keyPath: folder("rsa.pem"), chainPath: folder("issuers.pem"))
        #expect(parts.chain == authority.rsaChain && parts.privateKey == authority.rsaKey)
        #expect(try KeyStoreIdentity(certificatePath: folder("all.pem")).chain == authority.rsaChain)
        #expect(code { try KeyStoreIdentity(certificatePath: folder("leaf.pem"), keyPath: folder("ec.pem")) } == .keyMismatch)
        #expect(code { try KeyStoreIdentity(certificatePath: folder("leaf.pem")) } == .empty)
        #expect(code { try KeyStoreIdentity(certificatePath: folder("none.pem"), keyPath: folder("rsa.pem")) } == .fileNotFound)
    }
}
