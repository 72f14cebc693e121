import Logging
import ServalTLS
import ServalTLSOpenSSL
import Testing

/// `<OpenSSLConfCmd>`: it wins over attributes, and nobody is left in the dark about it.
struct OpenSSLCommandTests {
    /// A host, some of whose attributes the file says, and what is to be said of its commands.
    struct Case: Sendable, CustomTestStringConvertible {
        enum Outcome: Sendable {
            case silence
            case warning(String)
            case error(String)
        }

        var testDescription: String
        var attributes: Set<String>
        var commands: [TLSHostConfiguration.OpenSSLCommand]
        var outcome: Outcome
        var change: @Sendable (inout TLSHostConfiguration) -> Void

        init(
            _ outcome: Outcome,
            _ commands: KeyValuePairs<String, String>,
            _ attributes: Set<String> = [],
            _ change: @escaping @Sendable (inout TLSHostConfiguration) -> Void = { _ in }
        ) {
            testDescription = commands.map { "\($0)=\($1)" }.joined(separator: " ") + " against \(attributes.sorted())"
            self.outcome = outcome
            self.attributes = attributes
            self.commands = commands.map { name, value in
                var command = TLSHostConfiguration.OpenSSLCommand(name: name, value: value)
                command.origin = ConfigurationOrigin(file: "conf/server.xml", line: 30)
                return command
            }
            self.change = change
        }
    }

    private static let strong = "ECDHE-ECDSA-AES256-GCM-SHA384"
    private static let weaker = "which is weaker than what the attribute says"

    static let cases = [
        // What the attribute says, or nobody has said.
        Case(.silence, ["MinProtocol": "TLSv1.2"]),
        Case(.silence, ["MaxProtocol": "TLSv1.2"]),
        Case(.silence, ["MinProtocol": "TLSv1.3"], ["protocols"]) { $0.protocols = [.v1_3] },
        Case(.silence, ["CipherString": strong]),
        Case(.silence, ["Groups": "P-384"]),
        Case(.silence, ["Options": "ServerPreference"]),
        Case(.silence, ["MinProtocol": "TLSv1", "Protocol": "-TLSv1,-TLSv1.1"], ["protocols"]),
        // Other than the attribute says, and no worse.
        Case(
            .warning("OpenSSLConfCmd [MaxProtocol] overrides protocols [TLSv1.2+TLSv1.3]: the host speaks [TLSv1.2] now"),
            ["MaxProtocol": "TLSv1.2"],
            ["protocols"]
        ),
        Case(.warning("overrides protocols [TLSv1.2]: the host speaks [TLSv1.2+TLSv1.3] now"), ["MaxProtocol": "TLSv1.3"], ["protocols"]) {
            $0.protocols = [.v1_2]
        },
        Case(.warning("OpenSSLConfCmd [CipherString] overrides ciphers [HIGH"), ["CipherString": strong], ["ciphers"]),
        Case(
            .warning("OpenSSLConfCmd [Ciphersuites] overrides cipherSuites [TLS_AES_256_GCM_SHA384]: the host has [TLS_AES_128_GCM_SHA256] now"),
            ["Ciphersuites": "TLS_AES_128_GCM_SHA256"],
            ["cipherSuites"]
        ) { $0.cipherSuites = "TLS_AES_256_GCM_SHA384" },
        Case(.warning("OpenSSLConfCmd [Groups] overrides groups [x25519]: the host has [secp384r1] now"), ["Groups": "P-384"], ["groups"]) {
            $0.groups = ["x25519"]
        },
        Case(.warning("OpenSSLConfCmd [Curves] overrides groups [x25519]"), ["Curves": "P-256"], ["groups"]) { $0.groups = ["x25519"] },
        Case(
            .warning("OpenSSLConfCmd [Options] overrides honorCipherOrder [false]: it is [true] now"),
            ["Options": "ServerPreference"],
            ["honorCipherOrder"]
        ),
        Case(.warning("overrides disableSessionTickets [false]: it is [true] now"), ["Options": "-SessionTicket"], ["disableSessionTickets"]),
        // Insecure, and nobody has said otherwise.
        Case(.warning("the host speaks [TLSv1+TLSv1.1+TLSv1.2+TLSv1.3] now; [TLSv1] is deprecated"), ["MinProtocol": "TLSv1"]),
        Case(.warning("it lowers OpenSSL's security level to 0"), ["CipherString": "DEFAULT:@SECLEVEL=0"]),
        Case(.warning("it brings in ciphers that protect nobody: [ECDHE-ECDSA-NULL-SHA"), ["CipherString": "eNULL:@SECLEVEL=0"]),
        Case(.warning("renegotiation and compression are never allowed"), ["Options": "UnsafeLegacyRenegotiation,Compression"]),
        // Weaker than what is said.
        Case(
            .error("OpenSSLConfCmd [MinProtocol] overrides protocols [TLSv1.3]: the host speaks [TLSv1+TLSv1.1+TLSv1.2+TLSv1.3] now, \(weaker)"),
            ["MinProtocol": "TLSv1"],
            ["protocols"]
        ) {
            $0.protocols = [.v1_3]
        },
        Case(.error(weaker), ["MinProtocol": "TLSv1.2"], ["protocols"]) { $0.protocols = [.v1_3] },
        Case(.error(weaker), ["MinProtocol": "None"], ["protocols"]),
        Case(.error(weaker), ["MinProtocol": "TLSv1.1", "Protocol": "ALL"], ["protocols"]),
        Case(
            .error("overrides ciphers [\(strong)]: it brings in [ECDHE-ECDSA-AES256-SHA"),
            ["CipherString": "ECDHE-ECDSA-AES256-SHA384"],
            ["ciphers"]
        ) { $0.ciphers = strong },
        Case(.error("it brings in [ECDHE-ECDSA-NULL-SHA"), ["CipherString": "eNULL:@SECLEVEL=0"], ["ciphers"]),
        Case(.error("OpenSSLConfCmd [CipherString] overrides ciphers [HIGH:@SECLEVEL=2]"), ["CipherString": "HIGH:@SECLEVEL=0"], ["ciphers"]) {
            $0.ciphers = "HIGH:@SECLEVEL=2"
        },
        Case(
            .error("OpenSSLConfCmd [Options] overrides disableSessionTickets [true]: it is [false] now, \(weaker)"),
            ["Options": "SessionTicket"],
            ["disableSessionTickets"]
        ) {
            $0.disablesSessionTickets = true
        },
        // Nothing is left.
        Case(
            .error("No protocol can be spoken: protocols [TLSv1.3] and the OpenSSLConfCmd commands leave none"),
            ["MaxProtocol": "TLSv1.2"],
            ["protocols"]
        ) { $0.protocols = [.v1_3] },
        Case(.error("up to 16 are possible"), ["NumTickets": "100000"]),
    ]

