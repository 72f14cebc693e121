#if NIOSSL
    import Foundation
    import NIOCore
    import NIOPosix
    import NIOSSL
    import ServalKeyStore
    import ServalTLS
    import ServalTLSNIOSSL
    import Testing
    import X509

    /// What swift-nio-ssl does otherwise than OpenSSL: it offers post-quantum key exchange, and refuses what it cannot do.
    struct NIOSSLTests {
        private func host() async throws -> TLSHostConfiguration {
            TLSHostConfiguration(hostName: "_default_", certificates: [try await Certificates.shared.value.server.configuration()])
        }

        @Test func refusesWhatItCannotDoByTheAttributesName() async throws {
            let certificates = try await Certificates.shared.value
            let host = try await host()
            let changes: [(attribute: String, change: (inout TLSHostConfiguration) -> Void)] = [
                ("certificateRevocationListFile", { $0.revocationListFiles = ["/some/list.pem"] }),
                ("certificateRevocationListPath", { $0.revocationListDirectories = ["/some"] }),
                ("OpenSSLConfCmd", { $0.openSSLCommands = [.init(name: "Options", value: "PrioritizeChaCha")] }),
                ("honorCipherOrder", { $0.honorsCipherOrder = true }), ("disableSessionTickets", { $0.disablesSessionTickets = true }),
                ("sessionCacheSize", { $0.sessionCacheSize = 5 }), ("protocols", { $0.protocols = [.v1, .v1_2] }),
                ("cipherSuites", { $0.cipherSuites = "TLS_AES_256_GCM_SHA384" }), ("ciphers", { $0.ciphers = "HIGH:DHE-RSA-AES128-GCM-SHA256" }),
                ("serval.sessionTicketKeyFile", { $0.ticketKeyFile = "/some/keys" }),
                ("ciphers", { $0.ciphers = "EDH+AESGCM:HIGH" }), ("ciphers", { $0.ciphers = "HIGH:@SECLEVEL=5" }),
            ]
            for (attribute, change) in changes {
                for authentication in [ClientAuthentication.none, .required(trust: .file(certificates.authority.certificate))] {
                    var changed = host
                    changed.clientAuthentication = authentication
                    change(&changed)
                    do {
                        _ = try NIOSSLBackend().makeServerContext(TLSEndpointConfiguration(hosts: [changed]), logger: Engine.silence)
                        Issue.record("\(attribute) was accepted")
                    } catch {
                        #expect(error.code == .invalidConfiguration)
                        #expect(error.message.hasPrefix("SSLHostConfig [_default_]: \(attribute) "), "\(error)")
                        #expect(error.message.contains("use OpenSSL"), "\(error)")
                    }
                }
            }
        }

        @Test func refusesWaysOfClientAuthenticationThatItDoesNotHave() async throws {
            let trust = TrustSource.file(try await Certificates.shared.value.authority.certificate)
            for authentication in [ClientAuthentication.onDemand(trust: trust), .optionalNoCA(trust: trust), .optionalNoCA(trust: nil)] {
                var host = try await host()
                host.clientAuthentication = authentication
                do {
                    _ = try NIOSSLBackend().makeServerContext(TLSEndpointConfiguration(hosts: [host]), logger: Engine.silence)
                    Issue.record("\(authentication) was accepted")
                } catch {
                    #expect(error.message.contains("certificateVerification [\(authentication.attribute)] cannot be followed"), "\(error)")
                }
            }
        }

        /// A setting that is added to the hosts' configuration is either followed or refused; whoever adds one decides it in `HostSettings`, and says so here.
        @Test func everySettingIsDecidedUpon() async throws {
            let followed: Set<String> = [
                "hostName", "certificates", "clientAuthentication", "verificationDepth", "protocols", "ciphers", "cipherSuites", "groups",
                "sessionTimeout", "ticketKeyRotation", "origin", "staplesOCSP",
            ]
            let refused: Set<String> = [
                "revocationListFiles", "revocationListDirectories", "honorsCipherOrder", "disablesSessionTickets", "sessionCacheSize",
                "openSSLCommands", "ticketKeyFile", "revocation",
            ]
            let settings = Mirror(reflecting: try await host()).children.compactMap { $0.label?.trimmingPrefix("_").description }
            #expect(Set(settings) == followed.union(refused))
        }

        @Test(arguments: [PrivateKey.Algorithm.ed25519, .rsa(bits: 2048), .ec(curve: .p256), .ec(curve: .p384), .ec(curve: .p521)])
        func servesWith(kind: PrivateKey.Algorithm) async throws {
            let server = try await EngineServer(.nioSSL, try endpoint(kind))
            for version in ["-tls1_2", "-tls1_3"] {
                let text = try await server.client(version).text
                #expect(text.contains("protocol=TLSv1."), "\(kind) \(version): \(text)")
            }
            try await server.stop()
        }

        @Test(arguments: [PrivateKey.Algorithm.ed448, .rsaPSS(bits: 2048), .dsa(bits: 1024)])
        func refusesKeysOfOtherKinds(kind: PrivateKey.Algorithm) throws {
            let endpoint = try endpoint(kind)
            #expect(throws: TLSError(.invalidConfiguration, "")) { try Engine.nioSSL.makeContext(endpoint) }
        }

        @Test func refusesACertificateThatNeedsAStapledResponse() async throws {
            let certificates = try await Certificates.shared.value
            let folder = try TemporaryFolder()
            let pair = try await certificates.issue("stapled", in: folder, extensions: "tlsfeature=status_request")
            let source = CertificateConfiguration.Source.pem(certificate: pair.certificate, key: pair.key)
            let endpoint = TLSEndpointConfiguration(hosts: [TLSHostConfiguration(certificates: [.init(source: source)])])
            do {
                _ = try NIOSSLBackend().makeServerContext(endpoint, logger: Engine.silence)
                Issue.record("it was accepted")
            } catch {
                #expect(error.message.contains("must-staple") && error.message.contains(pair.certificate), "\(error)")
            }
        }

        private func endpoint(_ kind: PrivateKey.Algorithm) throws -> TLSEndpointConfiguration {
            let key = try PrivateKey.generate(kind)
            let certificate = try SelfSignedCertificate.make(
                key: key,
                subject: DistinguishedName(dname: "CN=localhost"),
                notBefore: Date(timeIntervalSinceNow: -3600)
            )
            let identity = TLSIdentity(privateKeyPKCS8: key.pkcs8, certificateChain: [certificate.der])
            return TLSEndpointConfiguration(hosts: [TLSHostConfiguration(certificates: [.init(source: .identity(identity))])])
        }

        /// Older clients agree on something else, as the conformance suite shows; OpenSSL 3.0 is one of them.
        @Test(arguments: [nil, [NIOTLSCurve.x25519_MLKEM768], [.x25519]])
        func offersPostQuantumKeyExchange(curves: [NIOTLSCurve]?) async throws {
            let server = try await EngineServer(.nioSSL, TLSEndpointConfiguration(hosts: [try await host()]))
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.certificateVerification = .none
            configuration.curves = curves
            let context = try NIOSSLContext(configuration: configuration)
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLClientHandler(context: context, serverHostname: "localhost"))
                    }
                }
                .connect(host: "127.0.0.1", port: server.port).get()
            try await channel.writeAndFlush(ByteBuffer(string: "wait\n"))
            #expect(try await server.journal.reaches { $0.waiting == 1 })
            #expect(server.journal.now.facts.first?.group == (curves == [.x25519] ? "x25519" : "X25519MLKEM768"))
            #expect(server.journal.now.facts.first?.serverName == "localhost")
            try await channel.close()
            try await server.stop()
        }

        @Test func aSessionHasNoIDToTrack() async throws {
            #expect(!NIOSSLBackend().tracksSessions)
            let server = try await EngineServer(.nioSSL, TLSEndpointConfiguration(hosts: [try await host()]))
            #expect(try await server.client().text.contains("id= "))
            try await server.stop()
        }
    }
#endif
