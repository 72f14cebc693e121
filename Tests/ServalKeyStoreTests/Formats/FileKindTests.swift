import ServalKeyStore
import Testing

/// A file that is no key store: the message says what it is.
@Suite struct FileKindTests {
    private func message(_ bytes: [UInt8]) -> String {
        do throws(KeyStoreError) {
            _ = try KeyStore(bytes: bytes, password: "changeit")
            return ""
        } catch {
            return "\(error.code): \(error.message)"
        }
    }

    @Test func filesOfOpenSSLAreNamed() throws {
        let folder = try Folder()
        let authority = try Authority.shared.get()
        try folder.write(PEM.encode(authority.ecKey.pkcs8, label: "PRIVATE KEY").utf8, "key.pem")
        try folder.write(PEM.encode(authority.ecLeaf.der, label: "CERTIFICATE").utf8, "leaf.pem")
        try Tool.openssl("pkcs8", "-topk8", "-in", folder("key.pem"), "-outform", "DER", "-out", folder("encrypted"), "-passout", "pass:x")
        try Tool.openssl("ec", "-in", folder("key.pem"), "-outform", "DER", "-out", folder("sec1"))
        try Tool.openssl("pkey", "-in", folder("key.pem"), "-pubout", "-outform", "DER", "-out", folder("public"))
        try Tool.openssl("req", "-new", "-key", folder("key.pem"), "-subj", "/CN=a", "-outform", "DER", "-out", folder("request"))
        try Tool.openssl("crl2pkcs7", "-nocrl", "-certfile", folder("leaf.pem"), "-outform", "DER", "-out", folder("bundle"))
        let expected = [
            "encrypted": "an encrypted private key in DER", "sec1": "a private key in DER", "public": "a public key in DER",
            "request": "a certification request in DER", "bundle": "a PKCS#7 bundle in DER", "key.pem": "a PEM file with PRIVATE KEY",
        ]
        for (name, kind) in expected {
            #expect(try message(folder.bytes(name)).hasPrefix("notAKeyStore: This is \(kind), not a key store"), "\(name)")
        }
        #expect(message(authority.rsaKey.pkcs8).contains("a private key in DER"))
        #expect(message(authority.root.der).contains("a single certificate in DER"))
        #expect(message([0xFF, 0xFE] + Array("-----BEGIN".utf16.flatMap { [UInt8(truncatingIfNeeded: $0), 0] })).contains("text"))
    }

    @Test func otherFilesAreNamed() throws {
        #expect(message([0x50, 0x4B, 3, 4, 0, 0]).contains("This is a ZIP archive (ZIP, JAR, WAR, DOCX …), not"))
        #expect(message([0, 0, 0, 2, 0, 0, 0, 20] + [UInt8](repeating: 7, count: 40)).contains("Bouncy Castle"))
        #expect(message(Array("<?xml version='1.0'?><Server/>".utf8)).contains("XML"))
        #expect(message(Array("PuTTY-User-Key-File-3: ssh-rsa\n".utf8)).contains("PuTTY"))
        #expect(message([0x1F, 0x8B, 8, 0]).contains("This is gzip-compressed data, not"))
        #expect(message([1, 2, 3, 4]) == "notAKeyStore: Unrecognized keystore format: neither JKS nor JCEKS nor PKCS12")
        #expect(message([]).hasPrefix("empty:"))
        let store = try Authority.shared.get().store(.pkcs12).serialized(password: "changeit")
        let text = PEM.encode(store, label: "X").split(separator: "\n").dropFirst().dropLast().joined(separator: "\n")
        #expect(message(Array(text.utf8)).contains("base64 of a PKCS12 key store; decode it first"))
    }

    /// What a file is decides, not what somebody calls it.
    @Test(arguments: KeyStoreFormat.allCases)
    func theBytesDecideTheFormat(_ format: KeyStoreFormat) throws {
        let bytes = try Authority.shared.get().store(format).serialized(password: "changeit")
        #expect(KeyStoreFormat.detect(bytes) == format)
        #expect(try KeyStore(bytes: bytes, password: "changeit").format == format)
    }
}
