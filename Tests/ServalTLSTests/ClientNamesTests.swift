import Foundation
import ServalTLS
import Testing

/// Clients whose certificates swift-certificates does not know: whoever is verified has a name, and whoever has none is refused.
@Suite("Names of clients with unusual certificates")
struct ClientNamesTests {
    /// Authorities and clients of kinds that real ones have; of each authority `NAME.pem`, of each client `NAME.pem` and `NAME.key`.
    private static let kinds = """
        set -e
        authority() { name=$1; shift; openssl req -x509 -nodes -subj "/CN=$name" -days 30 -keyout $name.key -out $name.pem "$@"; }
        client() {
            name=$1; issuer=$2; shift 2
            openssl req -new -key $name.key -out $name.csr -subj "/CN=$name"
            openssl x509 -req -in $name.csr -CA $issuer.pem -CAkey $issuer.key -days 30 -out $name.pem "$@"
        }
        authority plain -newkey rsa:2048
        authority pss-signing -newkey rsa:2048 -sigopt rsa_padding_mode:pss -sha256
        authority pss-key -newkey rsa-pss -pkeyopt rsa_keygen_bits:2048 -sha256
        authority ed448 -newkey ed448
        for name in of-pss-signing of-pss-key of-ed448 negative; do openssl genrsa -out $name.key 2048; done
        openssl genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -out own-pss.key
        openssl genpkey -algorithm ED448 -out own-ed448.key
        client of-pss-signing pss-signing -set_serial 5 -sigopt rsa_padding_mode:pss
        client of-pss-key pss-key -set_serial 5
        client of-ed448 ed448 -set_serial 5
        client negative plain -set_serial -5
        client own-pss plain -set_serial 5
        client own-ed448 plain -set_serial 5
        cat plain.pem pss-signing.pem pss-key.pem ed448.pem > trusted.pem
        """

    private static let made = Task {
        let folder = try TemporaryFolder()
        let result = try await Command.run(["sh", "-c", "cd \(folder.root)\n" + kinds])
        guard result.status == 0 else { throw Command.Failure(words: result.text) }
        return folder
    }

    @Test(arguments: ["of-pss-signing", "of-pss-key", "of-ed448", "negative", "own-pss", "own-ed448"])
    func everyVerifiedClientHasAName(_ name: String) async throws {
        let folder = try await Self.made.value
        let certificates = try await Certificates.shared.value
        for (authentication, arguments) in [
            (ClientAuthentication.required(trust: .file(folder.path("trusted.pem"))), ["-tls1_3"]),
            (.required(trust: .file(folder.path("trusted.pem"))), ["-tls1_2"]),
            (.onDemand(trust: .file(folder.path("trusted.pem"))), ["-tls1_3", "-enable_pha"]),
        ] {
            var host = TLSHostConfiguration(certificates: [try await certificates.server.configuration()])
            host.clientAuthentication = authentication
            let server = try await TestServer(TLSEndpointConfiguration(hosts: [host]))
            let isLate = arguments.contains("-enable_pha")
            let pair = ["-cert", folder.path("\(name).pem"), "-key", folder.path("\(name).key")]
            let text = try await server.client(arguments + pair, line: isLate ? "ask\n" : "facts\n").text
            #expect(text.contains(isLate ? "shown=verified:1 " : " peer=1 "), "\(arguments): \(text)")
            if !isLate {
                let der = try #require(server.journal.now.facts.first?.peerCertificates.first)
                let names = try ClientCertificateNames(der: der)
                #expect(names.subject == "CN=\(name)" && names.serialNumber == (name == "negative" ? "-5" : "5"))
            }
            try await server.stop()
        }
    }

