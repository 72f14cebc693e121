import Foundation
import ServalKeyStore
import Testing

/// What the checks find in chains that were made to be wrong in one respect each.
@Suite struct KeyStoreLintTests {
    private let root: Issuer
    private let middle: Issuer
    private let key: PrivateKey

    init() throws {
        root = try Issuer("CN=Root")
        middle = try Issuer("CN=Middle", by: root)
        key = try PrivateKey.generate(.ec(curve: .p256))
    }

    private func lint(_ chain: [CertificateData], key: PrivateKey? = nil, trusting: [CertificateData] = []) -> [KeyStoreFinding] {
        KeyStoreLint(trustedAuthorities: trusting).findings(inChain: chain, key: key)
    }

    private func codes(_ findings: [KeyStoreFinding]) -> [String] {
        findings.map { "\($0.severity.rawValue) \($0.code)\($0.certificate.map { " \($0)" } ?? "")" }
    }

    @Test func aChainInOrderIsClean() throws {
        let leaf = try middle.issue("CN=www.example.org", key, [.names("www.example.org"), .purpose(1), .keyUsage(0x80)])
        #expect(codes(lint([leaf, middle.certificate, root.certificate], key: key)).isEmpty)
        #expect(codes(lint([leaf, middle.certificate], key: key, trusting: [root.certificate])).isEmpty)
        #expect(codes(lint([leaf], key: key, trusting: [middle.certificate])).isEmpty)
    }

    @Test func validity() throws {
        func chain(_ days: Range<Int64>) throws -> [CertificateData] {
            try [middle.issue("CN=a", key, days: days), middle.certificate, root.certificate]
        }
        #expect(codes(lint(try chain(-30 ..< -2))) == ["error expired 1"])
        #expect(codes(lint(try chain(-30..<10))) == ["warning expires-soon 1"])
        #expect(codes(lint(try chain(5..<90))) == ["error not-yet-valid 1"])
        #expect(codes(lint(try chain(-1..<500))) == ["info long-validity 1"])
        #expect(codes(KeyStoreLint(days: 5).findings(inChain: try chain(-30..<10))).isEmpty)
        #expect(codes(KeyStoreLint(days: 365).findings(inChain: try chain(-30..<90))) == ["warning expires-soon 1"])
        let message = try #require(lint(try chain(-30 ..< -2)).first?.message)
        #expect(message.contains("CN=a expired on 20"))
        // The clock may reach the next day while tests run.
        #expect(message.contains(", 1 day ago") || message.contains(", 2 days ago"))
    }

    @Test func expiredIssuers() throws {
        let old = try Issuer("CN=Old", by: root, days: -100 ..< -3)
        let chain = [try old.issue("CN=a", key), old.certificate, root.certificate]
        #expect(codes(lint(chain)) == ["error issuer-expired 2"])
    }

    @Test func keysAndDigests() throws {
        let short = try PrivateKey.generate(.rsa(bits: 1024))
        let weak = [try middle.issue("CN=a", short), middle.certificate, root.certificate]
        #expect(codes(lint(weak)) == ["error weak-key 1"])
        let rsa = try Issuer("CN=RSA", key: try PrivateKey.generate(.rsa(bits: 2048)))
        let sha1 = [try rsa.issue("CN=a", key, signature: "SHA1withRSA"), rsa.certificate]
        #expect(codes(lint(sha1)) == ["error weak-signature 1"])
    }

    @Test func names() throws {
        func findings(_ subject: String, _ extensions: [CertificateFields.Extension]) throws -> [String] {
            try codes(lint([middle.issue(subject, key, extensions), middle.certificate, root.certificate]))
        }
        #expect(try findings("CN=www.example.org", []) == ["error missing-san 1"])
        #expect(try findings("CN=Duke", []) == ["info missing-san 1"])
        #expect(try findings("CN=Duke", [.purpose(2)]) == ["warning missing-server-auth 1"])
        #expect(try findings("CN=www.example.org", [.names("other.example.org")]) == ["warning cn-not-in-san 1"])
        #expect(try findings("CN=www.example.org", [.names("*.example.org")]).isEmpty)
        #expect(try findings("CN=a.b.example.org", [.names("*.example.org")]) == ["warning cn-not-in-san 1"])
        #expect(try findings("CN=x", [.names("192.0.2.1")]) == ["warning odd-san 1"])
        #expect(try findings("CN=x", [.names("intranet", "a.example")]).isEmpty)
    }

