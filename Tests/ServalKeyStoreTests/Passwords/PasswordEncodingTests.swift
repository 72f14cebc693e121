import ServalKeyStore
import Testing

/// No file says how its password was encoded: what programs of the field have written opens with the password that people typed.
@Suite struct PasswordEncodingTests {
    let authority: Authority
    let folder: Folder

    init() throws {
        authority = try Authority.shared.get()
        folder = try Folder()
        try folder.write(PEM.encode(authority.ecKey.pkcs8, label: "PRIVATE KEY").utf8, "key.pem")
        try folder.write(PEM.encode(authority.ecLeaf.der, label: "CERTIFICATE").utf8, "leaf.pem")
    }

    /// - Parameter password: The bytes that OpenSSL gets, as from a terminal with some encoding.
    private func export(_ password: [UInt8], _ options: [String]) throws -> [UInt8] {
        try folder.write(password, "password")
        try Tool.run(
            [
                "openssl", "pkcs12", "-export", "-in", folder("leaf.pem"), "-inkey", folder("key.pem"), "-name", "a", "-out", folder("out.p12"),
                "-passout", "file:\(folder("password"))",
            ] + options
        )
        return try folder.bytes("out.p12")
    }

    private static func latin1(_ text: String) -> [UInt8] { text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) } }

    @Test(arguments: [[], ["-legacy"]], ["pässwörd", "ключ €", "\u{1F511}\u{1F511}"])
    func passwordsInUTF8AreOpenSSLs(_ options: [String], _ password: String) throws {
        let store = try KeyStore(bytes: export(Array(password.utf8), options), password: password)
        #expect(try store.isIntegrityVerified && store.identity().privateKey == authority.ecKey)
        #expect(code { try KeyStore(bytes: export(Array(password.utf8), options), password: "password") } == .wrongPassword)
    }

    /// A terminal that sends Latin-1: OpenSSL turns the bytes into the right characters for its MAC, and hands them to PBKDF2 as they are.
    @Test(arguments: [[], ["-legacy"]])
    func passwordsInLatin1AreOpened(_ options: [String]) throws {
        let store = try KeyStore(bytes: export(PasswordEncodingTests.latin1("pässwörd"), options), password: "pässwörd")
        #expect(try store.isIntegrityVerified && store.identity().privateKey == authority.ecKey)
    }

    /// OpenSSL before 1.1.0 took each byte of UTF-8 for a character; spelt so in UTF-8, it does it still.
    @Test func passwordsThatOldOpenSSLMisreadAreOpened() throws {
        let misread = Array("pässwörd €".utf8).map { String(Unicode.Scalar($0)) }.joined()
        let store = try KeyStore(bytes: export(Array(misread.utf8), ["-legacy"]), password: "pässwörd €")
        #expect(try store.isIntegrityVerified && store.identity().privateKey == authority.ecKey)
    }

    /// What OpenSSL reads of ours: the password in UTF-8.
    @Test(arguments: [PKCS12Protection.modern, .legacy], ["", "changeit", "pässwörd €"])
    func whatIsWrittenOpensInOpenSSL(_ protection: PKCS12Protection, _ password: String) throws {
        try authority.store(.pkcs12).write(to: folder("ours.p12"), password: password, protection: protection)
        try folder.write(Array(password.utf8) + [0x0A], "password")
        let text = try Tool.run(
            ["openssl", "pkcs12", "-in", folder("ours.p12"), "-nodes", "-passin", "file:\(folder("password"))", "-info", "-out", folder("out.pem")]
                + (protection == .legacy ? ["-legacy"] : [])
        )
        let keys = try PEM.blocks(in: folder.bytes("out.pem")).filter { $0.label == "PRIVATE KEY" }.map {
            try PrivateKey(pkcs8: $0.bytes).publicKeyInfo
        }
        #expect(keys == [authority.rsaKey.publicKeyInfo, authority.ecKey.publicKeyInfo])
        #expect(text.contains(protection == .legacy ? "pbeWithSHA1And40BitRC2-CBC" : "PBES2, PBKDF2, AES-256-CBC, Iteration 10000"))
    }

    /// The empty password as OpenSSL writes it, and none at all as Python's library does.
    @Test func bothKindsOfNoPasswordAreOpened() throws {
        for options in [[], ["-legacy"]] {
            #expect(try KeyStore(bytes: export([0x0A], options), password: "").identity().privateKey == authority.ecKey)
        }
        try Tool.python(
            """
            import sys
            from cryptography import x509
            from cryptography.hazmat.primitives import serialization
            from cryptography.hazmat.primitives.serialization import pkcs12
            key = serialization.load_pem_private_key(open(sys.argv[1], 'rb').read(), None)
            leaf = x509.load_pem_x509_certificate(open(sys.argv[2], 'rb').read())
            data = pkcs12.serialize_key_and_certificates(b'a', key, leaf, None, serialization.NoEncryption())
            open(sys.argv[3], 'wb').write(data)
            """,
            folder("key.pem"),
            folder("leaf.pem"),
            folder("none.p12")
        )
        let store = try KeyStore(contentsOf: folder("none.p12"), password: "")
        #expect(try store.isIntegrityVerified && store.identity().privateKey == authority.ecKey)
    }

    /// NSS before 2017 gave PBKDF2 the UTF-16 that PKCS12's own derivation wants; Python builds such a key.
    @Test func keysThatOldNSSEncryptedAreOpened() throws {
        try Tool.python(
            """
            import sys, os, hashlib
            from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
            from cryptography.hazmat.primitives import serialization
            def tlv(t, *parts):
                v = b''.join(parts); n = len(v)
                return bytes([t]) + (bytes([n]) if n < 128 else bytes([130]) + n.to_bytes(2, 'big')) + v
            def algorithm(oid, *parameters): return tlv(48, tlv(6, bytes.fromhex(oid)), *parameters)
            key = serialization.load_pem_private_key(open(sys.argv[1], 'rb').read(), None)
            plain = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            salt, iv, pad = os.urandom(16), os.urandom(16), 16 - len(plain) % 16
            derived = hashlib.pbkdf2_hmac('sha1', (sys.argv[3] + chr(0)).encode('utf-16-be'), salt, 2000, 16)
            cipher = Cipher(algorithms.AES(derived), modes.CBC(iv)).encryptor()
            data = cipher.update(plain + bytes([pad]) * pad) + cipher.finalize()
            kdf = algorithm('2a864886f70d01050c', tlv(48, tlv(4, salt), tlv(2, (2000).to_bytes(2, 'big'))))
            pbes2 = algorithm('2a864886f70d01050d', tlv(48, kdf, algorithm('608648016503040102', tlv(4, iv))))
            open(sys.argv[2], 'wb').write(tlv(48, pbes2, tlv(4, data)))
            """,
            folder("key.pem"),
            folder("nss.der"),
            "pässwörd"
        )
        #expect(try PEM.privateKey(contentsOf: folder("nss.der"), password: "pässwörd").publicKeyInfo == authority.ecKey.publicKeyInfo)
        #expect(code { try PEM.privateKey(contentsOf: folder("nss.der"), password: "passwörd") } == .wrongKeyPassword)
    }
}
