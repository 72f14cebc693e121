import Foundation
import Logging
import ServalTLS
import ServalTLSOpenSSL
import Testing

/// Hosts that nobody can use are errors, parts of hosts that nobody can use are warnings.
struct HostUsabilityTests {
    private func outcome(_ change: (inout TLSHostConfiguration) throws -> Void) async throws -> (error: TLSError?, warnings: [String]) {
        let certificates = try await Certificates.shared.value
        var host = TLSHostConfiguration(certificates: [try await certificates.server.configuration()])
        host.origin = ConfigurationOrigin(file: "conf/server.xml", line: 10, attributeLines: ["ciphers": 11, "certificateRevocationListFile": 12])
        try change(&host)
        let log = WarningLog()
        do throws(TLSError) {
            _ = try OpenSSLBackend().makeServerContext(TLSEndpointConfiguration(hosts: [host]), logger: log.logger)
            return (nil, log.lines)
        } catch {
            return (error, log.lines)
        }
    }

    @Test func ciphersThatNeedAnotherKey() async throws {
        let dead = try await outcome {
            $0.protocols = [.v1_2]
            $0.ciphers = "ECDHE-RSA-AES128-GCM-SHA256"
        }
        #expect(dead.error?.code == .noCiphers && dead.error?.origin == "conf/server.xml:11")
        #expect(
            dead.error?.message.contains("[TLSv1.2]: its ciphers need a certificate with a key of type [RSA], and the host has [EC]") == true,
            "\(String(describing: dead.error))"
        )
        let half = try await outcome { $0.ciphers = "ECDHE-RSA-AES128-GCM-SHA256" }
        #expect(half.error == nil)
        #expect(
            half.warnings.contains {
                $0.hasPrefix("conf/server.xml:11: SSLHostConfig [_default_]: The protocol [TLSv1.2] cannot be spoken") && $0.contains("type [RSA]")
            },
            "\(half.warnings)"
        )
    }

    @Test(arguments: ["eNULL:aNULL", "eNULL"])
    func ciphersThatTheSecurityLevelForbids(_ ciphers: String) async throws {
        let half = try await outcome { $0.ciphers = ciphers }
        #expect(
            half.error == nil && half.warnings.contains { $0.contains("The protocol [TLSv1.2] cannot be spoken: none of the ciphers [\(ciphers)]") }
        )
        let dead = try await outcome {
            $0.ciphers = ciphers
            $0.protocols = [.v1_2]
        }
        #expect(dead.error?.code == .noCiphers && dead.error?.message.contains("No protocol can be spoken") == true)
    }

    @Test func anOldVersionWithoutCiphers() async throws {
        let half = try await outcome {
            $0.protocols = [.v1, .v1_2]
            $0.ciphers = "ECDHE+AESGCM"
        }
        #expect(half.warnings.contains { $0.contains("The protocol [TLSv1] cannot be spoken: none of the ciphers") }, "\(half.warnings)")
        let level = try await outcome {
            $0.protocols = [.v1, .v1_2]
            $0.ciphers = "HIGH:@SECLEVEL=2"
        }
        #expect(
            level.warnings.contains { $0.contains("The protocol [TLSv1] cannot be spoken: OpenSSL's security level 2 forbids it") },
            "\(level.warnings)"
        )
    }

    @Test func aCertificateThatIsNeverPresented() async throws {
        let certificates = try await Certificates.shared.value
        var rsa = try await certificates.serverRSA.configuration()
        rsa.keyType = .rsa
        let half = try await outcome {
            $0.protocols = [.v1_2]
            $0.ciphers = "ECDHE+ECDSA+AESGCM"
            $0.certificates[0].keyType = .ec
            $0.certificates.append(rsa)
        }
        #expect(half.error == nil)
        #expect(half.warnings.contains { $0.contains("The certificate with a key of type [RSA] is never presented") }, "\(half.warnings)")
    }

    @Test func listsOfNobodyWhoIsTrusted() async throws {
        let one = try await OCSPAuthority("one")
        let two = try await OCSPAuthority("two")
        let list = try await one.revocationList()
        let dead = try await outcome {
            $0.clientAuthentication = .required(trust: .file(two.own.certificate))
            $0.revocationListFiles = [list]
        }
        #expect(dead.error?.origin == "conf/server.xml:12")
        #expect(
            dead.error?.message.contains("No client can be let in: no revocation list is of a trusted authority [CN=Test two]") == true,
            "\(dead)"
        )
        let optional = try await outcome {
            $0.clientAuthentication = .optional(trust: .file(two.own.certificate))
            $0.revocationListFiles = [list]
        }
        #expect(optional.error == nil && optional.warnings.contains { $0.contains("There is no revocation list of [CN=Test two]") })
        let half = try await outcome {
            $0.clientAuthentication = .required(trust: .all([.file(one.own.certificate), .file(two.own.certificate)]))
            $0.revocationListFiles = [list]
        }
        #expect(half.error == nil && half.warnings.contains { $0.contains("There is no revocation list of [CN=Test two]: certificates") }, "\(half)")
        // A responder may vouch for them.
        let asked = try await outcome {
            $0.clientAuthentication = .required(trust: .file(two.own.certificate))
            $0.revocationListFiles = [list]
            $0.revocation = .hardFail(OCSPSettings())
        }
        #expect(asked.error == nil && !asked.warnings.contains { $0.contains("revocation list") }, "\(asked)")
    }

    /// Lists that nobody means are refused at once, before anybody works through them.
    @Test func listsThatAreTooLong() async throws {
        let cases: [(String, String, (inout TLSHostConfiguration) -> Void)] = [
            (
                "conf/server.xml:11", "ciphers has 1200003 bytes; at most 16384 are possible",
                { $0.ciphers = String(repeating: "HIGH:!", count: 200_000) + "AES" }
            ),
            ("conf/server.xml:11", "ciphers has 1001 items; at most 1000 are possible", { $0.ciphers = String(repeating: "AES:", count: 1001) }),
            ("conf/server.xml:10", "cipherSuites has 1002 items", { $0.cipherSuites = String(repeating: "A,", count: 1002) }),
            ("conf/server.xml:10", "groups has 101 items", { $0.groups = Array(repeating: "x25519", count: 101) }),
            (
                "conf/server.xml:10", "OpenSSLConfCmd [CipherString] has a value of 20000 bytes",
                { $0.openSSLCommands = [.init(name: "CipherString", value: String(repeating: "A", count: 20_000))] }
            ),
        ]
        for (place, words, change) in cases {
            let start = ContinuousClock.now
            let refused = try await outcome(change)
            #expect(refused.error?.code == .invalidConfiguration && refused.error?.origin == place, "\(refused)")
            #expect(refused.error?.message.contains(words) == true, "\(refused)")
            #expect(ContinuousClock.now - start < .seconds(20))
        }
        #expect(throws: TLSError(.invalidConfiguration, "")) { try TLSProtocolVersion.parse(String(repeating: "TLSv1.3,", count: 200)) }
        let long = try await outcome { $0.ciphers = String(repeating: "HIGH:+AES:-ARIA:", count: 333) + "AES" }
        #expect(long.error == nil)
    }
}
