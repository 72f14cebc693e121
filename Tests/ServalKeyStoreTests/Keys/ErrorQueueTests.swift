import COpenSSL
import ServalKeyStore
import Testing

/// OpenSSL's error queue belongs to the thread: what is left there, a TLS connection on the same thread would take for its own.
@Suite struct ErrorQueueTests {
    private static let authority = Result { try Authority() }

    /// What the queue holds after `body`, which began with an empty one.
    private func left(by body: () throws -> some Any) -> UInt {
        ERR_clear_error()
        _ = try? body()
        defer { ERR_clear_error() }
        return UInt(ERR_peek_error())
    }

    @Test func nothingIsLeftAfterFailures() throws {
        let authority = try Self.authority.get()
        let bytes = try authority.store(.pkcs12).serialized(password: "changeit")
        #expect(left { try KeyStore(bytes: bytes, password: "wrong") } == 0)
        for index in stride(from: 0, to: bytes.count, by: 97) {
            var damaged = bytes
            damaged[index] ^= 0x41
            #expect(left { try KeyStore(bytes: damaged, password: "changeit").identity() } == 0, "byte \(index)")
        }
        for key in [authority.rsaKey, authority.ecKey, try PrivateKey.generate(.ed448)] {
            let pkcs8 = key.pkcs8
            for index in stride(from: 4, to: pkcs8.count, by: 7) {
                var damaged = pkcs8
                damaged[index] ^= 0x80
                #expect(left { try PrivateKey(pkcs8: damaged).sign([1], with: key.defaultSignatureAlgorithm()) } == 0, "\(key), byte \(index)")
            }
        }
        for certificate in [authority.rsaLeaf, authority.ecLeaf] {
            for index in stride(from: 4, to: certificate.der.count, by: 5) {
                var damaged = certificate.der
                damaged[index] ^= 0x80
                #expect(left { CertificateData(der: damaged).isSigned(by: authority.intermediate) } == 0, "byte \(index)")
                #expect(left { authority.rsaKey.matches(CertificateData(der: damaged)) } == 0, "byte \(index)")
                #expect(left { certificate.hasPublicKey(of: CertificateData(der: damaged)) } == 0, "byte \(index)")
            }
        }
    }

    @Test func nothingIsLeftOfWhatIsNotOffered() throws {
        let authority = try Self.authority.get()
        #expect(left { try PrivateKey.generate(.rsa(bits: 512)).sign([1], with: #require(SignatureAlgorithm(named: "SHA512withRSA"))) } == 0)
        #expect(left { try authority.ecKey.sign([1], with: #require(SignatureAlgorithm(named: "SHA256withRSA"))) } == 0)
        #expect(left { try PEM.privateKey(in: Array(authority.ecKey.pemText(password: "right").utf8), password: "wrong") } == 0)
        #expect(left { try authority.store(.jceks).serialized(password: "pässword") } == 0)
    }

    @Test func nothingIsLeftOfWhatWorks() throws {
        let authority = try Self.authority.get()
        for format in KeyStoreFormat.allCases {
            #expect(left { try KeyStore(bytes: authority.store(format).serialized(password: "changeit"), password: "changeit").identity() } == 0)
        }
        for algorithm in [PrivateKey.Algorithm.rsa(bits: 1024), .rsaPSS(bits: 1024), .ec(curve: .p521), .ed25519, .x448] {
            #expect(left { try PrivateKey.generate(algorithm) } == 0)
        }
    }
}
