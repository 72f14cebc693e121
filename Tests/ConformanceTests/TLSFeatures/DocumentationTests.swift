import Foundation
import Testing

/// What Tomcat's documents link to and explain has its place in Serval's own.
@Suite("Subjects of Tomcat's documents in Serval's") struct DocumentationTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private static func read(_ name: String) throws -> String {
        try String(contentsOf: Self.root.appendingPathComponent(name), encoding: .utf8)
    }

    @Test("A14 A15 A29: the guide to TLS has the sections of Tomcat's in their order, and links to the considerations of security")
    func sections() throws {
        let page = try Self.read("docs/tls.md")
        let sections = [
            "## Quick start", "## What a certificate is for", "## Key stores and PEM files", "## The connector", "## A certificate from an authority",
            "## Client certificates", "## Revocation and OCSP", "## Resumption and sessions", "## Troubleshooting",
        ]
        let places = sections.compactMap { page.range(of: "\n\($0)\n")?.lowerBound }
        #expect(places.count == sections.count && places == places.sorted())
        #expect(page.contains("(threat-model.md"))
        #expect(try Self.read("docs/threat-model.md").count > 1000)
    }

    @Test("A30 B11: OpenSSL's documentation is linked") func links() throws {
        #expect(try Self.read("docs/tls.md").contains("(https://docs.openssl.org/"))
    }

    @Test("D18 E11: all attributes of TLS are on one page, which the guide links to")
    func reference() throws {
        #expect(try Self.read("docs/tls.md").contains("(tls-reference.md"))
        let page = try Self.read("docs/tls-reference.md")
        for name in [
            "certificateKeystoreFile", "certificateFile", "certificateKeyFile", "certificateChainFile", "certificateVerification",
            "caCertificateFile",
            "truststoreFile", "protocols", "ciphers", "cipherSuites", "groups", "honorCipherOrder", "disableSessionTickets", "sessionTimeout",
            "ocspEnabled",
            "keystoreFile", "SSLCertificateFile", "clientAuth", "SSLVerifyClient", "sslEnabledProtocols", "SSLProtocol",
        ] {
            #expect(page.contains("`\(name)`"), "\(name)")
        }
    }

    @Test("F01 F07 F08 F09 F10 H21: no page depends on the authorities and mirrors that the documents name")
    func strangers() throws {
        for folder in ["docs", "webapps", "conf"] {
            let files = try #require(FileManager.default.enumerator(atPath: Self.root.appendingPathComponent(folder).path)).compactMap {
                $0 as? String
            }
            for file in files where file.contains(".") {
                guard let text = try? Self.read("\(folder)/\(file)").lowercased() else { continue }
                for name in ["verisign", "thawte", "trustcenter", "dokyumento"] { #expect(!text.contains(name), "\(folder)/\(file)") }
            }
        }
    }

    @Test("H14 H17 H20: the limits of old Java are told as history, and where to ask for help")
    func history() throws {
        let page = try Self.read("docs/tls.md")
        #expect(page.contains("Could not generate DH keypair") && page.contains("768") && page.contains("1024"))
        #expect(page.contains("(../CONTRIBUTING.md"))
    }
}