    @Test(arguments: cases)
    func overrides(_ expected: Case) async throws {
        let certificates = try await Certificates.shared.value
        var host = TLSHostConfiguration(certificates: [try await certificates.server.configuration()])
        host.origin = ConfigurationOrigin(
            file: "conf/server.xml",
            line: 10,
            attributeLines: Dictionary(uniqueKeysWithValues: expected.attributes.map { ($0, 11) })
        )
        host.openSSLCommands = expected.commands
        expected.change(&host)
        let log = WarningLog()
        do throws(TLSError) {
            _ = try OpenSSLBackend().makeServerContext(TLSEndpointConfiguration(hosts: [host]), logger: log.logger)
            switch expected.outcome {
            case .silence: #expect(!log.lines.contains { $0.contains("OpenSSLConfCmd") }, "\(log.lines)")
            case .warning(let words):
                #expect(log.lines.contains { $0.hasPrefix("conf/server.xml:30: SSLHostConfig [_default_]: ") && $0.contains(words) }, "\(log.lines)")
            case .error(let words): Issue.record("no error: \(words); \(log.lines)")
            }
        } catch {
            guard case .error(let words) = expected.outcome else { throw error }
            #expect(error.origin == "conf/server.xml:30" && error.message.contains(words), "\(error)")
        }
    }

    /// What is told is read back, and is what clients get.
    @Test func whatIsToldIsWhatClientsGet() async throws {
        let certificates = try await Certificates.shared.value
        var host = TLSHostConfiguration(certificates: [try await certificates.server.configuration()])
        host.openSSLCommands = [
            .init(name: "MaxProtocol", value: "TLSv1.2"), .init(name: "CipherString", value: Self.strong),
            .init(name: "Groups", value: "P-384:P-256"),
            .init(name: "Options", value: "ServerPreference,-SessionTicket"),
        ]
        let server = try await TestServer(TLSEndpointConfiguration(hosts: [host]))
        let description = server.context.hostDescriptions[0]
        #expect(description.protocols == ["TLSv1.2"])
        #expect(description.cipherSuites == ["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"])
        #expect(description.groups == ["secp384r1", "secp256r1"])
        #expect(
            description.settings.contains(.init("honorCipherOrder", "true")) && description.settings.contains(.init("disableSessionTickets", "true"))
        )
        #expect(server.context.summary[0].contains("protocols [TLSv1.2]"))
        #expect(try await server.client("-groups", "X25519:P-256:P-384").text.contains("group=secp384r1"))
        #expect(try await !server.client("-groups", "X25519").text.contains("protocol="))
        try await server.stop()
        // Without commands, too; what OpenSSL chooses is told as well.
        let plain = try OpenSSLBackend().makeServerContext(
            TLSEndpointConfiguration(hosts: [TLSHostConfiguration(certificates: host.certificates)]),
            logger: WarningLog().logger
        )
        #expect(plain.hostDescriptions[0].protocols == ["TLSv1.2", "TLSv1.3"] && plain.hostDescriptions[0].groups.contains("x25519"))
    }

    @Test func aRefusedCommandKeepsItsValueUnlessItIsHarmless() async throws {
        let certificates = try await Certificates.shared.value
        for (name, value, isShown) in [
            ("Password", "S3cret", false), ("PrivateKey", "S3cret", false), ("Nonsense", "S3cret", false), ("MinProtocol", "TLSv9", true),
            ("Options", "Nonsense", true),
        ] {
            var host = TLSHostConfiguration(certificates: [try await certificates.server.configuration()])
            host.openSSLCommands = [.init(name: name, value: value)]
            do throws(TLSError) {
                _ = try OpenSSLBackend().makeServerContext(TLSEndpointConfiguration(hosts: [host]), logger: WarningLog().logger)
                Issue.record("\(name) was accepted")
            } catch {
                #expect(error.message.contains("[\(name)]") && error.message.contains(value) == isShown, "\(error)")
            }
        }
    }
}
