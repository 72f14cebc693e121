import FoundationEssentials
import ServalKeyStore
import ServalTLS
import Testing
import X509

/// Servers with keys of every kind that TLS knows, from key stores.
struct KeyKindTests {
    @Test(arguments: [PrivateKey.Algorithm.ed448, .ed25519, .rsaPSS(bits: 2048), .rsa(bits: 2048), .ec(curve: .p521)])
    func servesWith(kind: PrivateKey.Algorithm) async throws {
        try await serve(with: PrivateKey.generate(kind), versions: ["-tls1_2", "-tls1_3"])
    }

    @Test func servesWithAKeyThatAllowsOneKindOfSignature() async throws {
        let folder = try TemporaryFolder()
        let options = ["rsa_keygen_bits:2048", "rsa_pss_keygen_md:sha384", "rsa_pss_keygen_mgf1_md:sha384", "rsa_pss_keygen_saltlen:48"]
        let made = try await Command.run(
            ["openssl", "genpkey", "-algorithm", "RSA-PSS", "-out", folder.path("k.pem")] + options.flatMap { ["-pkeyopt", $0] }
        )
        try #require(made.status == 0, "\(made.text)")
        try await serve(with: PEM.privateKey(contentsOf: folder.path("k.pem")), versions: ["-tls1_3"])
    }

    /// RFC 5958: the public key stands behind the private one, where OpenSSL 3.0 does not expect it.
    @Test func servesWithAKeyOfTheSecondVersion() async throws {
        let key = try PrivateKey.generate(.ed25519)
        let second = [0x30, 0x51, 0x02, 0x01, 0x01] + key.pkcs8[5...] + [0x81, 0x21, 0x00] + key.publicKeyInfo.suffix(32)
        try await serve(with: PrivateKey(pkcs8: Array(second)), versions: ["-tls1_3"])
    }

    private func serve(with key: PrivateKey, versions: [String]) async throws {
        let folder = try TemporaryFolder()
        let certificate = try SelfSignedCertificate.make(
            key: key,
            subject: DistinguishedName(dname: "CN=localhost"),
            notBefore: Date(timeIntervalSinceNow: -3600)
        )
        let pem = try folder.write(PEM.encode(certificate.der, label: "CERTIFICATE"), to: "c.pem")
        var store = KeyStore(format: .pkcs12)
        store.set(.init(.privateKey(PrivateKeyEntry(key: key, chain: [certificate]))), alias: "tomcat")
        try store.write(to: folder.path("s.p12"), password: "changeit")
        let source = CertificateConfiguration.Source.keyStore(path: folder.path("s.p12"), alias: "tomcat", password: .literal("changeit"))
        let server = try await TestServer(TLSEndpointConfiguration(hosts: [TLSHostConfiguration(certificates: [.init(source: source)])]))
        for version in versions {
            let text = try await server.client(version, "-CAfile", pem, "-verify_return_error").text
            #expect(text.contains("Verify return code: 0 (ok)") && text.contains("protocol=TLSv1."), "\(key) \(version): \(text)")
        }
        try await server.stop()
    }
}
