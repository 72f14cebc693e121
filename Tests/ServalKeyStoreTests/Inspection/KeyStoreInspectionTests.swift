import Foundation
import ServalKeyStore
import Testing

/// What an inspection says of files that the real tools made, and of files that are something else.
@Suite struct KeyStoreInspectionTests {
    private func codes(_ inspection: KeyStoreInspection) -> [String] {
        inspection.findings.map(\.code.description)
    }

    private func detail(_ name: String, _ inspection: KeyStoreInspection) -> String? {
        inspection.details.first { $0.name == name }?.value
    }

    private func kinds(_ inspection: KeyStoreInspection) -> [String] {
        inspection.items.map(\.kind.rawValue)
    }

    @Test func pkcs12OfTheJDK() throws {
        let stores = try JavaStores.shared.get()
        let bytes = try stores.folder.bytes("jdk.p12")
        let closed = KeyStoreInspection(bytes: bytes)
        #expect(closed.format.code == "pkcs12")
        #expect(detail("MAC", closed) == "HMAC-SHA256, 10000 rounds, 20 bytes of salt")
        #expect(detail("Keys", closed) == "PBES2: PBKDF2 with HMAC-SHA256, 10000 rounds, 20 bytes of salt, AES-256-CBC")
        #expect(kinds(closed) == ["privateKey", "privateKey", "encryptedPart"])
        #expect(codes(closed) == ["not-checked", "key-not-opened", "key-not-opened"])

        let open = KeyStoreInspection(bytes: bytes, password: "changeit")
        #expect(kinds(open).sorted() == ["privateKey", "privateKey", "trustedCertificate"])
        let rsa = try #require(open.items.first { $0.alias == "rsa" })
        #expect(rsa.details.contains { $0.name == "Key" && $0.value == "2048-bit RSA key" })
        #expect(rsa.parts.count == 3)
        #expect(!codes(open).contains("not-checked") && !codes(open).contains("low-iterations"))

        let wrong = KeyStoreInspection(bytes: bytes, password: "wrong password")
        #expect(codes(wrong).first == "wrong-password")
        #expect(kinds(wrong) == ["privateKey", "privateKey"])
        #expect(!"\(wrong)".contains("wrong password"))
    }

    @Test func oldProtectionIsNamed() throws {
        let stores = try JavaStores.shared.get()
        let legacy = KeyStoreInspection(bytes: try stores.folder.bytes("legacy.p12"), password: "changeit")
        #expect(detail("MAC", legacy)?.hasPrefix("HMAC-SHA1, ") == true)
        #expect(legacy.findings.contains { $0.code == .weakProtection && $0.severity == .warning && $0.message.contains("RC2 with 40 bits") })
        let jks = KeyStoreInspection(bytes: try stores.folder.bytes("jdk.jks"), password: "changeit")
        #expect(jks.format.code == "jks")
        #expect(jks.findings.contains { $0.code == .proprietaryFormat && $0.severity == .warning })
        // The key `ec` has a password of its own.
        #expect(jks.findings.contains { $0.code == .keyNotOpened && $0.alias == "ec" })
        let both = KeyStoreInspection(bytes: try stores.folder.bytes("jdk.jks"), password: "changeit", keyPassword: "keypass")
        #expect(!codes(both).contains("key-not-opened"))
    }

    @Test func damageIsFoundAndWhatStandsBeforeItIsListed() throws {
        let stores = try JavaStores.shared.get()
        let jks = try stores.folder.bytes("jdk.jks")
        let cut = KeyStoreInspection(bytes: Array(jks.dropLast(900)), password: "changeit")
        #expect(cut.format.code == "jks")
        #expect(codes(cut).contains("corrupt"))
        #expect(!cut.items.isEmpty)
        #expect(detail("Readable", cut)?.contains("near byte") == true)
        let p12 = try stores.folder.bytes("jdk.p12")
        #expect(codes(KeyStoreInspection(bytes: Array(p12.dropLast(100)), password: "changeit")).contains("corrupt"))
        #expect(codes(KeyStoreInspection(bytes: p12 + [0], password: "changeit")).contains("corrupt"))
    }

