import ServalServlet
import Synchronization
import Testing

@testable import ServalContainer

/// Who has signed in, and the sessions of others.
@Suite("Sessions of requests that somebody has signed in with")
struct SignedInSessionTests {
    enum Note: SessionAttributeKey {
        typealias Value = String
        static let name = "note"
    }

    /// How somebody signs in.
    enum Way: CaseIterable, Sendable {
        /// With a certificate.
        case certificate
        /// In any other way, when the request's session is known already.
        case late
        /// In any other way, before anybody has asked for the session.
        case early
    }

    /// Where sessions are kept.
    enum Place: CaseIterable, Sendable { case memory, store }

    /// Signs in who the request says, but for paths that end in `open`.
    static func valve(_ way: Way) -> ClosureValve {
        ClosureValve { request, next in
            guard !request.path.contains("/open") else { return try await next(request) }
            let name = request.headers[.from] ?? ""
            switch way {
            case .certificate:
                let authenticator = ClientCertificateAuthenticator()
                guard case .authenticated(let request) = try await authenticator.authenticate(request) else { return .error(.unauthorized) }
                return try await authenticator.goOn(request) { try await next($0) }
            case .late: _ = try await request.existingSession()
            case .early: break
            }
            request.authentication = Authentication(principal: Principal(name: name), type: "BASIC")
            return try await next(request)
        }
    }

    static func context(
        _ path: String = "/app",
        way: Way = .certificate,
        store: MemorySessionStore? = nil,
        configure: @escaping @Sendable (inout StandardSessionManager.Configuration) -> Void = { _ in }
    ) -> ContextDefinition {
        var definition = ContextDefinition(path) { context in
            context.addServlet(
                "keep",
                ClosureServlet { request in
                    let session = try await request.session()
                    session[Note.self] = request.parameter("note")
                    return .text("\(session.id.rawValue) \(session.principalName ?? "-")")
                }
            ).map("/keep").map("/open/keep")
            context.addServlet(
                "look",
                ClosureServlet { request in
                    let session = try await request.existingSession()
                    let isValid = await request.isRequestedSessionIDValid()
                    return .text(
                        "\(session?[Note.self] ?? "-") \(session?.principalName ?? "-") \(isValid) \(request.encodedURL("\(request.contextPath)/x"))"
                    )
                }
            ).map("/look").map("/open/look")
            // The application's own names: an account for `CN=account`.
            context.addServlet(
                "sign",
                ClosureServlet { request in
                    let session = try await request.session()
                    try await session.signOn(as: request.parameter("as") ?? String((request.remoteUser ?? "").dropFirst(3)))
                    session[Note.self] = request.parameter("note")
                    return .text(session.id.rawValue)
                }
            ).map("/sign").map("/open/sign")
        }
        definition.valves = [Self.valve(way)]
        definition.makeSessionManager = { _ in
            var sessions = StandardSessionManager.Configuration()
            configure(&sessions)
            guard let store else { return StandardSessionManager(configuration: sessions) }
            var configuration = PersistentSessionManager.Configuration()
            configuration.sessions = sessions
            configuration.namespace = path
            let sealer = try SessionSealer(secret: [UInt8](repeating: 7, count: 32))
            return PersistentSessionManager(store: store, sealer: sealer, configuration: configuration)
        }
        return definition
    }

    /// A request of somebody, by certificate and by name.
    static func get(
        _ harness: EngineHarness,
        _ name: String,
        _ path: String,
        _ ids: String...,
        sso: String? = nil,
        headers: HeaderFields = [:],
        serialNumber: String = "1",
        tls: String? = nil
    ) async throws -> Answer {
        let certificate = PeerCertificate(der: [], subject: name, issuer: "CN=authority", serialNumber: serialNumber)
        let info = TLSConnectionInfo(
            protocolVersion: "TLSv1.3",
            cipherSuite: "",
            keySize: 0,
            sessionID: tls.map { .init(hexString: $0) },
            peerCertificates: [certificate]
        )
        var headers = headers
        headers[.from] = name
        let cookies = (sso.map { ["JSESSIONIDSSO=\($0)"] } ?? []) + ids.map { "JSESSIONID=\($0)" }
        if !cookies.isEmpty { headers[.cookie] = cookies.joined(separator: "; ") }
        return try await harness.get(path, headers: headers, connection: ConnectionInfo(scheme: "https", isSecure: true, tls: info))
    }

    static func manager(_ harness: EngineHarness, _ number: Int = 0) throws -> any SessionManager {
        try #require(harness.engine.hosts[0].contexts[number].sessionManager)
    }