    /// Strings of every age, as keytool and Tomcat write them.
    @Test func namesInOldEncodings() async throws {
        let folder = try TemporaryFolder()
        for (mask, subject) in [("MASK:0x800", "BMPString"), ("MASK:0x4", "T61String"), ("utf8only", "UTF8String")] {
            let settings = try folder.write(
                "[req]\ndistinguished_name=d\nstring_mask=\(mask)\nutf8=yes\nprompt=no\n[d]\nO=A, B\nCN=Jürgen\n",
                to: "\(subject).cnf"
            )
            let key = ["-newkey", "rsa:2048", "-nodes", "-keyout", folder.path("k")]
            let made = try await Command.run(["openssl", "req", "-x509", "-utf8", "-config", settings, "-out", folder.path("c")] + key)
            #expect(made.status == 0, "\(made.text)")
            let der = Array(try await Command.openssl("x509", "-in", folder.path("c"), "-outform", "DER"))
            let contents = String(decoding: try await Command.openssl("asn1parse", "-in", folder.path("c")), as: UTF8.self).uppercased()
            #expect(contents.contains(subject.uppercased()), "\(contents)")
            #expect(try ClientCertificateNames(der: der).subject == "CN=Jürgen, O=\"A, B\"")
        }
    }

    /// A certificate that OpenSSL verifies, with a length in it that nobody needs so many bytes for.
    private static let unreadable = Task {
        let certificates = try await Certificates.shared.value
        let folder = certificates.folder
        let pair = try await certificates.issue("unreadable", by: certificates.authority, extensions: "extendedKeyUsage=clientAuth")
        let der = try await pair.der()
        // SEQUENCE { SEQUENCE contents, SEQUENCE algorithm, BIT STRING signature }, all lengths of two bytes but the algorithm's and the signature's.
        #expect(der[1] == 0x82 && der[5] == 0x82)
        let length = Int(der[6]) << 8 | Int(der[7])
        let contents = [0x30, 0x85, 0, 0, 0, der[6], der[7]] + der[8..<8 + length]
        let algorithm = der[(8 + length)...].prefix(2 + Int(der[9 + length]))
        try Data(contents).write(to: URL(fileURLWithPath: folder.path("unreadable.contents")))
        let signature = Array(
            try await Command.openssl("dgst", "-sha256", "-sign", certificates.authority.key, folder.path("unreadable.contents"))
        )
        let body = contents + algorithm + [0x03, UInt8(signature.count + 1), 0] + signature
        let whole = [0x30, 0x82, UInt8(body.count >> 8), UInt8(body.count & 0xff)] + body
        let text = "-----BEGIN CERTIFICATE-----\n\(Data(whole).base64EncodedString(options: .lineLength64Characters))\n-----END CERTIFICATE-----\n"
        return Certificates.Pair(certificate: try folder.write(text, to: "unreadable.pem"), key: pair.key)
    }

    @Test(arguments: ["-tls1_2", "-tls1_3", "late"])
    func aCertificateThatCannotBeReadIsRefused(_ version: String) async throws {
        let certificates = try await Certificates.shared.value
        let pair = try await Self.unreadable.value
        let verified = try await Command.run(["openssl", "verify", "-CAfile", certificates.authority.certificate, pair.certificate])
        #expect(verified.status == 0, "\(verified.text)")
        let trust = TrustSource.file(certificates.authority.certificate)
        var host = TLSHostConfiguration(certificates: [try await certificates.server.configuration()])
        host.clientAuthentication = version == "late" ? .onDemand(trust: trust) : .required(trust: trust)
        let log = HandshakeLog()
        let server = try await TestServer(TLSEndpointConfiguration(hosts: [host]), handshakes: log.reporter())
        let arguments = version == "late" ? ["-tls1_3", "-enable_pha"] : [version]
        let line = version == "late" ? "ask\n" : "facts\n"
        let text = try await server.client(arguments + ["-cert", pair.certificate, "-key", pair.key], line: line).text
        #expect(!text.contains("protocol=") && !text.contains("shown="), "\(text)")
        let reported = try #require(try await log.reaches(1).first)
        #expect(reported.fields["cause"] == "client-certificate-rejected", "\(reported)")
        #expect(reported.fields["reason"]?.contains("cannot be read to find out whose it is") == true, "\(reported)")
        try await server.stop()
    }
}
