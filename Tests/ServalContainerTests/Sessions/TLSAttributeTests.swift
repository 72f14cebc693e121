import ServalServlet
import ServalTesting
import Synchronization
import Testing

@testable import ServalContainer

@Suite("Attributes of TLS requests, and tracking by TLS sessions")
struct TLSAttributeTests {
    private final class Calls: Sendable {
        let count = Atomic<Int>(0)
    }

    private static func request(_ info: TLSConnectionInfo?) -> Request {
        Request(
            method: .get,
            target: "/",
            headers: [.host: "localhost"],
            body: .empty,
            connection: ConnectionInfo(scheme: "https", isSecure: true, tls: info),
            startNanoseconds: 1
        )
    }

    private static func info(_ certificates: [PeerCertificate] = [], _ calls: Calls = Calls()) -> TLSConnectionInfo {
        TLSConnectionInfo(
            protocolVersion: "TLSv1.3",
            cipherSuite: "TLS_AES_256_GCM_SHA384",
            keySize: 256,
            sessionID: .init(hexString: "00ff"),
            peerCertificates: certificates,
            invalidate: { calls.count.add(1, ordering: .relaxed) }
        )
    }

    @Test("I11, I12: the id and the other facts, under javax and jakarta names, and typed")
    func names() throws {
        let certificate = try TestCertificateAuthority().issue(commonName: "alice").peerCertificate
        let request = Self.request(Self.info([certificate]))
        for prefix in ["javax", "jakarta"] {
            #expect(request.attribute(named: "\(prefix).servlet.request.ssl_session_id") as? String == "00ff")
            #expect(request.attribute(named: "\(prefix).servlet.request.cipher_suite") as? String == "TLS_AES_256_GCM_SHA384")
            #expect(request.attribute(named: "\(prefix).servlet.request.key_size") as? Int == 256)
            #expect(request.attribute(named: "\(prefix).servlet.request.secure_protocol") as? String == "TLSv1.3")
            #expect(request.attribute(named: "\(prefix).servlet.request.X509Certificate") as? [PeerCertificate] == [certificate])
        }
        #expect(request.attribute(named: "org.apache.tomcat.util.net.secure_protocol_version") as? String == "TLSv1.3")
        #expect(request[.sslSessionID] == "00ff" && request[.cipherSuite] == "TLS_AES_256_GCM_SHA384" && request[.keySize] == 256)
        #expect(request[.secureProtocol] == "TLSv1.3" && request[.x509Certificate] == [certificate])
        #expect(request.attribute(named: "jakarta.servlet.request.nothing") == nil)
        let plain = Self.request(nil)
        #expect(plain[.sslSessionID] == nil && plain[.keySize] == nil && plain[.x509Certificate] == nil && plain[.sslSessionManager] == nil)
    }

    @Test("I15, I16, I18, I19: ssl_session_mgr is there under both names, whatever the connector's class is called, and ends the session")
    func manager() async throws {
        let calls = Calls()
        let request = Self.request(Self.info([], calls))
        for prefix in ["javax", "jakarta"] {
            let manager = try #require(request.attribute(named: "\(prefix).servlet.request.ssl_session_mgr") as? TLSSessionManager)
            await manager.invalidateSession()
        }
        await request[.sslSessionManager]?.invalidateSession()
        #expect(calls.count.load(ordering: .relaxed) == 3)
    }

    @Test("Certificates that nobody has verified have another type, under Tomcat's name")
    func unverified() throws {
        let certificate = try TestCertificateAuthority().issue(commonName: "mallory").peerCertificate
        let info = TLSConnectionInfo(
            protocolVersion: "TLSv1.3",
            cipherSuite: "",
            keySize: 0,
            serverName: nil,
            isResumed: false,
            sessionID: nil,
            peer: PeerCertificates(.unverified(UnverifiedCertificates([certificate]))),
            invalidate: {}
        )
        let request = Self.request(info)
        #expect(request[.x509Certificate] == nil && info.peerCertificates.isEmpty)
        #expect(request[.unverifiedX509Certificate]?.chain == [certificate])
        #expect(request.attribute(named: "javax.servlet.request.X509Certificate") is UnverifiedCertificates)
    }

    @Test("What is set under one name is read under the other")
    func aliases() {
        let request = Self.request(nil)
        request[RequestAttributeKey<String>("javax.servlet.request.ssl_session_id")] = "a"
        #expect(request[.sslSessionID] == "a")
        request[.secureProtocol] = "TLSv1.2"
        #expect(request.attribute(named: "org.apache.tomcat.util.net.secure_protocol_version") as? String == "TLSv1.2")
    }

    @Test("I02: a listener that asks for tracking by TLS sessions without a secure connector keeps the context from starting")
    func needsASecureConnector() async throws {
        for hasSecureConnector in [true, false] {
            var definition = ContextDefinition("/app") { context in
                try context.setSessionTrackingModes([.ssl])
                context.addServlet("s", ClosureServlet { _ in .text("here") }).map("/")
            }
            definition.hasSecureConnector = hasSecureConnector
            try await EngineHarness.run(definition) { harness async throws in
                #expect(try await harness.get("/app/").status == (hasSecureConnector ? 200 : 404))
                #expect(harness.log.text.contains("the tracking mode SSL needs a connector") == !hasSecureConnector)
            }
        }
    }

