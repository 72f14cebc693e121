import Foundation
import Testing

/// docs/tls.md as somebody reads it who does all that it says, in one base directory (features A to H).
@Suite struct TLSPageTests {
    /// A block of code of the page.
    private struct Block {
        var section: String
        /// What follows the three back-ticks: `sh`, `sh fails`, `xml`, `text`.
        var language: String
        var text: String
    }

    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private static func page() throws -> String { try String(contentsOf: root.appendingPathComponent("docs/tls.md"), encoding: .utf8) }

    private static func blocks() throws -> [Block] {
        var blocks: [Block] = []
        var section = ""
        var open: Block?
        for line in try page().components(separatedBy: "\n") {
            if line.hasPrefix("```") {
                if let block = open {
                    blocks.append(block)
                    open = nil
                } else {
                    open = Block(section: section, language: String(line.dropFirst(3)), text: "")
                }
            } else if open != nil {
                open?.text += line + "\n"
            } else if line.hasPrefix("#") {
                section = line.drop { $0 == "#" || $0 == " " }.description
            }
        }
        return blocks
    }

    /// Somebody with a home directory, and a base directory in it, who follows the page.
    private final class Reader {
        private let home: TemporaryFolder
        private var directory: String
        private var server: ServalProcess?
        private var output = ""
        /// conf/server.xml as it was laid down.
        private var serverXML = ""
        /// The descriptor of the examples as it was laid down.
        private var descriptor = ""

        init() throws {
            home = try TemporaryFolder()
            directory = home.path
        }

        private var environment: [String: String] {
            ["HOME": home.path, "PATH": Command.products + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin")]
        }

        func follow(_ block: Block) async throws {
            switch block.language {
            case "sh", "sh fails": try await run(block)
            case "text":
                let compact = output.filter { $0 != " " }
                for line in block.text.split(separator: "\n") {
                    #expect(compact.contains(line.filter { $0 != " " }), "\(block.section): \(line) is not in\n\(output)")
                }
            case "xml": try await configure(block)
            case "properties": try append(block.text, to: "conf/logging.properties")
            default: Issue.record("\(block.section): who follows a block of \(block.language)?")
            }
        }

        /// Commands that talk to the server find it running, with the configuration of before.
        private func run(_ block: Block) async throws {
            var script = block.text
            if script.contains(":8") || script.contains("reload") {
                if server == nil { server = try await ServalProcess.start(in: directory, of: home, environment: environment) }
                let server = try #require(server)
                script = try script.replacingOccurrences(of: ":8443", with: ":\(server.port("https"))")
                if script.contains(":8080") { script = try script.replacingOccurrences(of: ":8080", with: ":\(server.port("http"))") }
            }
            let result = try await Command.run(
                "sh",
                ["-ec", script + "\npwd > \"$HOME/directory\""],
                environment: environment,
                directory: directory
            )
            let fails = block.language == "sh fails"
            #expect(
                (result.exitCode != 0) == fails,
                "\(block.section): \(script)\n\(result.output)\(result.errors)\n\(server?.errors ?? "")"
            )
            output = result.output + result.errors
            if !fails { directory = try home.read("directory").trimmingCharacters(in: .newlines) }
            if serverXML.isEmpty { try keepServerXML() }
        }

        private func keepServerXML() throws {
            serverXML = try String(contentsOfFile: directory + "/conf/server.xml", encoding: .utf8)
            descriptor = try String(contentsOfFile: directory + "/webapps/examples/WEB-INF/web.xml", encoding: .utf8)
            try ServalProcess.withFreePorts(serverXML).write(toFile: directory + "/conf/server.xml", atomically: true, encoding: .utf8)
        }

