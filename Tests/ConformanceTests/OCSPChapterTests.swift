import Foundation
import TestPrograms
import Testing

/// The chapter about OCSP of Tomcat's documents, with the commands of docs/ocsp.md (features G01 to G26): an authority, a responder, and the connector.
@Suite struct OCSPChapterTests {
    /// The folder of the chapter: the authority, a certificate with a pass phrase, a good client and a revoked one.
    private final class Chapter: Sendable {
        let folder: TemporaryFolder
        let responder: Responder

        init() async throws {
            folder = try TemporaryFolder()
            let page = try OCSPChapterTests.page()
            try folder.write("", to: "index.txt")
            let start = try #require(page.range(of: "```ini\n"))
            let end = try #require(page.range(of: "```", range: start.upperBound..<page.endIndex))
            let settings = String(page[start.upperBound..<end.lowerBound])
            try folder.write(settings, to: "openssl.cnf")
            // G07: the file as it stands is one that openssl accepts.
            try await Self.run(
                "openssl req -config openssl.cnf -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca-chain.cert.pem -days 3650 -subj \"/CN=Test CA\" -extensions v3_ca",
                in: folder
            )
            responder = try Responder(folder)
            try folder.write(settings.replacingOccurrences(of: "127.0.0.1:8088", with: "127.0.0.1:\(responder.port)"), to: "openssl.cnf")
        }

        /// Runs a command of the page; `more` answers what the command would ask for.
        @discardableResult
        func run(_ command: String, _ more: String = "") async throws -> CommandResult { try await Self.run(command, more, in: folder) }

        @discardableResult
        static func run(_ command: String, _ more: String = "", in folder: TemporaryFolder) async throws -> CommandResult {
            #expect(try OCSPChapterTests.page().contains("\n\(command)\n"), "docs/ocsp.md has no \(command)")
            var words = command.split(separator: " ", maxSplits: 2).map(String.init)
            words.insert(more, at: 2)
            return try await shell(words.joined(separator: " "), in: folder)
        }

        @discardableResult
        static func shell(_ command: String, in folder: TemporaryFolder, succeeds: Bool = true) async throws -> CommandResult {
            let result = try await Command.run("sh", ["-c", command], directory: folder.path)
            #expect((result.exitCode == 0) == succeeds, "\(command): \(result.output) \(result.errors)")
            return result
        }

        /// A certificate as the chapter makes them.
        func issue(_ name: String, extensions: String = "v3_issued", issuer: String = "-cert ca-chain.cert.pem -keyfile ca.key") async throws {
            try await Self.shell(
                "openssl req -config openssl.cnf -new -newkey rsa:2048 -nodes -keyout \(name).key -out \(name).csr -subj /CN=\(name) && "
                    + "openssl ca -batch -config openssl.cnf \(issuer) -extensions \(extensions) -days 375 -notext -md sha256 -in \(name).csr -out \(name).crt",
                in: folder
            )
        }

        /// Has the responder see what has been issued and revoked.
        func refresh() async throws {
            try OCSPIndex.setNewDate(folder.path + "/index.txt")
            try await Self.shell(
                "openssl ocsp -issuer ca-chain.cert.pem -serial 1 -url http://127.0.0.1:\(responder.port) -noverify",
                in: folder
            )
        }
    }

    /// The chapter's responder, on a port of its own choice.
    private final class Responder: Sendable {
        let port: Int
        let log: String
        private let process: ChildProcess

        init(_ folder: TemporaryFolder, signer: String = "ca-chain.cert.pem", key: String = "ca.key") throws {
            let words = "openssl ocsp -port 8088 -text -rmd sha256 -index index.txt -CA ca-chain.cert.pem -rkey ca.key -rsigner ca-chain.cert.pem"
            #expect(try OCSPChapterTests.page().contains("\n\(words)\n"))
            var arguments = words.split(separator: " ").map(String.init)
            arguments[arguments.firstIndex(of: "8088") ?? 0] = "0"
            arguments[arguments.count - 1] = signer
            arguments[arguments.count - 3] = key
            log = folder.path + "/responder-\(UUID().uuidString).log"
            try Data().write(to: URL(fileURLWithPath: log))
            process = ChildProcess()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = arguments
            process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
            let output = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
            process.standardOutput = output
            process.standardError = output
            try process.run()
            var found: Int?
            for _ in 0..<1000 where found == nil {
                let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
                if let line = text.split(separator: "\n").first(where: { $0.hasPrefix("ACCEPT ") && $0.contains("PID=") }) {
                    found = line.split(separator: " ").dropFirst().first?.split(separator: ":").last.flatMap { Int($0) }
                }
                if found == nil { usleep(10_000) }
            }
            port = try #require(found)
        }

