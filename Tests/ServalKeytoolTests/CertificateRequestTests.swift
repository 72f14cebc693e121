import Foundation
import Testing

/// `-certreq` with every kind of key and signature.
@Suite(.serialized) struct CertificateRequestTests {
    private let folder = Folder()
    private static let store = "-keystore s.p12 -storepass changeit"

    /// Keys of all kinds in one store, which both tools read.
    private func makeStore() async throws {
        let kinds = [
            "rsa": "RSA", "pss": "RSASSA-PSS", "ec": "EC", "dsa": "DSA", "old": "DSA -keysize 1024", "short": "RSA -keysize 1024",
            "ed25519": "Ed25519", "ed448": "Ed448",
        ]
        for (alias, options) in kinds {
            let run = try await Tool.serval.run("-genkeypair -dname CN=\(alias) -alias \(alias) -keyalg \(options) \(Self.store)", in: folder)
            #expect(run.status == 0, "\(run)")
        }
        #expect(try await Tool.serval.run("-genkeypair -dname CN=x -alias x -keyalg X25519 -signer ec \(Self.store)", in: folder).status == 0)
    }

    @Test func openSSLVerifiesRequests() async throws {
        try await makeStore()
        var requests = ["rsa", "pss", "ec", "dsa", "old", "short", "ed25519", "ed448"].map { ($0, String?.none) }
        let digests = ["SHA1", "SHA224", "SHA256", "SHA384", "SHA512"]
        requests += (digests + ["MD5", "SHA3-224", "SHA3-256", "SHA3-384", "SHA3-512"]).map { ("rsa", "\($0)withRSA") }
        requests += digests.map { ("ec", "\($0)withECDSA") }
        requests += [("dsa", "SHA224withDSA"), ("dsa", "SHA256withDSA")]
        requests += [
            ("old", "SHA1withDSA"), ("rsa", "RSASSA-PSS"), ("pss", "rsassa-pss"), ("ed448", "EdDSA"), ("rsa", "1.2.840.113549.1.1.12"),
            ("rsa", "OID.1.2.840.113549.1.1.10"),
        ]
        for (alias, signature) in requests {
            let option = signature.map { "-sigalg \($0)" } ?? ""
            let made = try await Tool.serval.run("-certreq -alias \(alias) -file r.pem \(option) \(Self.store)", in: folder)
            #expect(made.status == 0, "\(alias) \(option): \(made)")
            let verified = try await Tool.openssl.run("req -verify -in r.pem -noout -text", in: folder)
            #expect(verified.status == 0 && verified.errors.contains("verify OK"), "\(alias) \(option): \(verified)")
            #expect(verified.output.contains("X509v3 Subject Key Identifier"))
        }
    }

    /// OpenSSL 3.0 knows these as digests, and not as signatures of certificates and requests.
    @Test func theJDKVerifiesTheOthers() async throws {
        try await makeStore()
        for (alias, signature) in [
            ("rsa", "SHA512/224withRSA"), ("rsa", "SHA512/256withRSA"), ("ec", "SHA3-256withECDSA"), ("ec", "SHA3-512withECDSA"),
            ("dsa", "SHA512withDSA"), ("dsa", "SHA3-384withDSA"),
        ] {
            #expect(try await Tool.serval.run("-certreq -alias \(alias) -file r.pem -sigalg \(signature) \(Self.store)", in: folder).status == 0)
            let printed = try await Tool.jdk.run("-printcertreq -file r.pem", in: folder)
            #expect(printed.status == 0 && printed.output.contains("Signature algorithm: \(signature)\n"), "\(signature): \(printed)")
        }
    }

    /// The same command line on the same store.
    @Test func theJDKSaysTheSame() async throws {
        try await makeStore()
        for line in [
            "rsa -sigalg SHA1withRSA", "rsa -sigalg MD5withRSA", "short", "ed448 -v -file r.csr", "dsa -sigalg SHA1withDSA",
            "dsa -sigalg SHA256", "x", "ec -sigalg Ed448", "ed25519 -sigalg Ed448", "pss", "old -sigalg SHA1withDSA",
        ] {
            let words = "-certreq \(Self.store) -alias \(line)"
            async let first = Tool.serval.run(words, in: folder)
            async let second = Tool.jdk.run(words, in: folder)
            let (mine, reference) = try await (first.masked, second.masked)
            #expect(mine == reference, "\(line)")
        }
    }
}