    @Test("I05, I06: tracking by TLS sessions excludes the other modes, and sends no cookies")
    func exclusive() async throws {
        let context = ServletContext(path: "/app", logger: LogRecorder().logger)
        for others in [Set<SessionTrackingMode>([.ssl, .cookie]), [.ssl, .url], [.ssl, .url, .cookie]] {
            #expect(throws: ConfigurationError.self) { try context.setSessionTrackingModes(others) }
        }
        try context.setSessionTrackingModes([.ssl])
        #expect(context.sessionTrackingModes == [.ssl])
    }

    private static func guarded(_ request: @escaping @Sendable () async -> PeerCertificates.Shown, _ shown: PeerCertificates.Shown = .none)
        -> TLSConnectionInfo
    {
        TLSConnectionInfo(
            protocolVersion: "TLSv1.3",
            cipherSuite: "",
            keySize: 0,
            serverName: nil,
            isResumed: false,
            sessionID: nil,
            peer: PeerCertificates(shown, ask: request),
            invalidate: {}
        )
    }

    @Test("CLIENT-CERT: who has a certificate signs in; the others get 401; what nobody has verified signs nobody in")
    func authenticator() async throws {
        let certificate = try TestCertificateAuthority().issue(commonName: "alice").peerCertificate
        let asked = Calls()
        func outcome(_ info: TLSConnectionInfo?) async throws -> String {
            let request = Self.request(info)
            switch try await ClientCertificateAuthenticator().authenticate(request) {
            case .authenticated(let request): return "\(request.remoteUser ?? "") \(request.authType ?? "")"
            case .refused(let response): return "\(response.status.code) \(request.remoteUser ?? "nobody")"
            }
        }
        #expect(try await outcome(nil) == "401 nobody")
        #expect(try await outcome(Self.info()) == "401 nobody")
        #expect(try await outcome(Self.info([certificate])) == "CN=alice CLIENT_CERT")
        let asks = Self.guarded {
            asked.count.add(1, ordering: .relaxed)
            return .verified([certificate])
        }
        #expect(try await outcome(asks) == "CN=alice CLIENT_CERT")
        #expect(try await outcome(asks) == "CN=alice CLIENT_CERT")
        #expect(asked.count.load(ordering: .relaxed) == 1, "the connection remembers")
        #expect(try await outcome(Self.guarded { .none }) == "401 nobody")
        let unverified = PeerCertificates.Shown.unverified(UnverifiedCertificates([certificate]))
        #expect(try await outcome(Self.guarded({ unverified }, unverified)) == "401 nobody")
        #expect(try await outcome(Self.guarded { unverified }) == "401 nobody")
    }

    @Test("CLIENT-CERT: behind a proxy that vouches for nobody, the proxy's own certificate signs nobody in, and the proxy is not asked for one")
    func withheldCertificate() async throws {
        let certificate = try TestCertificateAuthority().issue(commonName: "proxy").peerCertificate
        let asked = Calls()
        let asks = Self.guarded {
            asked.count.add(1, ordering: .relaxed)
            return .verified([certificate])
        }
        for info in [Self.info([certificate]), asks] {
            let request = Self.request(info)
            request.withhold(.x509Certificate)
            guard case .refused(let response) = try await ClientCertificateAuthenticator().authenticate(request) else {
                Issue.record("\(request.remoteUser ?? "nobody") is signed in")
                continue
            }
            #expect(response.status == .unauthorized && request.remoteUser == nil)
        }
        #expect(asked.count.load(ordering: .relaxed) == 0)
    }

    @Test("CLIENT-CERT: a body up to maxSavePostSize waits for the certificate; a longer one is 413; nobody is asked for nothing")
    func savedBody() async throws {
        let certificate = try TestCertificateAuthority().issue(commonName: "alice").peerCertificate
        let asked = Calls()
        func send(_ count: Int, limit: Int, expects: Bool = false) async throws -> Int {
            let info = Self.guarded {
                asked.count.add(1, ordering: .relaxed)
                return .verified([certificate])
            }
            let request = Request(
                method: .post,
                target: "/",
                headers: expects ? [.expect: "100-continue"] : [:],
                body: .bytes([UInt8](repeating: 7, count: count)),
                connection: ConnectionInfo(scheme: "https", isSecure: true, tls: info, maxSavePostSize: limit),
                startNanoseconds: 1
            )
            guard case .authenticated(let next) = try await ClientCertificateAuthenticator().authenticate(request) else { return -1 }
            return try await next.body.collect(upTo: 1 << 20).count
        }
        #expect(try await send(4096, limit: 4096) == 4096)
        #expect(try await send(0, limit: 0) == 0)
        #expect(try await send(100_000, limit: -1) == 100_000)
        #expect(try await send(5000, limit: 100, expects: true) == 5000, "a client that waits for 100 has sent nothing yet")
        let before = asked.count.load(ordering: .relaxed)
        for (count, limit) in [(4097, 4096), (1, 0)] {
            await #expect { try await send(count, limit: limit) } throws: { ($0 as? HTTPError)?.status == .contentTooLarge }
        }
        #expect(asked.count.load(ordering: .relaxed) == before)
    }
}
