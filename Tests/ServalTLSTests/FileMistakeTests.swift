import Foundation
import Logging
import ServalTLS
import ServalTLSOpenSSL
import Testing

/// Mistakes in files, told with file and line.
struct FileMistakeTests {
    private func outcome(_ change: (inout TLSHostConfiguration, TemporaryFolder) throws -> Void) async throws -> (
        error: TLSError?, warnings: [String]
    ) {
        let certificates = try await Certificates.shared.value
        var host = TLSHostConfiguration(certificates: [try await certificates.server.configuration()])
        let lines = ["caCertificateFile": 11, "truststoreFile": 12, "serval.sessionTicketKeyFile": 13, "groups": 14, "certificateVerification": 15]
        host.origin = ConfigurationOrigin(file: "conf/server.xml", line: 10, attributeLines: lines)
        let folder = try TemporaryFolder()
        try change(&host, folder)
        let log = WarningLog()
        do throws(TLSError) {
            _ = try OpenSSLBackend().makeServerContext(TLSEndpointConfiguration(hosts: [host]), logger: log.logger)
            return (nil, log.lines)
        } catch {
            return (error, log.lines)
        }
    }

    @Test func aTrustedCertificateThatIsNone() async throws {
        let certificates = try await Certificates.shared.value
        let good = try String(contentsOfFile: certificates.authority.certificate, encoding: .utf8)
        var path = ""
        let refused = try await outcome { host, folder in
            path = try folder.write(good + "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n", to: "ca.pem")
            host.clientAuthentication = .required(trust: .file(path))
        }
        let line = good.split(separator: "\n").count + 1
        #expect(refused.error?.code == .invalidKeyMaterial && refused.error?.origin == "conf/server.xml:11")
        #expect(refused.error?.message.contains("[\(path)] line \(line): a trusted certificate cannot be read") == true, "\(refused)")
        // The same among the files of a directory.
        let directory = try await outcome { host, folder in
            path = try folder.write("-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n", to: "bad.pem")
            host.clientAuthentication = .required(trust: .directory(folder.path("")))
        }
        #expect(directory.error?.message.contains("bad.pem] line 1: a trusted certificate cannot be read") == true, "\(directory)")
    }

    @Test func pipesAreNotReadFrom() async throws {
        let refused = try await outcome { host, folder in
            mkfifo(folder.path("pipe"), 0o600)
            host.clientAuthentication = .required(trust: .directory(folder.path("")))
        }
        #expect(refused.error?.message.contains("pipe] is no regular file, but a pipe, a socket or a device") == true, "\(refused)")
        for source in [CertificateConfiguration.Source.pem(certificate: "/dev/stdin"), .keyStore(path: "/dev/stdin", password: .file("/dev/zero"))] {
            let refused = try await outcome { host, folder in
                let pipe = folder.path("pipe")
                mkfifo(pipe, 0o600)
                switch source {
                case .pem: host.certificates = [.init(source: .pem(certificate: pipe, key: pipe))]
                default: host.certificates = [.init(source: .keyStore(path: pipe, password: .file(pipe)))]
                }
            }
            #expect(refused.error?.message.contains("pipe] is no regular file, but a pipe, a socket or a device") == true, "\(refused)")
        }
    }

    /// A reload tells in the same words as a start, which looks at the files' names when it reads the configuration.
    @Test(arguments: [
        ("folder", "is a directory, and a file is expected"), ("loop", "is a link that leads to no file"), ("nothing", "does not exist"),
    ])
    func placesWithoutAFile(name: String, words: String) async throws {
        for isKeyStore in [false, true] {
            let refused = try await outcome { host, folder in
                try FileManager.default.createDirectory(atPath: folder.path("folder"), withIntermediateDirectories: true)
                symlink("loop", folder.path("loop"))
                let path = folder.path(name)
                host.certificates = [.init(source: isKeyStore ? .keyStore(path: path, password: nil) : .pem(certificate: path, key: path))]
            }
            #expect(refused.error?.message.contains("Configured file [") == true, "\(refused)")
            #expect(refused.error?.message.contains("/\(name)] \(words)") == true, "\(refused)")
        }
        let trust = try await outcome { host, folder in
            symlink("loop", folder.path("loop"))
            try FileManager.default.createDirectory(atPath: folder.path("folder"), withIntermediateDirectories: true)
            host.clientAuthentication = .required(trust: .file(folder.path(name)))
        }
        #expect(trust.error?.message.contains("/\(name)] \(words)") == true, "\(trust)")
    }

