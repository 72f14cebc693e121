import Foundation
import Logging
import ServalTLS
import ServalTLSOpenSSL
import TestPrograms
import Testing

/// The line about a client whose chain is refused names the certificate that it is refused for, and says who has to do something about it.
@Suite("Words about client certificates that are refused")
struct RefusedCertificateTests {
    private static let authorityExtensions = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign"
    private static let past = ("20200101000000Z", "20210101000000Z")

    /// The line that a client's handshake gives rise to; more certificates go with the client's own.
    private func line(
        _ client: Certificates.Pair,
        chain: [Certificates.Pair] = [],
        trust: String,
        isLate: Bool = false
    ) async throws -> HandshakeLog.Line {
        let certificates = try await Certificates.shared.value
        var host = TLSHostConfiguration(certificates: [try await certificates.server.configuration()])
        host.clientAuthentication = isLate ? .onDemand(trust: .file(trust)) : .required(trust: .file(trust))
        host.verificationDepth = 10
        let log = HandshakeLog()
        let server = try await TestServer(TLSEndpointConfiguration(hosts: [host]), handshakes: log.reporter())
        var arguments = ["-cert", client.certificate, "-key", client.key] + (isLate ? ["-enable_pha"] : [])
        let folder = try TemporaryFolder()
        if !chain.isEmpty {
            let text = try chain.map { try String(contentsOfFile: $0.certificate, encoding: .utf8) }.joined()
            arguments += ["-cert_chain", try folder.write(text, to: "chain.pem")]
        }
        let text = try await server.client(arguments, line: isLate ? "ask\n" : "facts\n").text
        #expect(!text.contains("protocol=") && !text.contains("shown="), "\(text)")
        let line = try #require(try await log.reaches(1).first)
        #expect(log.lines.count == 1)
        try await server.stop()
        return line
    }

    @Test func anIntermediateThatHasExpired() async throws {
        let certificates = try await Certificates.shared.value
        let old = try await certificates.issue("old-intermediate", by: certificates.authority, extensions: Self.authorityExtensions, dates: Self.past)
        let client = try await certificates.issue("client-of-old", by: old, extensions: "extendedKeyUsage=clientAuth")
        let line = try await line(client, chain: [old], trust: certificates.authority.certificate)
        let reason = try #require(line.fields["reason"])
        #expect(line.fields["cause"] == "client-certificate-expired" && line.level == .info)
        #expect(reason.contains("certificate has expired: [CN=old-intermediate], serial number "), "\(reason)")
        #expect(reason.contains("depth 1, an intermediate one, issued by [CN=Test ca]; its authority needs a new one"), "\(reason)")
        #expect(!reason.contains("the client needs a new one"))
        // The same certificate as one that is trusted is the server's business.
        let other = try await self.line(client, trust: old.certificate)
        #expect(other.fields["cause"] == "trusted-certificate-expired" && other.level == .warning, "\(other)")
        #expect(other.fields["reason"]?.contains("[CN=old-intermediate]") == true, "\(other)")
        #expect(other.fields["reason"]?.contains("one that is trusted here") == true, "\(other)")
        #expect(other.fields["setting"] == "SSLHostConfig caCertificateFile, caCertificatePath or truststoreFile")
    }

    @Test(arguments: [false, true])
    func aForgedCertificate(isLate: Bool) async throws {
        let certificates = try await Certificates.shared.value
        // Of the same name as the one that is trusted.
        let forger = try await OCSPAuthority("ca")
        // It says that it comes from that key, too.
        let listing = try await Command.openssl("x509", "-in", certificates.authority.certificate, "-noout", "-ext", "subjectKeyIdentifier")
        let digits = try #require(String(decoding: listing, as: UTF8.self).firstMatch(of: #/[0-9A-F]{2}(:[0-9A-F]{2}){19}/#)).0
        let mallory = try await forger.issue("mallory", responders: [], extensions: ["authorityKeyIdentifier=DER:30:16:80:14:\(digits)"])
        let line = try await line(mallory, trust: certificates.authority.certificate, isLate: isLate)
        let reason = try #require(line.fields["reason"])
        #expect(line.fields["cause"] == "client-certificate-untrusted" && line.level == .info, "\(line)")
        #expect(reason.contains("certificate signature failure: [CN=mallory], serial number "), "\(reason)")
        #expect(reason.contains("the client's own, issued by [CN=Test ca]; its issuer has not signed it"), "\(reason)")
    }

