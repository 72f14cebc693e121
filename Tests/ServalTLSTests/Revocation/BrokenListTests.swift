import Foundation
import Logging
import ServalTLS
import ServalTLSOpenSSL
import Testing

/// Files with revocation lists of which a part is missing, and what a reload says of lists and trusted certificates.
struct BrokenListTests {
    private static func host(_ authority: OCSPAuthority, list: String) async throws -> TLSHostConfiguration {
        let certificates = try await Certificates.shared.value
        var host = TLSHostConfiguration(certificates: [try await certificates.server.configuration()])
        host.clientAuthentication = .required(trust: .file(authority.own.certificate))
        host.revocationListFiles = [list]
        host.origin = ConfigurationOrigin(file: "conf/server.xml", line: 10, attributeLines: ["certificateRevocationListFile": 12])
        return host
    }

    /// How a second list of a file is broken, and the words about it.
    static let damages: [(name: String, words: String, damage: @Sendable (String) -> String)] = [
        ("cut off in the middle", " line ", { String($0.prefix($0.count / 2)) }),
        ("without its last line", " line ", { $0.replacing("-----END X509 CRL-----", with: "") }),
        ("cut off in its first line", " line ", { String($0.prefix(14)) }),
        ("without its first line", " line ", { $0.replacing("-----BEGIN X509 CRL-----\n", with: "") }),
        ("not base64", "PEM line ", { $0.replacing("CRL-----\nM", with: "CRL-----\n!") }),
        ("some other base64", "this is no revocation list", { _ in "-----BEGIN X509 CRL-----\naGVsbG8=\n-----END X509 CRL-----\n" }),
    ]

    @Test(arguments: damages.indices)
    func aReloadWithABrokenSecondListKeepsTheFirst(_ index: Int) async throws {
        let damage = Self.damages[index]
        let authority = try await OCSPAuthority()
        let good = try String(contentsOfFile: try await authority.revocationList(), encoding: .utf8)
        let folder = try TemporaryFolder()
        let file = try folder.write(good, to: "lists.pem")
        let configuration = TLSEndpointConfiguration(hosts: [try await Self.host(authority, list: file)])
        let backend = OpenSSLBackend()
        let reference = TLSContextReference(try backend.makeServerContext(configuration, logger: WarningLog().logger))
        let before = reference.current.hostDescriptions
        _ = try folder.write(good + damage.damage(good), to: "lists.pem")
        do throws(TLSError) {
            try reference.reload(configuration, backend: backend, logger: WarningLog().logger)
            Issue.record("\(damage.name): it was accepted")
        } catch {
            #expect(error.code == .invalidKeyMaterial && error.origin == "conf/server.xml:12")
            #expect(error.message.contains("[\(file)]") && error.message.contains(damage.words), "\(damage.name): \(error)")
            // The line is one of the second list.
            let line = error.message.split(separator: "line ").dropFirst().first.flatMap { Int($0.prefix { $0.isNumber }) }
            #expect((line ?? 0) > good.split(separator: "\n").count, "\(damage.name): \(error)")
        }
        #expect(reference.current.hostDescriptions == before)
    }