        /// Puts an element where it belongs, and starts the server with it.
        private func configure(_ block: Block) async throws {
            if let server {
                server.signal(SIGKILL)
                _ = try await server.waitForExit()
            }
            server = nil
            let element = block.text
            if element.hasPrefix("<Connector ") {
                let port = element.contains("port=\"8080\"") ? "8080" : "8443"
                let old = try #require(serverXML.range(of: "<Connector port=\"\(port)\" protocol"))
                let end = port == "8080" ? "/>" : "</Connector>"
                let rest = try #require(serverXML.range(of: end, range: old.upperBound..<serverXML.endIndex))
                try write(serverXML.replacingCharacters(in: old.lowerBound..<rest.upperBound, with: element))
            } else if element.hasPrefix("<Listener ") {
                let xml = try String(contentsOfFile: directory + "/conf/server.xml", encoding: .utf8)
                try write(xml.replacingOccurrences(of: "shutdown=\"SHUTDOWN\">", with: "shutdown=\"SHUTDOWN\">\n\(element)"))
            } else {
                let file = directory + "/webapps/examples/WEB-INF/web.xml"
                try descriptor.replacingOccurrences(of: "</web-app>", with: element + "</web-app>").write(
                    toFile: file,
                    atomically: true,
                    encoding: .utf8
                )
            }
            let server = try await ServalProcess.start(in: directory, of: home, environment: environment)
            self.server = server
            let certificate = try await Command.run(
                "openssl",
                ["s_client", "-connect", "127.0.0.1:\(server.port("https"))", "-servername", "localhost"]
            )
            #expect(certificate.output.contains("BEGIN CERTIFICATE"), "\(block.section): \(element)\n\(certificate.errors)\n\(server.errors)")
            // The older style is told of as such; nothing else on the page deserves a warning.
            let warnings = server.errors.split(separator: "\n").filter { line in
                [" WARN", " ERROR", ": warning:", ": error:"].contains { line.contains($0) }
            }
            let isOlder = element.contains("keystoreFile=\"${") && element.contains("clientAuth") || element.contains("SSLCertificateFile")
            #expect(warnings.isEmpty || isOlder, "\(block.section): \(warnings)")
            #expect(!isOlder || !warnings.isEmpty, "\(block.section): the page says that a warning names the new attributes")
        }

        private func write(_ xml: String) throws {
            try ServalProcess.withFreePorts(xml).write(toFile: directory + "/conf/server.xml", atomically: true, encoding: .utf8)
        }

        private func append(_ text: String, to file: String) throws {
            let old = try String(contentsOfFile: directory + "/" + file, encoding: .utf8)
            try (old + "\n" + text).write(toFile: directory + "/" + file, atomically: true, encoding: .utf8)
        }
    }

    @Test("All commands and configurations of docs/tls.md work, in their order")
    func everything() async throws {
        let blocks = try Self.blocks()
        #expect(blocks.count > 50)
        let reader = try Reader()
        for block in blocks { try await reader.follow(block) }
    }

    @Test("H: every cause of failed handshakes, and only those, has a line in the page")
    func causes() throws {
        let source = try String(
            contentsOf: Self.root.appendingPathComponent("Sources/ServalTLS/Handshake/TLSHandshakeFailure.swift"),
            encoding: .utf8
        )
        let known = Set(source.matches(of: #/= Cause\("([a-z-]+)"/#).map { String($0.1) })
        #expect(known.count > 20)
        let section = try Self.section("### Handshakes fail", until: "### Other things")
        let rows = section.split(separator: "\n").filter { $0.hasPrefix("| `") && !$0.hasPrefix("| `cause=`") }
        let told = Set(rows.flatMap { $0.split(separator: "|")[0].matches(of: #/`([a-z-]+)`/#).map { String($0.1) } })
        #expect(told == known)
    }

    @Test("H03 H07 H10: the messages of the page are those that the sources have")
    func messages() throws {
        var sources = ""
        let folder = Self.root.appendingPathComponent("Sources")
        let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
        while let file = files?.nextObject() as? URL {
            if file.pathExtension == "swift" { sources += try String(contentsOf: file, encoding: .utf8) }
        }
        // Constants of Swift are cut into pieces where lines would be too long.
        sources = sources.replacing(#/"\s*\+\s*"/#, with: "")
        let section = try Self.section("### The server does not start, or warns", until: "### Handshakes fail")
        let rows = section.split(separator: "\n").filter { $0.hasPrefix("| `") }
        #expect(rows.count > 30)
        for row in rows {
            for message in row.split(separator: "|")[0].matches(of: #/`([^`]+)`/#).map({ String($0.1) }) {
                for piece in message.split(separator: "…") where piece.count > 4 {
                    #expect(sources.contains(piece.trimmingCharacters(in: .whitespaces)), "\(message)")
                }
            }
        }
    }

    private static func section(_ begin: String, until end: String) throws -> String {
        let page = try page()
        let start = try #require(page.range(of: begin + "\n"))
        let stop = try #require(page.range(of: end, range: start.upperBound..<page.endIndex))
        return String(page[start.upperBound..<stop.lowerBound])
    }
}
