import HTTPTypes
import ServalServlet
import ServalTesting
import Testing

@testable import ServalContainer

@Suite("SSLValve: what a proxy says about TLS")
struct SSLValveTests {
    private static let names = ["X509Certificate", "cipher_suite", "key_size", "ssl_session_id", "secure_protocol"]

    /// Answers each attribute under its `javax` and its `jakarta` name.
    private static func context(_ modes: Set<SessionTrackingMode>? = nil) -> ContextDefinition {
        var definition = ContextDefinition("/app") { context in
            context.addServlet(
                "attributes",
                ClosureServlet { request in
                    var lines: [String] = []
                    for name in Self.names {
                        let values = ["javax", "jakarta"].map { prefix -> String in
                            switch request.attribute(named: "\(prefix).servlet.request.\(name)") {
                            case let chain as [PeerCertificate]: return chain.map(\.subject).joined(separator: ";")
                            case let value?: return "\(value)"
                            case nil: return "-"
                            }
                        }
                        lines.append(values[0] == values[1] ? values[0] : "differ: \(values)")
                    }
                    lines.append(request.attribute(named: "org.apache.tomcat.util.net.secure_protocol_version").map { "\($0)" } ?? "-")
                    return .text(lines.joined(separator: " | "))
                }
            ).map("/attributes")
            context.addServlet(
                "session",
                ClosureServlet { request in
                    let session = try await request.session()
                    return .text("\(session.isNew) \(session.id.rawValue)")
                }
            ).map("/session")
        }
        definition.descriptor.trackingModes = modes
        return definition
    }

    private static let proxy = ConnectionInfo(remoteAddress: "10.1.2.3", scheme: "https", isSecure: true)
    private static let stranger = ConnectionInfo(remoteAddress: "203.0.113.9", scheme: "https", isSecure: true)

    private static func run(
        _ modes: Set<SessionTrackingMode>? = nil,
        configuration: SSLValve.Configuration = .init(),
        body: (EngineHarness, LogRecorder) async throws -> Void
    ) async throws {
        let log = LogRecorder()
        let valve = try SSLValve(configuration, logger: log.logger)
        try await EngineHarness.run(Self.context(modes), host: { $0.valves = [valve] }, body: { try await body($0, log) })
    }

    private static func fields(_ pairs: [String: String]) -> HeaderFields {
        var fields = HeaderFields()
        for (name, value) in pairs {
            if let name = HTTPField.Name(name) { fields[name] = value }
        }
        return fields
    }

