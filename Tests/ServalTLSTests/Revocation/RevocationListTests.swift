import Foundation
import ServalTLS
import ServalTLSOpenSSL
import Testing

/// Revocation lists: alone, and as partners of responders.
struct RevocationListTests {
    private func server(
        _ authority: OCSPAuthority,
        _ policy: RevocationPolicy,
        lists: [String],
        _ change: (inout TLSHostConfiguration) -> Void = { _ in }
    ) async throws -> TestServer {
        let certificates = try await Certificates.shared.value
        var host = TLSHostConfiguration(certificates: [try await certificates.server.configuration()])
        host.clientAuthentication = .required(trust: .file(authority.own.certificate))
        host.revocation = policy
        host.revocationListFiles = lists
        change(&host)
        return try await TestServer(TLSEndpointConfiguration(hosts: [host]))
    }

    private func text(_ server: TestServer, _ pair: Certificates.Pair, _ more: [String] = []) async throws -> String {
        try await server.client(["-cert", pair.certificate, "-key", pair.key] + more).text
    }

    static let policies: [RevocationPolicy] = [.off, .softFail(OCSPSettings()), .hardFail(OCSPSettings())]

    @Test("A current list is proof: nobody is asked, and who is in it stays out", arguments: policies)
    func currentList(policy: RevocationPolicy) async throws {
        let authority = try await OCSPAuthority()
        let responder = try await TestResponder()
        let good = try await authority.issue("good", responders: [responder.url])
        let bad = try await authority.issue("bad", responders: [responder.url])
        try await authority.revoke(bad)
        let server = try await server(authority, policy, lists: [try await authority.revocationList()])
        #expect(try await text(server, good).contains("peer=1 "), "\(server.journal.now.errors)")
        #expect(try await text(server, bad).contains("SSL alert number 44"))
        #expect(
            try await server.journal.reaches {
                $0.errors.last?.cause == .clientCertificateRevoked && $0.errors.last?.message.contains("CN=bad] is in the revocation list") == true
            },
            "\(server.journal.now.errors)"
        )
        #expect(responder.requests.isEmpty)
        try await server.stop()
        try await responder.stop()
    }

    @Test("A list out of date is no proof: alone and with hard policy nobody gets in, and the line says so", arguments: policies)
    func staleList(policy: RevocationPolicy) async throws {
        let authority = try await OCSPAuthority()
        let client = try await authority.issue("client", responders: [])
        let bad = try await authority.issue("bad", responders: [])
        try await authority.revoke(bad)
        let list = try await authority.revocationList(isStale: true)
        let server = try await server(authority, policy, lists: [list])
        let answer = try await text(server, client)
        if case .softFail = policy {
            #expect(answer.contains("peer=1 "), "\(server.journal.now.errors)")
        } else {
            #expect(!answer.contains("peer=1 "))
            #expect(
                try await server.journal.reaches {
                    $0.errors.last?.cause == .clientCertificateStatusUnknown
                        && $0.errors.last?.message.contains(
                            "the revocation list of [CN=Test ca] in [\(list)] is out of date since 2020-02-01 00:00:00 UTC"
                        ) == true
                },
                "\(server.journal.now.errors)"
            )
        }
        // Who was revoked then is revoked now.
        #expect(try await !text(server, bad).contains("protocol="))
        try await server.stop()
    }

    @Test("Where the list is out of date a responder's answer is proof, and a responder may stand in for a missing list")
    func respondersAndLists() async throws {
        let root = try await OCSPAuthority("root")
        let responder = try await TestResponder()
        let middle = try await OCSPAuthority("middle", issuedBy: root)
        let client = try await middle.issue("client", responders: [responder.url])
        let maker = try await AnswerMaker(signer: middle.own)
        responder.behave { .answer(maker.answer(to: $0)) }
        let server = try await server(root, .hardFail(OCSPSettings()), lists: [try await root.revocationList()])
        #expect(try await text(server, client, ["-cert_chain", middle.own.certificate]).contains("peer=2 "), "\(server.journal.now.errors)")
        #expect(responder.requests.count == 1)
        try await server.stop()
        let lists = [try await root.revocationList(), try await middle.revocationList(isStale: true)]
        let again = try await self.server(root, .hardFail(OCSPSettings()), lists: lists)
        #expect(try await text(again, client, ["-cert_chain", middle.own.certificate]).contains("peer=2 "), "\(again.journal.now.errors)")
        try await again.stop()
        try await responder.stop()
    }

    @Test("Without a list of its issuer a certificate is refused, and the line says whose list is missing")
    func missingList() async throws {
        let authority = try await OCSPAuthority()
        let stranger = try await OCSPAuthority("stranger")
        let client = try await authority.issue("client", responders: [])
        for policy in [RevocationPolicy.off, .hardFail(OCSPSettings())] {
            // One of two lists, as without any nobody could get in.
            let server = try await server(authority, policy, lists: [try await stranger.revocationList()]) {
                $0.clientAuthentication = .required(trust: .all([.file(authority.own.certificate), .file(stranger.own.certificate)]))
            }
            #expect(try await !text(server, client).contains("protocol="))
            #expect(
                try await server.journal.reaches { $0.errors.last?.message.contains("there is no revocation list of [CN=Test ca]") == true },
                "\(server.journal.now.errors)"
            )
            try await server.stop()
        }
    }

    @Test(
        "certificateRevocationListPath: a directory as openssl rehash makes it, and lists in DER as authorities publish them",
        arguments: ["PEM", "DER"]
    )
    func directory(form: String) async throws {
        let authority = try await OCSPAuthority()
        let good = try await authority.issue("good", responders: [])
        let bad = try await authority.issue("bad", responders: [])
        try await authority.revoke(bad)
        let list = try await authority.revocationList()
        let directory = authority.folder.path("lists")
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
        try await Command.openssl("crl", "-in", list, "-outform", form, "-out", directory + "/authority.crl")
        // It links what it can read, which is PEM.
        try await Command.openssl("rehash", directory)
        let names = try FileManager.default.contentsOfDirectory(atPath: directory)
        #expect(names.contains { $0.wholeMatch(of: /[0-9a-f]{8}\.r0/) != nil } == (form == "PEM"), "\(names)")
        let server = try await server(authority, .off, lists: []) { $0.revocationListDirectories = [directory] }
        #expect(try await text(server, good).contains("peer=1 "), "\(server.journal.now.errors)")
        #expect(try await text(server, bad).contains("SSL alert number 44"))
        #expect(server.context.revocationFacts.first?.revocationLists.first?.path.hasPrefix(directory) == true)
        try await server.stop()
    }

    @Test("A file without a list keeps the server from starting, and the message names it")
    func nothingInTheFile() async throws {
        let authority = try await OCSPAuthority()
        let folder = try TemporaryFolder()
        let derList = authority.folder.path("list.der")
        try await Command.openssl("crl", "-in", try await authority.revocationList(), "-outform", "DER", "-out", derList)
        let half = try Data(contentsOf: URL(fileURLWithPath: derList)).dropLast(9)
        let cut = folder.path("cut.der")
        try half.write(to: URL(fileURLWithPath: cut))
        for file in [try folder.write("no list\n", to: "none.pem"), authority.own.certificate, cut] {
            await #expect { _ = try await server(authority, .off, lists: [file]) } throws: { error in
                "\(error)".contains("The file [\(file)] contains no revocation list")
            }
        }
    }
}