    @Test func whatNoSettingChanges() async throws {
        let certificates = try await Certificates.shared.value
        let last = try await certificates.issue(
            "last",
            by: certificates.authority,
            extensions: "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign"
        )
        let below = try await certificates.issue("below-last", by: last, extensions: Self.authorityExtensions)
        let client = try await certificates.issue("client-below", by: below, extensions: "extendedKeyUsage=clientAuth")
        let tooLong = try await line(client, chain: [below, last], trust: certificates.authority.certificate)
        #expect(tooLong.fields["reason"]?.contains("pathLenConstraint") == true && tooLong.fields["setting"] == nil, "\(tooLong)")
        #expect(tooLong.fields["reason"]?.contains("certificateVerificationDepth") == false, "\(tooLong)")
        let limited = try await certificates.issue(
            "limited",
            by: certificates.authority,
            extensions: Self.authorityExtensions + "\nnameConstraints=critical,permitted;DNS:example.org"
        )
        let outside = try await certificates.issue("outside", by: limited, extensions: "subjectAltName=DNS:elsewhere.test")
        let wrongName = try await line(outside, chain: [limited], trust: certificates.authority.certificate)
        #expect(wrongName.fields["reason"]?.contains("(nameConstraints), which no setting here changes") == true, "\(wrongName)")
        #expect(wrongName.fields["setting"] == nil && wrongName.fields["reason"]?.contains("[CN=outside]") == true, "\(wrongName)")
        let odd = try await certificates.issue("odd", by: certificates.authority, extensions: "1.2.3.4=critical,DER:05:00")
        let unknown = try await line(odd, trust: certificates.authority.certificate)
        #expect(unknown.fields["reason"]?.contains("a critical extension that OpenSSL does not know") == true, "\(unknown)")
        #expect(unknown.fields["setting"] == nil)
    }

    @Test func trustedCertificatesThatHaveExpiredAreToldOfAtOnce() async throws {
        let certificates = try await Certificates.shared.value
        let old = try await certificates.issue("old-anchor", by: certificates.authority, extensions: Self.authorityExtensions, dates: Self.past)
        var host = TLSHostConfiguration(certificates: [try await certificates.server.configuration()])
        func warnings(_ trust: TrustSource) throws -> [String] {
            host.clientAuthentication = .optional(trust: trust)
            let log = WarningLog()
            _ = try OpenSSLBackend().makeServerContext(TLSEndpointConfiguration(hosts: [host]), logger: log.logger)
            return log.lines.filter { $0.contains("trusted certificate") }
        }
        #expect(try warnings(.file(certificates.authority.certificate)).isEmpty)
        let one = try warnings(.all([.file(old.certificate), .file(certificates.authority.certificate)]))
        #expect(one.count == 1 && one[0].contains("The trusted certificate [CN=old-anchor] has expired on 2021-01-01 00:00:00 UTC"), "\(one)")
        let all = try warnings(.file(old.certificate))
        #expect(all.count == 2 && all[1].contains("None of the trusted certificates is valid now"), "\(all)")
    }

    /// Says hello, waits for the answer, and resets the connection.
    private static let resetter = """
        import socket, ssl, struct, sys
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        tls = context.wrap_bio(incoming, outgoing)
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        hello = outgoing.read()
        for part in (hello, hello[:20]):
            peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
            peer.sendall(part)
            if part == hello:
                peer.recv(1)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()
        """

    @Test(arguments: Engine.allCases)
    func aResetDuringTheHandshakeLeavesALine(engine: Engine) async throws {
        let certificates = try await Certificates.shared.value
        let log = HandshakeLog()
        let server = try await EngineServer(
            engine,
            TLSEndpointConfiguration(hosts: [TLSHostConfiguration(certificates: [try await certificates.server.configuration()])]),
            handshakes: log.reporter()
        )
        let folder = try TemporaryFolder()
        let result = try await Command.run(["python3", try folder.write(Self.resetter, to: "reset.py"), "\(server.port)"])
        #expect(result.status == 0, "\(result.text)")
        // Of the second one nothing may have been read before it was reset.
        let lines = try await log.reaches(1)
        #expect(lines.allSatisfy { $0.fields["cause"] == "handshake-aborted" }, "\(lines)")
        #expect(lines.contains { $0.fields["reason"]?.contains("closed the connection") == true }, "\(lines)")
        try await server.stop()
    }
}