    @Test("I03: the six fields become the attributes, under their javax and jakarta names")
    func attributes() async throws {
        let pem = try TestCertificateAuthority().issue(commonName: "alice").certificatePEM
        let line = pem.split(separator: "\n").joined(separator: " ")
        let escaped = pem.utf8.map { byte in
            byte.isLetterOrDigit ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
        try await Self.run { harness, log async throws in
            let common = [
                "ssl_secure_protocol": "TLSv1.3", "ssl_cipher": "TLS_AES_128_GCM_SHA256", "ssl_session_id": "X", "ssl_cipher_usekeysize": "128",
            ]
            let expected = "CN=alice | TLS_AES_128_GCM_SHA256 | 128 | X | TLSv1.3 | TLSv1.3"
            for certificate in [
                ["ssl_client_cert": line], ["ssl_client_escaped_cert": escaped], ["ssl_client_cert": "nonsense", "ssl_client_escaped_cert": escaped],
                ["ssl_client_cert": "  " + line.replacing("-----BEGIN CERTIFICATE-----", with: "-----BEGIN CERTIFICATE+++++")],
            ] {
                let fields = Self.fields(common.merging(certificate) { $1 })
                let answer = try await harness.get("/app/attributes", headers: fields, connection: Self.proxy)
                #expect(answer.text == expected)
            }
            #expect(log.text.isEmpty, "\(log.text)")
        }
    }

    @Test("Fields that are absent, empty or (null) are left alone; what cannot be read is warned of")
    func oddValues() async throws {
        try await Self.run { harness, log async throws in
            let nothing = "- | - | - | - | - | -"
            for value in ["(null)", "", "  "] {
                let fields = Self.fields([
                    "ssl_client_cert": value, "ssl_client_escaped_cert": value, "ssl_secure_protocol": value, "ssl_cipher": value,
                    "ssl_session_id": value, "ssl_cipher_usekeysize": value,
                ])
                #expect(try await harness.get("/app/attributes", headers: fields, connection: Self.proxy).text == nothing)
            }
            #expect(log.text.isEmpty)
            for bad in [
                ["ssl_client_cert": "-----BEGIN CERTIFICATE----- AAAA -----END CERTIFICATE-----"], ["ssl_client_cert": "short"],
                ["ssl_client_escaped_cert": "%zz"], ["ssl_cipher_usekeysize": "many"],
            ] {
                let before = log.count(of: "warning")
                #expect(try await harness.get("/app/attributes", headers: Self.fields(bad), connection: Self.proxy).text == nothing)
                #expect(log.count(of: "warning") == before + 1, "\(bad)")
            }
        }
    }

    /// What the proxy itself has shown, to be let in here, says nothing about the client.
    @Test("Without a field that can be read, or with two, the proxy's own certificate and session are not the client's")
    func ownIdentityOfTheProxy() async throws {
        let authority = try TestCertificateAuthority()
        let own = try authority.issue(commonName: "proxy")
        let line = try authority.issue(commonName: "alice").certificatePEM.split(separator: "\n").joined(separator: " ")
        let tls = TLSConnectionInfo(
            protocolVersion: "TLSv1.3",
            cipherSuite: "C",
            keySize: 256,
            sessionID: .init(hexString: "0f0f"),
            peerCertificates: [try own.peerCertificate]
        )
        let proxy = ConnectionInfo(remoteAddress: "10.1.2.3", scheme: "https", isSecure: true, tls: tls)
        let stranger = ConnectionInfo(remoteAddress: "203.0.113.9", scheme: "https", isSecure: true, tls: tls)
        let (certificate, escaped, id) = ("ssl_client_cert", "ssl_client_escaped_cert", "ssl_session_id")
        try await Self.run { harness, log async throws in
            func answer(_ pairs: [(String, String)], _ connection: ConnectionInfo) async throws -> String {
                var fields = HeaderFields()
                for (name, value) in pairs { fields.append(try #require(HTTPField.Name(name)), value) }
                return try await harness.get("/app/attributes", headers: fields, connection: connection).text
            }
            for fields in [[], [(certificate, "(null)"), (id, "(null)")], [(certificate, "")], [(certificate, "nonsense")], [(escaped, "%zz")]] {
                #expect(try await answer(fields, proxy) == "- | C | 256 | - | TLSv1.3 | TLSv1.3", "\(fields)")
            }
            let before = log.count(of: "warning")
            for name in [certificate, escaped] {
                #expect(try await answer([(name, line), (name, line), (id, "X"), (id, "Y")], proxy) == "- | C | 256 | - | TLSv1.3 | TLSv1.3")
            }
            #expect(log.count(of: "warning") == before + 4)
            #expect(try await answer([(certificate, line), (id, "X")], proxy) == "CN=alice | C | 256 | X | TLSv1.3 | TLSv1.3")
            #expect(try await answer([(certificate, line), (id, "X")], stranger) == "CN=proxy | C | 256 | 0f0f | TLSv1.3 | TLSv1.3")
        }
    }

    @Test("Whoever is no trusted proxy says nothing about TLS")
    func strangers() async throws {
        let fields = Self.fields(["ssl_session_id": "X", "ssl_cipher": "Y"])
        try await Self.run { harness, _ async throws in
            #expect(try await harness.get("/app/attributes", headers: fields, connection: Self.stranger).text == "- | - | - | - | - | -")
        }
        var configuration = SSLValve.Configuration()
        configuration.trustedProxies = "203.0.113.0/28 2001:db8::/32"
        configuration.sessionIDHeader = "X-Session"
        try await Self.run(configuration: configuration) { harness, _ async throws in
            let own = Self.fields(["X-Session": "X"])
            #expect(try await harness.get("/app/attributes", headers: own, connection: Self.stranger).text == "- | - | - | X | - | -")
            #expect(try await harness.get("/app/attributes", headers: own, connection: Self.proxy).text == "- | - | - | - | - | -")
        }
        configuration.trustedProxies = "10.0.0.0/33"
        #expect(throws: ConfigurationError.self) { try SSLValve(configuration, logger: LogRecorder().logger) }
    }

    @Test("I03: behind a proxy the id tracks sessions, on secure connectors and from trusted proxies only")
    func tracking() async throws {
        try await Self.run([.ssl]) { harness, _ async throws in
            func session(_ id: String, _ connection: ConnectionInfo) async throws -> String {
                let answer = try await harness.get("/app/session", headers: Self.fields(["ssl_session_id": id]), connection: connection)
                #expect(answer.headers[.setCookie] == nil)
                return answer.text
            }
            #expect(try await session("00aa11bb22cc", Self.proxy) == "true 00aa11bb22cc")
            #expect(try await session("00aa11bb22cc", Self.proxy) == "false 00aa11bb22cc")
            #expect(try await session("ffff11bb22cc", Self.proxy) == "true ffff11bb22cc")
            #expect(try await session("00aa11bb22cc", Self.stranger) != "false 00aa11bb22cc")
            let plain = ConnectionInfo(remoteAddress: "10.1.2.3")
            #expect(try await session("00aa11bb22cc", plain) != "false 00aa11bb22cc")
        }
    }

    @Test(
        "Ranges of addresses",
        arguments: [
            ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false), ("172.16.0.0/12", "172.31.9.9", true),
            ("172.16.0.0/12", "172.32.0.1", false), ("192.0.2.7", "192.0.2.7", true), ("192.0.2.7", "192.0.2.8", false),
            ("0.0.0.0/0", "1.2.3.4", true),
            ("fe80::/10", "febf::1", true), ("fe80::/10", "fec0::1", false), ("::1", "::1", true), ("0.0.0.0/0", "::1", false),
            ("", "127.0.0.1", false),
            ("127.0.0.0/8", "localhost", false), ("10.0.0.0/9", "10.128.0.1", false),
        ]
    )
    func ranges(text: String, address: String, isIn: Bool) throws {
        #expect(try AddressRanges(text).contains(address) == isIn)
    }

    @Test func wrongRangesAreErrors() {
        for text in ["10.0.0.0/33", "10.0.0/8", "::1/129", "proxy", "10.0.0.0/-1", "10.0.0.0/"] {
            #expect(throws: ConfigurationError.self) { try AddressRanges(text) }
        }
    }
}

extension UInt8 {
    fileprivate var isLetterOrDigit: Bool { Character(UnicodeScalar(self)).isLetter || Character(UnicodeScalar(self)).isNumber }
}