    @Test(
        "Who signs in with somebody else's session has none, gets one of their own, and leaves the other alone",
        arguments: Way.allCases,
        Place.allCases
    )
    func somebodyElse(way: Way, place: Place) async throws {
        let store = place == .store ? MemorySessionStore() : nil
        try await EngineHarness.run(Self.context(way: way, store: store)) { harness async throws in
            let joe = try #require(try await Self.get(harness, "CN=joe", "/app/keep?note=secret").sessionID)
            for path in ["/app/look", "/app/look;jsessionid=\(joe)"] {
                let answer = path.contains(";") ? try await Self.get(harness, "CN=ann", path) : try await Self.get(harness, "CN=ann", path, joe)
                #expect(answer.text == "- - false /app/x" && answer.headers[.setCookie] == nil, "\(path)")
            }
            let kept = try await Self.get(harness, "CN=ann", "/app/keep?note=public", joe)
            let ann = try #require(kept.sessionID)
            #expect(ann != joe && kept.text == "\(ann) CN=ann")
            #expect(try await Self.get(harness, "CN=ann", "/app/look", ann).text == "public CN=ann true /app/x")
            #expect(try await Self.get(harness, "CN=ann", "/app/look", joe, ann).text == "public CN=ann true /app/x", "her own is behind his")
            let his = try await Self.get(harness, "CN=joe", "/app/look", ann, joe)
            #expect(his.text == "secret CN=joe true /app/x" && his.headers[.setCookie] == nil)
            #expect(try await Self.manager(harness).sessions(ofPrincipal: "CN=joe").map(\.id.rawValue) == [joe])
            #expect(try await Self.manager(harness).sessions(ofPrincipal: "CN=ann").map(\.id.rawValue) == [ann])
            if let store { #expect(try await store.count() == 2) }
        }
    }

    @Test("That of nobody is signed on under another id; where nobody has to sign in, the id decides, as ever")
    func nobody() async throws {
        try await EngineHarness.run(Self.context()) { harness async throws in
            let planted = try #require(try await harness.get("/app/open/keep?note=cart").sessionID)
            let mine = try await Self.get(harness, "CN=ann", "/app/look", planted)
            let id = try #require(mine.sessionID)
            #expect(id != planted && mine.text == "cart CN=ann true /app/x")
            #expect(try await Self.get(harness, "CN=joe", "/app/look", id).text == "- - false /app/x")
            #expect(try await Self.get(harness, "CN=joe", "/app/open/look", id).text == "cart CN=ann true /app/x")
        }
    }

    @Test("Certificates without a subject are told apart by authority and serial number")
    func emptySubjects() async throws {
        try await EngineHarness.run(Self.context()) { harness async throws in
            let one = try #require(try await Self.get(harness, "", "/app/keep?note=secret").sessionID)
            #expect(try await Self.get(harness, "", "/app/look", one).text == "secret serial number 1 of CN=authority true /app/x")
            #expect(try await Self.get(harness, "", "/app/look", one, serialNumber: "2").text == "- - false /app/x")
        }
    }

    @Test("A TLS session that another certificate uses does not lead to the session of the first")
    func tlsSessions() async throws {
        var definition = Self.context()
        definition.descriptor.trackingModes = [.ssl]
        definition.hasSecureConnector = true
        try await EngineHarness.run(definition) { harness async throws in
            #expect(try await Self.get(harness, "CN=joe", "/app/keep?note=secret", tls: "00ff").text.hasSuffix(" CN=joe"))
            #expect(try await Self.get(harness, "CN=joe", "/app/look", tls: "00ff").text == "secret CN=joe true /app/x")
            #expect(try await Self.get(harness, "CN=ann", "/app/look", tls: "00ff").text == "- - false /app/x")
            let hers = try await Self.get(harness, "CN=ann", "/app/keep?note=public", tls: "00ff")
            #expect(hers.text.hasSuffix(" CN=ann") && !hers.text.hasPrefix("00ff"))
            #expect(try await Self.get(harness, "CN=joe", "/app/look", tls: "00ff").text == "secret CN=joe true /app/x")
        }
    }

    @Test("An id that applications share is taken on for its principal, and for nobody else", arguments: [true, false])
    func sharedIDs(validates: Bool) async throws {
        let contexts = ["/a", "/b"].map { path in
            var definition = Self.context(path)
            definition.sessionCookiePath = "/"
            definition.validatesClientProvidedNewSessionID = validates
            return definition
        }
        try await EngineHarness.run(contexts, host: { _ in }, engine: { _ in }) { harness async throws in
            let joe = try #require(try await Self.get(harness, "CN=joe", "/a/keep?note=a").sessionID)
            let ann = try await Self.get(harness, "CN=ann", "/b/keep?note=hers", joe)
            #expect(ann.sessionID != nil && ann.sessionID != joe)
            let his = try await Self.get(harness, "CN=joe", "/b/keep?note=b", joe)
            #expect(his.text == "\(joe) CN=joe" && his.sessionID == joe)
            #expect(try await Self.get(harness, "CN=ann", "/b/keep?note=hers", joe).sessionID != joe, "it is his in both")
            #expect(try await Self.get(harness, "CN=joe", "/a/look", joe).text == "a CN=joe true /a/x")
            #expect(try await Self.get(harness, "CN=joe", "/b/look", joe).text == "b CN=joe true /b/x")
            // Whoever has planted an anonymous id would have the session afterwards.
            let planted = try #require(try await harness.get("/a/open/keep").sessionID)
            let fresh = try await Self.get(harness, "CN=joe", "/b/keep", planted)
            #expect(fresh.sessionID != nil && fresh.sessionID != planted)
        }
    }

    @Test("A session is signed on when it is made, and keeps its id", arguments: Place.allCases)
    func atOnce(place: Place) async throws {
        let store = place == .store ? MemorySessionStore() : nil
        try await EngineHarness.run(Self.context(store: store)) { harness async throws in
            let first = try await Self.get(harness, "CN=ann", "/app/keep?note=1")
            let id = try #require(first.sessionID)
            #expect(first.text == "\(id) CN=ann")
            let second = try await Self.get(harness, "CN=ann", "/app/keep?note=2", id)
            #expect(second.text == first.text && second.headers[.setCookie] == nil)
            #expect(try await Self.manager(harness).sessions(ofPrincipal: "CN=ann").map(\.id.rawValue) == [id])
        }
    }

    @Test("Limits of sessions of a principal count sessions of one request", arguments: Place.allCases)
    func limits(place: Place) async throws {
        let store = place == .store ? MemorySessionStore() : nil
        try await EngineHarness.run(
            Self.context(store: store) { configuration in
                configuration.maximumSessionsPerPrincipal = 2
                configuration.principalSessionLimit = .reject
            }
        ) { harness async throws in
            for _ in 0..<2 { #expect(try await Self.get(harness, "CN=ann", "/app/keep?note=x").status == 200) }
            let refused = try await Self.get(harness, "CN=ann", "/app/keep?note=x")
            #expect(refused.status >= 500 && refused.headers[.setCookie] == nil)
            #expect(try Self.manager(harness).statistics.activeSessions == 2)
            #expect(try await Self.get(harness, "CN=joe", "/app/keep?note=x").status == 200)
        }
        try await EngineHarness.run(Self.context(store: nil) { $0.maximumSessionsPerPrincipal = 2 }) { harness async throws in
            var ids: [String] = []
            for _ in 0..<3 { ids.append(try #require(try await Self.get(harness, "CN=ann", "/app/keep?note=x").sessionID)) }
            let left = try await Self.manager(harness).sessions(ofPrincipal: "CN=ann").map(\.id.rawValue)
            #expect(left.count == 2 && left.contains(ids[2]))
        }
    }

    @Test("With single sign-on its cookie comes at once")
    func singleSignOn() async throws {
        let valve = try SingleSignOnValve(.init())
        let contexts = [Self.context("/app"), SingleSignOnTests.context("/b")]
        try await EngineHarness.run(contexts, host: { $0.valves = [valve] }, engine: { _ in }) { harness async throws in
            let first = try await Self.get(harness, "CN=ann", "/app/keep?note=1")
            let sso = try #require(SingleSignOnTests.sso(first))
            #expect(try await harness.get("/b/who", headers: SingleSignOnTests.cookies(sso)).text == "CN=ann SSO -")
            // With the certificate of somebody else.
            var headers = SingleSignOnTests.cookies(sso, first.sessionID)
            headers[.from] = "CN=joe"
            let certificate = PeerCertificate(der: [], subject: "CN=joe", issuer: "CN=authority", serialNumber: "1")
            let info = TLSConnectionInfo(protocolVersion: "", cipherSuite: "", keySize: 0, peerCertificates: [certificate])
            let connection = ConnectionInfo(scheme: "https", isSecure: true, tls: info)
            #expect(try await harness.get("/app/look", headers: headers, connection: connection).text == "- - false /app/x")
            let his = try await harness.get("/app/keep", headers: headers, connection: connection)
            let other = try #require(SingleSignOnTests.sso(his))
            #expect(other != sso && his.text.hasSuffix(" CN=joe"))
            #expect(try await harness.get("/b/who", headers: SingleSignOnTests.cookies(other)).text == "CN=joe SSO -")
            #expect(try await harness.get("/b/who", headers: SingleSignOnTests.cookies(sso)).text == "CN=ann SSO -")
        }
    }
}

extension HTTPField.Name {
    fileprivate static var from: Self { .init("From") ?? .origin }
}