    @Test func aTrustStoreInPEM() async throws {
        let certificates = try await Certificates.shared.value
        let refused = try await outcome { host, _ in
            host.clientAuthentication = .required(trust: .keyStore(path: certificates.authority.certificate, password: nil))
        }
        #expect(refused.error?.message.contains("name it by caCertificateFile") == true, "\(refused)")
    }

    @Test func aPasswordFileWithoutPassword() async throws {
        let certificates = try await Certificates.shared.value
        for text in ["", "\n", "\nsecond line\n"] {
            let refused = try await outcome { host, folder in
                let file = try folder.write(text, to: "password")
                host.certificates = [.init(source: .keyStore(path: certificates.server.certificate, password: .file(file)))]
            }
            #expect(refused.error?.code == .secretUnavailable)
            #expect(refused.error?.message.contains("password] has no password in its first line") == true, "\(refused)")
        }
    }

    @Test(arguments: [
        (String(repeating: "0", count: 64), "has no random key in line 2"), (String(repeating: "ab", count: 48), "has no random key in line 2"),
        ("abcd", "has no key in line 2"),
    ])
    func ticketKeysThatAreNone(key: String, words: String) async throws {
        let refused = try await outcome { host, folder in
            let file = try folder.write("# keys\n\(key)\n", to: "tickets")
            chmod(file, 0o600)
            host.ticketKeyFile = file
        }
        #expect(refused.error?.origin == "conf/server.xml:13" && refused.error?.message.contains(words) == true, "\(refused)")
    }

    @Test func onlyGroupsThatNeedNotBeThere() async throws {
        let refused = try await outcome { host, _ in host.groups = ["?nope", "?X25519Kyber768Draft00"] }
        #expect(refused.error?.origin == "conf/server.xml:14")
        #expect(refused.error?.message.contains("with ? in front of each, none has to be there: add one that is") == true, "\(refused)")
    }

    @Test(arguments: [(0o600, nil), (0o640, nil), (0o644, "read"), (0o666, "changed"), (0o602, "changed")])
    func keysThatAreOpenToAll(mode: Int, words: String?) async throws {
        let certificates = try await Certificates.shared.value
        let said = try await outcome { host, folder in
            let key = try folder.write(try String(contentsOfFile: certificates.server.key, encoding: .utf8), to: "site.key")
            chmod(key, mode_t(mode))
            host.certificates = [.init(source: .pem(certificate: certificates.server.certificate, key: key))]
        }
        let lines = said.warnings.filter { $0.contains("by every user of this computer") }
        #expect(said.error == nil && lines.count == (words == nil ? 0 : 1), "\(said)")
        if let words { #expect(lines.first?.contains("site.key] can be \(words) by every user") == true) }
    }

    /// What a root has issued itself lacks nothing; what an unknown authority has issued may.
    @Test func aCertificateOfATrustedRootLacksNothing() async throws {
        let certificates = try await Certificates.shared.value
        var host = TLSHostConfiguration(certificates: [try await certificates.server.configuration()])
        func findings() throws -> [String] {
            let context = try OpenSSLBackend().makeServerContext(TLSEndpointConfiguration(hosts: [host]), logger: WarningLog().logger)
            return context.hostDescriptions[0].certificates[0].findings().map(\.message)
        }
        #expect(try findings().contains { $0.contains("The certificate of the issuer") })
        host.clientAuthentication = .optional(trust: .file(certificates.authority.certificate))
        #expect(try !findings().contains { $0.contains("The certificate of the issuer") })
        host.clientAuthentication = .optional(trust: .file(certificates.otherAuthority.certificate))
        #expect(try findings().contains { $0.contains("The certificate of the issuer") })
    }
}