        /// How many requests about the certificate with this serial number have come.
        func requests(about serial: String) throws -> Int {
            let text = try String(contentsOfFile: log, encoding: .utf8)
            return text.components(separatedBy: "OCSP Request Data:").dropFirst()
                .filter { $0.components(separatedBy: "OCSP Response Data:")[0].contains("Serial Number: \(serial)") }.count
        }

        func stop() {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }

        deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }
    }

    fileprivate static func page() throws -> String {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        return try String(contentsOf: root.appendingPathComponent("docs/ocsp.md"), encoding: .utf8)
    }

    // MARK: The server

    /// The page's connector (G20) with the chapter's files.
    private func server(
        _ chapter: Chapter,
        certificate: String = "client-good",
        password: String? = nil,
        _ changes: [(String, String)] = []
    ) async throws -> ServalProcess {
        let page = try Self.page()
        let start = try #require(page.range(of: "<Connector "))
        let end = try #require(page.range(of: "</Connector>", range: start.upperBound..<page.endIndex))
        var connector = page[start.lowerBound..<end.upperBound]
            .replacingOccurrences(of: "/path/to/ca.pem", with: chapter.folder.path + "/ca-chain.cert.pem")
            .replacingOccurrences(of: "/path/to/ocsp-cert", with: chapter.folder.path + "/" + certificate)
        if let password {
            connector = connector.replacingOccurrences(of: "<Certificate ", with: "<Certificate certificateKeyPassword=\"\(password)\" ")
        }
        for (old, new) in changes {
            #expect(connector.contains(old))
            connector = connector.replacingOccurrences(of: old, with: new)
        }
        return try await ServalProcess.start(
            serverXML: ServalProcess.withFreePorts(
                """
                <?xml version="1.0" encoding="UTF-8"?>
                <Server port="8005" shutdown="SHUTDOWN">
                  <Service name="Catalina">
                    \(connector)
                    <Engine name="Catalina" defaultHost="localhost"><Host name="localhost" appBase="webapps"/></Engine>
                  </Service>
                </Server>
                """
            )
        )
    }

    /// What a client with this certificate gets: the page and curl's words.
    private func visit(_ server: ServalProcess, _ chapter: Chapter, _ name: String?, chain: [String] = []) async throws -> CommandResult {
        var arguments = ["-k"]
        if let name {
            let texts = try ([name] + chain).map { try chapter.folder.read("\($0).crt") }
            let file = "\(name)-\(UUID().uuidString).pem"
            try chapter.folder.write(texts.joined(), to: file)
            arguments += ["--cert", chapter.folder.path + "/" + file, "--key", chapter.folder.path + "/\(name).key"]
        }
        return try await server.curl("/examples/plain", arguments)
    }

    private func serial(_ chapter: Chapter, _ name: String) async throws -> String {
        try await Chapter.shell("openssl x509 -noout -serial -in \(name).crt", in: chapter.folder).output
            .replacingOccurrences(of: "serial=", with: "").trimmingCharacters(in: .whitespacesAndNewlines)
    }

    @Test("G01 G03 G04 G05 G19 G20 G24 G25 G26: good gets a page, revoked an alert, and the responder has seen one request for each")
    func goodRevokedAndDown() async throws {
        let chapter = try await Chapter()
        for name in ["server", "client-good", "client-bad", "client-late"] { try await chapter.issue(name) }
        try await Chapter.shell("openssl ca -config openssl.cnf -cert ca-chain.cert.pem -keyfile ca.key -revoke client-bad.crt", in: chapter.folder)
        try await chapter.refresh()
        let server = try await server(chapter, certificate: "server")
        #expect(server.errors.contains("OpenSSL 3."), "\(server.errors)")
        let good = try await visit(server, chapter, "client-good")
        #expect(good.output == "Hello, world!", "\(good.errors) \(server.errors)")
        let bad = try await visit(server, chapter, "client-bad")
        #expect(bad.exitCode != 0 && bad.errors.contains("certificate revoked"), "\(bad.errors)")
        #expect(try chapter.responder.requests(about: try await serial(chapter, "client-bad")) == 1)
        #expect(try chapter.responder.requests(about: try await serial(chapter, "client-good")) == 1)
        // The server has asked about its own certificate before: its issuer is the one that clients are verified with.
        #expect(try chapter.responder.requests(about: try await serial(chapter, "server")) == 1)
        chapter.responder.stop()
        // Soft is the default.
        #expect(try await visit(server, chapter, "client-late").output == "Hello, world!")
        #expect(server.errors.contains("let in without proof"), "\(server.errors)")
        let hard = try await self.server(chapter, [("ocspEnabled=\"true\"", "ocspEnabled=\"true\" ocspSoftFail=\"false\"")])
        let late = try await visit(hard, chapter, "client-late")
        #expect(late.exitCode != 0 && late.errors.contains("certificate unknown"), "\(late.errors)")
    }

    @Test("G07 G08 G09 G10 G11 G12 G13 G14 G15 G16 G17 G18: the chapter's certificate, command by command, as server and as client")
    func certificate() async throws {
        let chapter = try await Chapter()
        let folder = chapter.folder
        try await chapter.run("openssl genrsa -aes256 -out ocsp-cert.key 4096", "-passout pass:secret")
        #expect(try folder.read("ocsp-cert.key").contains("ENCRYPTED"))
        try await chapter.run(
            "openssl req -config openssl.cnf -new -sha256 -key ocsp-cert.key -out ocsp-cert.csr",
            "-passin pass:secret -subj /CN=ocsp-cert"
        )
        let verified = try await Chapter.shell("openssl req -config openssl.cnf -verify -noout -in ocsp-cert.csr", in: folder)
        #expect((verified.output + verified.errors).contains("verify OK"))
        let right =
            "openssl ca -config openssl.cnf -cert ca-chain.cert.pem -keyfile ca.key -extensions v3_issued -days 375 -notext -md sha256 -in ocsp-cert.csr -out ocsp-cert.crt"
        // What the documents had does not work, nor does the part of openssl.cnf that they show.
        for (old, new) in [("-config openssl.cnf", "-openssl.cnf"), ("v3_issued", "ocsp"), ("openssl.cnf", "shown.cnf")] {
            let shown = try folder.read("openssl.cnf").components(separatedBy: "[v3_issued]")[1]
            try folder.write("[x509]\nx509_extensions = v3_issued\n[v3_issued]" + shown, to: "shown.cnf")
            try await Chapter.shell(right.replacingOccurrences(of: old, with: new) + " -batch", in: folder, succeeds: false)
        }
        try await chapter.run(right, "-batch")
        let text = try await chapter.run("openssl x509 -noout -text -in ocsp-cert.crt").output
        for part in [
            "OCSP - URI:http://127.0.0.1:\(chapter.responder.port)", "sha256WithRSAEncryption", "(4096 bit)", "Subject Key Identifier",
            "Authority Key Identifier",
            "Testing OCSP Certificate", "CA:FALSE", "Certificate Sign, CRL Sign, Encipher Only, Decipher Only",
        ] {
            #expect(text.contains(part), "\(part): \(text)")
        }
        #expect(try await chapter.run("openssl x509 -noout -ocsp_uri -in ocsp-cert.crt").output == "http://127.0.0.1:\(chapter.responder.port)\n")
        try await Chapter.shell("openssl x509 -noout -checkend \(374 * 86400) -in ocsp-cert.crt", in: folder)
        try await Chapter.shell("openssl x509 -noout -checkend \(376 * 86400) -in ocsp-cert.crt", in: folder, succeeds: false)

        // With its issuer behind it, the certificate has a stapled answer on the first handshake.
        try await chapter.refresh()
        try folder.write(folder.read("ocsp-cert.crt") + folder.read("ca-chain.cert.pem"), to: "chain.pem")
        try await Chapter.shell("openssl rsa -passin pass:secret -in ocsp-cert.key -out plain.key", in: folder)
        let server = try await server(
            chapter,
            certificate: "ocsp-cert",
            password: "secret",
            [("\(folder.path)/ocsp-cert.crt", "\(folder.path)/chain.pem"), ("ocspEnabled=\"true\"", "ocspEnabled=\"true\" ocspSoftFail=\"false\"")]
        )
        let identity = ["--cert", folder.path + "/ocsp-cert.crt", "--key", folder.path + "/plain.key"]
        let answer = try await server.curl("/examples/plain", ["-k"] + identity)
        #expect(answer.output == "Hello, world!", "\(answer.errors) \(server.errors)")
        let status = try await Command.run(
            "openssl",
            ["s_client", "-connect", "127.0.0.1:\(try server.port("https"))", "-status", "-cert", identity[1], "-key", identity[3]]
        )
        #expect(status.output.contains("OCSP Response Status: successful (0x0)") && status.output.contains("Cert Status: good"), "\(status.output)")

        // G11: whoever is no authority issues nothing, whatever its keyUsage says.
        try await Chapter.shell(
            "openssl req -config openssl.cnf -new -newkey rsa:2048 -nodes -keyout child.key -out child.csr -subj /CN=child && "
                + "openssl x509 -req -in child.csr -CA ocsp-cert.crt -CAkey plain.key -set_serial 77 -out child.crt",
            in: folder
        )
        let child = try await visit(server, chapter, "child", chain: ["ocsp-cert"])
        #expect(child.exitCode != 0 && child.output.isEmpty)
    }

    @Test("G21 G22 G23: authorities, require, and the depth of chains")
    func trust() async throws {
        let chapter = try await Chapter()
        let folder = chapter.folder
        try await chapter.issue("server")
        try await chapter.issue("upper", extensions: "v3_ca")
        try await chapter.issue("lower", extensions: "v3_ca", issuer: "-cert upper.crt -keyfile upper.key")
        try await chapter.issue("client", issuer: "-cert lower.crt -keyfile lower.key")
        try await Chapter.shell(
            "openssl req -config openssl.cnf -x509 -newkey rsa:2048 -nodes -keyout stranger.key -out stranger.crt -subj /CN=stranger",
            in: folder
        )
        let deep = try await server(chapter, certificate: "server")
        #expect(try await visit(deep, chapter, "client", chain: ["lower", "upper"]).output == "Hello, world!", "\(deep.errors)")
        let stranger = try await visit(deep, chapter, "stranger")
        #expect(stranger.exitCode != 0 && stranger.output.isEmpty)
        let nobody = try await visit(deep, chapter, nil)
        #expect(nobody.exitCode != 0 && nobody.errors.contains("certificate required"), "\(nobody.errors)")
        let shallow = try await server(
            chapter,
            certificate: "server",
            [("certificateVerificationDepth=\"10\"", "certificateVerificationDepth=\"1\"")]
        )
        #expect(try await visit(shallow, chapter, "client", chain: ["lower", "upper"]).exitCode != 0)
    }

    @Test("G24: a responder that signs with the server's own certificate, as the documents have it, proves nothing")
    func responderWithTheWrongCertificate() async throws {
        let chapter = try await Chapter()
        try await chapter.issue("signer")
        let wrong = try Responder(chapter.folder, signer: "signer.crt", key: "signer.key")
        let settings = try chapter.folder.read("openssl.cnf").replacingOccurrences(of: ":\(chapter.responder.port)", with: ":\(wrong.port)")
        try chapter.folder.write(settings, to: "openssl.cnf")
        try await chapter.issue("client")
        let server = try await server(chapter, certificate: "signer", [("ocspEnabled=\"true\"", "ocspEnabled=\"true\" ocspSoftFail=\"false\"")])
        #expect(try await visit(server, chapter, "client").exitCode != 0)
        wrong.stop()
    }

    @Test("G02: the page says that nothing has to be downloaded")
    func nothingToDownload() throws {
        #expect(try Self.page().contains("There is nothing to download, on no system"))
    }
}