    @Test func anyPrefixAndAnyChangedByteIsDescribed() throws {
        let stores = try JavaStores.shared.get()
        var random = SystemRandomNumberGenerator()
        for name in ["jdk.p12", "jdk.jks"] {
            let bytes = try stores.folder.bytes(name)
            for length in stride(from: 0, to: bytes.count, by: 97) {
                #expect(!KeyStoreInspection(bytes: Array(bytes.prefix(length))).findings.isEmpty)
            }
            for _ in 0..<50 {
                var changed = bytes
                changed[Int.random(in: 0..<bytes.count, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
                _ = KeyStoreInspection(bytes: changed)
            }
        }
    }

    @Test func pemOfOpenSSL() throws {
        let folder = try Folder()
        try Tool.openssl(
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            folder("key.pem"),
            "-out",
            folder("cert.pem"),
            "-subj",
            "/CN=www.example.org",
            "-addext",
            "subjectAltName=DNS:www.example.org",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-days",
            "90"
        )
        let (key, certificate) = try (folder.bytes("key.pem"), folder.bytes("cert.pem"))
        let both = KeyStoreInspection(bytes: Array("# comment\r\n".utf8) + certificate + key)
        #expect(both.format.code == "pem")
        #expect(kinds(both) == ["certificate", "privateKey"])
        #expect(both.items[0].line == 2)
        #expect(both.items[0].details.contains { $0.name == "Alternative names" && $0.value == "www.example.org" })
        #expect(codes(both) == ["unencrypted-key", "self-signed"])

        // A key under a password, in the two ways of OpenSSL.
        try Tool.openssl("pkey", "-in", folder("key.pem"), "-aes256", "-passout", "pass:keypass", "-out", folder("aes.pem"))
        try Tool.openssl("rsa", "-in", folder("key.pem"), "-aes128", "-traditional", "-passout", "pass:keypass", "-out", folder("old.pem"))
        for name in ["aes.pem", "old.pem"] {
            let bytes = try folder.bytes(name) + certificate
            #expect(codes(KeyStoreInspection(bytes: bytes)).contains("not-checked"))
            #expect(codes(KeyStoreInspection(bytes: bytes, password: "other")).contains("wrong-password"))
            let open = KeyStoreInspection(bytes: bytes, keyPassword: "keypass")
            #expect(!codes(open).contains("not-checked") && !codes(open).contains("wrong-password") && !codes(open).contains("key-mismatch"))
        }
        let other = try PrivateKey.generate(.rsa(bits: 2048))
        let wrong = KeyStoreInspection(bytes: certificate + Array(PEM.encode(other.pkcs8, label: "PRIVATE KEY").utf8))
        #expect(codes(wrong).first == "key-mismatch")
        // What is broken does not hide the rest.
        let broken = KeyStoreInspection(bytes: certificate.dropLast(40) + Array("\n".utf8) + key)
        #expect(kinds(broken) == ["privateKey"])
        #expect(broken.findings.contains { $0.code == .corrupt && $0.message.contains("line 1") })
        let mislabelled = KeyStoreInspection(
            bytes: Array(String(decoding: key, as: UTF8.self).replacingOccurrences(of: "PRIVATE KEY", with: "CERTIFICATE").utf8)
        )
        #expect(codes(mislabelled).contains("corrupt"))
    }

    @Test func derOfEveryKind() throws {
        let folder = try Folder()
        try Tool.openssl(
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-keyout",
            folder("k"),
            "-out",
            folder("c"),
            "-subj",
            "/CN=a"
        )
        let conversions: [(name: String, arguments: [String], format: String, kind: String)] = [
            ("certificate", ["x509", "-in", "c", "-outform", "DER"], "certificate", "certificate"),
            (
                "request", ["req", "-new", "-key", "k", "-subj", "/CN=a", "-addext", "subjectAltName=DNS:a.example", "-outform", "DER"],
                "certificate-request", "certificateRequest"
            ),
            ("pkcs7", ["crl2pkcs7", "-nocrl", "-certfile", "c", "-outform", "DER"], "pkcs7", "certificate"),
            ("pkcs8", ["pkcs8", "-topk8", "-nocrypt", "-in", "k", "-outform", "DER"], "pkcs8", "privateKey"),
            ("encrypted", ["pkcs8", "-topk8", "-passout", "pass:x", "-in", "k", "-outform", "DER"], "encrypted-pkcs8", "privateKey"),
            ("scrypt", ["pkcs8", "-topk8", "-scrypt", "-passout", "pass:x", "-in", "k", "-outform", "DER"], "encrypted-pkcs8", "privateKey"),
            ("sec1", ["ec", "-in", "k", "-outform", "DER"], "sec1", "privateKey"),
            ("public", ["pkey", "-in", "k", "-pubout", "-outform", "DER"], "public-key", "publicKey"),
        ]
        for (name, arguments, format, kind) in conversions {
            let paths = arguments.map { ["c", "k"].contains($0) ? folder($0) : $0 }
            try Tool.run(["openssl"] + paths + ["-out", folder(name)])
            let inspection = KeyStoreInspection(bytes: try folder.bytes(name))
            #expect(inspection.format.code == format, "\(name)")
            #expect(kinds(inspection) == [kind], "\(name)")
            if name == "scrypt" { #expect(inspection.items[0].details.contains { $0.value.contains("scrypt") }) }
            if name == "request" { #expect(inspection.items[0].details.contains { $0.value == "a.example" }) }
        }
        let certificate = try folder.bytes("certificate")
        #expect(KeyStoreInspection(bytes: certificate + certificate).format.code == "certificates")
        #expect(codes(KeyStoreInspection(bytes: certificate.dropLast(20))).contains("corrupt"))
        var changed = try folder.bytes("request")
        changed[changed.count - 1] ^= 1
        #expect(codes(KeyStoreInspection(bytes: changed)) == ["signature-mismatch"])
    }

    @Test func textsThatLostTheirForm() throws {
        let certificate = try Issuer("CN=Root").certificate
        let pem = PEM.encode(certificate.der, label: "CERTIFICATE")
        let variants: [String: [UInt8]] = [
            "utf16": Array(pem.data(using: .utf16) ?? Data()), "escaped": Array(pem.replacingOccurrences(of: "\n", with: "\\n").utf8),
            "blanks": Array(pem.replacingOccurrences(of: "\n", with: " ").utf8), "base64": Array(Data(certificate.der).base64EncodedData()),
            "base64 of PEM": Array(Data(pem.utf8).base64EncodedData()),
        ]
        for (name, bytes) in variants {
            let inspection = KeyStoreInspection(bytes: bytes)
            #expect(codes(inspection).contains("odd-encoding"), "\(name)")
            #expect(kinds(inspection) == ["certificate"], "\(name)")
        }
        let hyphens = KeyStoreInspection(bytes: Array(pem.replacingOccurrences(of: "-----", with: "----").utf8))
        #expect(codes(hyphens) == ["odd-encoding"])
        #expect(
            kinds(KeyStoreInspection(bytes: [0xEF, 0xBB, 0xBF] + Array(pem.replacingOccurrences(of: "\n", with: "\r\n").utf8))) == ["certificate"]
        )
    }

    @Test(arguments: [
        ("<!DOCTYPE html>\n<html><head><TITLE>404 Not\nFound</title></head>", "html"), ("  <html><body>x", "html"),
        ("<?xml version='1.0'?><a/>", "xml"),
        ("PK\u{3}\u{4}\u{14}\u{0}", "zip"), ("{\"kty\":\"RSA\",\"d\":\"x\"}", "jwk"), ("{\"error\":\"x\"}", "json"),
        ("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQ==\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n", "pgp"),
        ("ssh-ed25519 AAAA me@host\n", "ssh-public-key"),
        ("PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\n", "putty"), ("hello\n", "text"), ("%PDF-1.7\n", "pdf"),
        ("SQLite format 3\u{0}", "sqlite"),
        ("\u{1}\u{2}\u{3}", "unknown"), ("", "empty"),
    ])
    func otherFiles(text: String, format: String) {
        let inspection = KeyStoreInspection(bytes: Array(text.utf8))
        #expect(inspection.format.code == format)
        #expect(inspection.findings.count == 1)
        #expect(inspection.findings.allSatisfy { $0.severity == .error && !$0.advice.isEmpty })
        if format == "html", text.contains("TITLE") { #expect(inspection.details.map(\.value) == ["404 Not Found"]) }
    }

    @Test func gzip() {
        let format = KeyStoreInspection(bytes: [0x1F, 0x8B, 8, 0]).format
        #expect(format.code == "gzip" && format.name == "gzip-compressed data")
    }

    @Test func keysOfOpenSSH() throws {
        let folder = try Folder()
        for (name, password) in [("clear", ""), ("closed", "secret phrase")] {
            try Tool.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", password, "-f", folder(name)])
            let inspection = KeyStoreInspection(bytes: try folder.bytes(name))
            #expect(kinds(inspection) == ["privateKey"])
            #expect(inspection.items[0].details.contains { $0.value == "OpenSSH ssh-ed25519" })
            #expect(inspection.items[0].details.contains { $0.value == (password.isEmpty ? "none" : "aes256-ctr, bcrypt") })
            #expect(codes(inspection) == ["unsupported"])
        }
    }

    @Test func filesAndWhoMayReadThem() throws {
        let folder = try Folder()
        let key = try PrivateKey.generate(.ec(curve: .p256))
        try folder.write(PEM.encode(key.pkcs8, label: "PRIVATE KEY").utf8, "key.pem")
        func codes(_ mode: Int) throws -> [String] {
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: folder("key.pem"))
            return self.codes(KeyStoreInspection(contentsOf: folder("key.pem")))
        }
        #expect(try codes(0o600) == ["unencrypted-key"])
        #expect(try codes(0o640) == ["unencrypted-key"])
        #expect(try codes(0o644) == ["readable-by-others", "unencrypted-key"])
        #expect(try codes(0o666) == ["readable-by-others", "writable-by-others", "unencrypted-key"])
        #expect(KeyStoreInspection(contentsOf: folder.path).format.code == "directory")
        #expect(KeyStoreInspection(contentsOf: folder("missing")).format.code == "unreadable")
        try folder.write([], "nothing")
        #expect(KeyStoreInspection(contentsOf: folder("nothing")).format.code == "empty")
    }

    @Test func nothingSecretShows() throws {
        let key = try PrivateKey.generate(.ed25519)
        var store = KeyStore(format: .pkcs12)
        store.set(.init(.privateKey(PrivateKeyEntry(key: key, chain: [try Issuer("CN=a").certificate]))), alias: "k")
        store.set(.init(.secretKey(SecretKeyEntry(key: SecretKey(algorithm: "PBEWithMD5AndDES", bytes: Array("tellnobody".utf8))))), alias: "p")
        let inspection = KeyStoreInspection(bytes: try store.serialized(password: "hush hush"), password: "hush hush")
        let text = String(reflecting: inspection)
        #expect(!text.contains("hush") && !text.contains("tellnobody"))
        #expect(inspection.items.contains { $0.kind == .secretKey && $0.details.contains { $0.value == "a password (PBEWithMD5AndDES)" } })
        #expect(codes(inspection).contains("key-mismatch"))
    }

    @Test func aListOfTheRevokedAndABundleOfAuthorities() throws {
        let folder = try Folder()
        try Tool.openssl(
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-keyout",
            folder("k"),
            "-out",
            folder("c"),
            "-subj",
            "/CN=CA"
        )
        try folder.write("[ca]\ndefault_ca=d\n[d]\ndatabase=\(folder("index"))\ndefault_md=sha256\ndefault_crl_days=1\n".utf8, "conf")
        try folder.write([], "index")
        try Tool.openssl("ca", "-gencrl", "-config", folder("conf"), "-cert", folder("c"), "-keyfile", folder("k"), "-out", folder("crl"))
        let list = KeyStoreInspection(bytes: try folder.bytes("crl"))
        #expect(kinds(list) == ["revocationList"])
        #expect(codes(list).isEmpty)
        let later = KeyStoreLint(time: Issuer.now + 3 * Issuer.day)
        #expect(codes(KeyStoreInspection(bytes: try folder.bytes("crl"), lint: later)) == ["stale-list"])

        let bundle = try (1...20).map { try Issuer("CN=Root \($0)").certificate }
        let text = bundle.map { PEM.encode($0.der, label: "CERTIFICATE") }.joined()
        let inspection = KeyStoreInspection(bytes: Array(text.utf8))
        #expect(inspection.items.count == 20)
        #expect(codes(inspection).isEmpty)
    }
}