    @Test func usage() throws {
        func findings(_ extensions: CertificateFields.Extension...) throws -> [String] {
            try codes(lint([middle.issue("CN=a", key, [.names("a.example")] + extensions), middle.certificate, root.certificate]))
        }
        #expect(try findings(.basicConstraints(isAuthority: false)).isEmpty)
        #expect(try findings(.authority) == ["warning ca-leaf 1"])
        #expect(try findings(.purpose(2)) == ["warning missing-server-auth 1"])
        #expect(try findings(.keyUsage(0x20)) == ["warning missing-digital-signature 1"])
        #expect(codes(lint([root.certificate])) == ["info ca-leaf", "info self-signed"])
    }

    @Test func gapsInChains() throws {
        let url = "http://ca.example/middle.crt"
        let leaf = try middle.issue("CN=a", key, [.names("a.example"), .issuer(at: url)])
        let alone = lint([leaf])
        #expect(codes(alone) == ["warning chain-incomplete"])
        #expect(alone[0].message.contains("CN=Middle") && alone[0].advice.contains(url))
        #expect(codes(lint([leaf, middle.certificate])) == ["info unknown-root"])
        #expect(codes(lint([leaf, root.certificate])) == ["warning superfluous-certificate 2", "warning chain-incomplete"])
        #expect(codes(lint([leaf, root.certificate, middle.certificate])) == ["error chain-order"])
        #expect(codes(lint([leaf, middle.certificate, root.certificate, middle.certificate])) == ["warning superfluous-certificate 2"])
        let impostor = try Issuer("CN=Middle", by: root)
        #expect(codes(lint([leaf, impostor.certificate])).contains("error signature-mismatch 2"))
        #expect(codes(lint([])) == ["error key-without-chain"])
        let broken = CertificateData(der: [0x30, 3, 1, 2, 3])
        #expect(codes(lint([broken])) == ["error unreadable-certificate"])
    }

    @Test func issuersThatAreNone() throws {
        let person = try Issuer("CN=Person", by: root, extensions: [.basicConstraints(isAuthority: false)])
        #expect(codes(lint([try person.issue("CN=a", key), person.certificate, root.certificate])) == ["error issuer-not-ca 2"])
        let clerk = try Issuer("CN=Clerk", by: root, extensions: [.authority, .keyUsage(0x80)])
        #expect(codes(lint([try clerk.issue("CN=a", key), clerk.certificate, root.certificate])) == ["error issuer-not-ca 2"])
    }

    @Test func otherKeys() throws {
        let chain = [try middle.issue("CN=a", key), middle.certificate, root.certificate]
        #expect(codes(lint(chain, key: try PrivateKey.generate(.ec(curve: .p256)))) == ["error key-mismatch"])
    }

    @Test func stores() throws {
        let leaf = try middle.issue("CN=a", key)
        var store = KeyStore(format: .jks)
        store.set(.init(.privateKey(PrivateKeyEntry(key: key, chain: [leaf]))), alias: "lonely")
        store.set(.init(.trustedCertificate(middle.certificate)), alias: "middle")
        store.set(.init(.trustedCertificate(middle.certificate)), alias: "again")
        store.set(.init(.trustedCertificate(try Issuer("CN=Old", days: -100 ..< -3).certificate)), alias: "old")
        let findings = KeyStoreLint().findings(in: store)
        let texts = findings.map { "\($0.severity.rawValue) \($0.code) \($0.alias ?? "-")" }
        #expect(texts == ["error chain-incomplete lonely", "warning expired old", "warning duplicate-entry again"])
        #expect(findings[0].message.contains("<middle>"))

        // A key with a password of its own, and one that is not looked at.
        var own = KeyStore(format: .jks)
        own.set(
            .init(.privateKey(PrivateKeyEntry(key: key, chain: [leaf, middle.certificate, root.certificate]))),
            alias: "k",
            keyPassword: "keypass"
        )
        let read = try KeyStore(bytes: own.serialized(password: "changeit"), password: "changeit")
        #expect(KeyStoreLint().findings(in: read).map(\.code) == [.keyNotOpened])
        #expect(KeyStoreLint().findings(in: read, keyPassword: "keypass").isEmpty)
        #expect(KeyStoreLint().findings(in: KeyStore(format: .pkcs12)).map(\.code) == [.emptyStore])
    }

    @Test func everyCodeIsDifferentAndHasWords() {
        let codes = KeyStoreFinding.Code.all
        #expect(Set(codes).count == codes.count)
        for code in codes {
            #expect(code.description.wholeMatch(of: /[a-z]+(-[a-z]+)*/) != nil)
            #expect(!code.summary.isEmpty)
        }
    }

    @Test func everyCodeIsDocumented() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../..")
        let text = try String(contentsOf: root.appendingPathComponent("docs/keytool-findings.md"), encoding: .utf8)
        for code in KeyStoreFinding.Code.all {
            let row = text.split(separator: "\n").first { $0.hasPrefix("| `\(code)` | ") }
            #expect(row?.hasSuffix(" | \(code.summary) |") == true, "\(code)")
        }
    }
}