    @Test func aReloadSaysWhatHasChangedBesidesTheCertificates() async throws {
        let authority = try await OCSPAuthority()
        let other = try await OCSPAuthority("other")
        let folder = try TemporaryFolder()
        let first = try String(contentsOfFile: try await authority.revocationList(), encoding: .utf8)
        let file = try folder.write(first, to: "lists.pem")
        let own = try String(contentsOfFile: authority.own.certificate, encoding: .utf8)
        let trust = try folder.write(own, to: "ca.pem")
        var host = try await Self.host(authority, list: file)
        host.clientAuthentication = .required(trust: .file(trust))
        let configuration = TLSEndpointConfiguration(hosts: [host])
        let backend = OpenSSLBackend()
        let reference = TLSContextReference(try backend.makeServerContext(configuration, logger: WarningLog().logger))
        func changes() throws -> [String] {
            let replacement = try reference.reload(configuration, backend: backend, logger: WarningLog().logger)
            #expect(replacement.added.isEmpty && replacement.removed.isEmpty)
            return replacement.otherChanges
        }
        #expect(try changes().isEmpty)
        try await authority.revoke(try await authority.issue("bad", responders: []))
        let second = try String(contentsOfFile: try await authority.revocationList(), encoding: .utf8)
        _ = try folder.write(second, to: "lists.pem")
        #expect(try changes() == ["SSLHostConfig [_default_]: another revocation list of [CN=Test ca] in [\(file)]"])
        _ = try folder.write(own + String(contentsOfFile: other.own.certificate, encoding: .utf8), to: "ca.pem")
        _ = try folder.write(second + String(contentsOfFile: try await other.revocationList(), encoding: .utf8), to: "lists.pem")
        #expect(
            try changes() == [
                "SSLHostConfig [_default_]: trusted certificates: 1 added, 0 removed, 2 now",
                "SSLHostConfig [_default_]: a further revocation list of [CN=Test other] in [\(file)]",
            ]
        )
        _ = try folder.write(second, to: "lists.pem")
        #expect(try changes() == ["SSLHostConfig [_default_]: no revocation list of [CN=Test other] in [\(file)] any more"])
    }

    @Test("A list that the trusted authority of its name has not signed is refused, and a reload keeps the one before")
    func aForgedList() async throws {
        let authority = try await OCSPAuthority()
        let folder = try TemporaryFolder()
        let good = try String(contentsOfFile: try await authority.revocationList(), encoding: .utf8)
        // Of the same name, with another key.
        let forger = try await OCSPAuthority()
        let forged = try String(contentsOfFile: try await forger.revocationList(), encoding: .utf8)
        let file = try folder.write(good, to: "lists.pem")
        let configuration = TLSEndpointConfiguration(hosts: [try await Self.host(authority, list: file)])
        let backend = OpenSSLBackend()
        let reference = TLSContextReference(try backend.makeServerContext(configuration, logger: WarningLog().logger))
        let before = reference.current.hostDescriptions
        for text in [forged, good + forged, forged + good] {
            _ = try folder.write(text, to: "lists.pem")
            do throws(TLSError) {
                try reference.reload(configuration, backend: backend, logger: WarningLog().logger)
                Issue.record("it was accepted")
            } catch {
                #expect(error.code == .invalidKeyMaterial && error.origin == "conf/server.xml:12")
                let words = "revocation list of [CN=Test ca] in [\(file)] is not signed by the trusted authority of this name"
                #expect(error.message.contains(words), "\(error)")
            }
            #expect(reference.current.hostDescriptions == before)
        }
        // Of an authority that is not trusted nothing is known.
        let stranger = try await OCSPAuthority("stranger")
        _ = try folder.write(good + String(contentsOfFile: try await stranger.revocationList(), encoding: .utf8), to: "lists.pem")
        #expect(try reference.reload(configuration, backend: backend, logger: WarningLog().logger).otherChanges.count == 1)
    }

    @Test("A list whose time has not come does not replace one; of one whose time is over a reload says so")
    func listsOfOtherTimes() async throws {
        let authority = try await OCSPAuthority()
        let folder = try TemporaryFolder()
        func write(_ lines: [String] = []) async throws {
            _ = try folder.write(try String(contentsOfFile: try await authority.revocationList(times: lines), encoding: .utf8), to: "list.pem")
        }
        try await write()
        let configuration = TLSEndpointConfiguration(hosts: [try await Self.host(authority, list: folder.path("list.pem"))])
        let backend = OpenSSLBackend()
        let reference = TLSContextReference(try backend.makeServerContext(configuration, logger: WarningLog().logger))
        let before = reference.current.hostDescriptions
        try await write(["-crl_lastupdate", "20450101000000Z", "-crl_nextupdate", "20460101000000Z"])
        do throws(TLSError) {
            try reference.reload(configuration, backend: backend, logger: WarningLog().logger)
            Issue.record("it was accepted")
        } catch {
            #expect(error.code == .certificateNotValid && error.message.contains("is valid from 2045-01-01T00:00:00Z only"), "\(error)")
        }
        #expect(reference.current.hostDescriptions == before)
        let log = WarningLog()
        _ = try backend.makeServerContext(configuration, logger: log.logger)
        #expect(log.lines.contains { $0.contains("is not valid yet and lets nobody in before 2045-01-01 00:00:00 UTC") }, "\(log.lines)")
        try await write(["-crl_lastupdate", "20200101000000Z", "-crl_nextupdate", "20200201000000Z"])
        let changes = try reference.reload(configuration, backend: backend, logger: WarningLog().logger).otherChanges
        #expect(changes.count == 1 && changes[0].hasSuffix("which is out of date since 2020-02-01T00:00:00Z"), "\(changes)")
    }

    @Test("A reload says that the keys for session tickets are others")
    func otherTicketKeys() async throws {
        let certificates = try await Certificates.shared.value
        let folder = try TemporaryFolder()
        func write(_ digit: Int) throws {
            let line = (0..<32).map { "\(digit)\($0 % 10)" }.joined()
            try Command.makePrivate(folder.write(line + "\n", to: "keys"))
        }
        try write(1)
        var host = TLSHostConfiguration(certificates: [try await certificates.server.configuration()])
        host.ticketKeyFile = folder.path("keys")
        let configuration = TLSEndpointConfiguration(hosts: [host])
        let backend = OpenSSLBackend()
        let reference = TLSContextReference(try backend.makeServerContext(configuration, logger: WarningLog().logger))
        #expect(try reference.reload(configuration, backend: backend, logger: WarningLog().logger).otherChanges.isEmpty)
        try write(2)
        let changes = try reference.reload(configuration, backend: backend, logger: WarningLog().logger).otherChanges
        #expect(changes == ["SSLHostConfig [_default_]: other session ticket keys in the serval.sessionTicketKeyFile"])
        #expect(try reference.reload(configuration, backend: backend, logger: WarningLog().logger).otherChanges.isEmpty)
    }
}
