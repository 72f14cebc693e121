import HTTPTypes
import Logging
import ServalServlet
import Testing

@testable import ServalContainer

@Suite("HttpHeaderSecurityFilter (A26)")
struct HTTPHeaderSecurityFilterTests {
    private static let secure = ConnectionInfo(scheme: "https", isSecure: true)

    private static func context(_ parameters: [String: String]) -> ContextDefinition {
        ContextDefinition("") { context in
            context.addFilter("security", HTTPHeaderSecurityFilter(), initParameters: parameters).map("/*")
            context.addServlet("plain", ClosureServlet { _ in .text("plain") }).map("/plain")
            context.addServlet("throwing", ClosureServlet { _ in throw HTTPError(.forbidden) }).map("/throwing")
            context.addServlet("failing", ClosureServlet { _ in throw CancellationError() }).map("/failing")
            context.addServlet("missing", ClosureServlet { _ in .error(.notFound) }).map("/missing")
            context.addServlet(
                "own",
                ClosureServlet { _ in Response(.ok, headers: [HTTPField.Name("X-Frame-Options") ?? .origin: "SAMEORIGIN"], body: .text("own")) }
            ).map("/own")
        }
    }

    private static func fields(_ answer: Answer) -> [String?] {
        ["Strict-Transport-Security", "X-Frame-Options", "X-Content-Type-Options", "X-XSS-Protection"]
            .map { HTTPField.Name($0).flatMap { answer.headers[$0] } }
    }

    @Test(
        arguments: [
            ([:], ["max-age=0", "DENY", "nosniff", nil]),
            (["hstsMaxAgeSeconds": "31536000"], ["max-age=31536000", "DENY", "nosniff", nil]),
            (["hstsMaxAgeSeconds": "-5", "hstsIncludeSubDomains": "TRUE"], ["max-age=0;includeSubDomains", "DENY", "nosniff", nil]),
            (
                ["hstsMaxAgeSeconds": " 63072000 ", "hstsIncludeSubDomains": "true", "hstsPreload": "true"],
                ["max-age=63072000;includeSubDomains;preload", "DENY", "nosniff", nil]
            ),
            (["hstsEnabled": "false", "antiClickJackingOption": "sameorigin"], [nil, "SAMEORIGIN", "nosniff", nil]),
            (
                ["antiClickJackingOption": "allow-from", "antiClickJackingUri": "https://example.org/"],
                ["max-age=0", "ALLOW-FROM https://example.org/", "nosniff", nil]
            ),
            (
                ["antiClickJackingEnabled": "false", "blockContentTypeSniffingEnabled": "false", "xssProtectionEnabled": "true"],
                ["max-age=0", nil, nil, "1; mode=block"]
            ),
        ] as [([String: String], [String?])]
    )
    func parameters(_ parameters: [String: String], expected: [String?]) async throws {
        try await EngineHarness.run(Self.context(parameters)) { harness in
            for path in ["/plain", "/missing", "/throwing", "/failing"] {
                let answer = try await harness.get(path, connection: Self.secure)
                #expect(Self.fields(answer) == expected)
            }
            let inTheClear = try await harness.get("/plain")
            #expect(Self.fields(inTheClear) == [nil] + expected.dropFirst())
        }
    }

    @Test func whatTheApplicationSaysStays() async throws {
        try await EngineHarness.run(Self.context([:])) { harness in
            let answer = try await harness.get("/own", connection: Self.secure)
            #expect(answer.headers[values: HTTPField.Name("X-Frame-Options") ?? .origin] == ["SAMEORIGIN"])
            #expect(answer.headers[.strictTransportSecurity] == "max-age=0")
        }
    }

    @Test(arguments: [
        ("hstsEnabled", "yes"), ("hstsMaxAgeSeconds", "a year"), ("antiClickJackingOption", "NEVER"), ("antiClickJackingOption", "ALLOW-FROM"),
        ("hstsMaxAge", "1"), ("blockContentTypeSniffingEnabled", ""),
    ])
    func wrongParameters(name: String, value: String) async throws {
        let context = ServletContext(path: "", logger: Logger(label: "test"))
        let filter = HTTPHeaderSecurityFilter()
        let error = await #expect(throws: ConfigurationError.self) {
            try await filter.start(ServletConfiguration(name: "security", initParameters: [name: value], context: context))
        }
        #expect(error?.code == .invalidValue)
        #expect(error?.message.contains(name == "antiClickJackingOption" && value == "ALLOW-FROM" ? "antiClickJackingUri" : name) == true)
    }
}
