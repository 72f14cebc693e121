import Foundation
import Glibc
import TestPrograms
import Testing

/// `-printcert -sslserver`.
@Suite struct ServerCertificateTests {
    private let folder = Folder()
    private var jdk: ReadingComparison { ReadingComparison(folder: folder) }
    private static let noCertificate = "keytool error: java.lang.Exception: No certificate from the SSL server\n"

    private func prepare() async throws {
        try await folder.makeCertificate("root")
        try await folder.openssl("req -new -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.csr -subj /CN=leaf")
        try await folder.openssl("x509 -req -in leaf.csr -CA root.pem -CAkey root.key -CAcreateserial -out leaf.pem -days 30")
    }

    /// Runs `body` with the port of a server.
    private func withServer(_ options: String, _ body: (Int) async throws -> Void) async throws {
        let process = ChildProcess()
        let (output, input) = (Pipe(), Pipe())
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = "openssl s_server -accept 127.0.0.1:0 -cert leaf.pem -key leaf.key \(options)".split(separator: " ").map(String.init)
        process.currentDirectoryURL = folder.url
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        var text = ""
        var port: Int?
        while port == nil {
            let data = output.fileHandleForReading.availableData
            try #require(!data.isEmpty, "the server has ended: \(text)")
            text += String(decoding: data, as: UTF8.self)
            port = text.split(separator: "\n").first { $0.hasPrefix("ACCEPT 127.0.0.1:") && text.contains("\($0)\n") }
                .flatMap { Int($0.dropFirst("ACCEPT 127.0.0.1:".count)) }
        }
        // What the server says of its connections must not fill the pipe.
        output.fileHandleForReading.readabilityHandler = { if $0.availableData.isEmpty { $0.readabilityHandler = nil } }
        do { try await body(try #require(port)) } catch { Issue.record(error) }
        process.terminate()
        process.waitUntilExit()
    }

    @Test func chainsOfServers() async throws {
        try await prepare()
        try await withServer("-cert_chain root.pem") { port in
            try await jdk.same("-printcert -sslserver 127.0.0.1:\(port)")
            try await jdk.same("-printcert -rfc -sslserver localhost:\(port)/path?query")
        }
        // The server's certificate is known although it wants one of ours.
        try await withServer("-Verify 1 -CAfile root.pem -tls1_2") { port in try await jdk.same("-printcert -nowarn -sslserver 127.0.0.1:\(port)") }
        try await withServer("-servername sni.example -cert2 root.pem -key2 root.key -tls1_3") { port in
            let run = try await Tool.serval.run("-printcert -sslserver 127.0.0.1:\(port)", in: folder)
            #expect(run.output.hasPrefix("Certificate #0\n====================================\nOwner: CN=leaf\n"))
        }
    }

    @Test func noCertificateForEachReason() async throws {
        try await prepare()
        func fails(_ server: String, _ reason: String, location: SourceLocation = #_sourceLocation) async throws {
            let run = try await Tool.serval.run(["-printcert", "-sslserver", server], in: folder)
            #expect(run.status == 1, sourceLocation: location)
            #expect(run.output == Self.noCertificate, sourceLocation: location)
            #expect(run.errors.hasPrefix("\(server): \(reason)"), "\(run.errors)", sourceLocation: location)
        }
        try await withServer("-cipher aNULL:@SECLEVEL=0 -no_tls1_3") { try await fails("127.0.0.1:\($0)", "the server refused the handshake (") }
        try await fails("127.0.0.1:1", "nobody answers (Connection refused)")
        try await fails("nohost.invalid:443", "the host is not known (")
        try await fails("127.0.0.1:abc", "the host is not known (the port is not a number)")
        let plain = try PlainServer(answer: "HTTP/1.0 400 no\r\n\u{1B}[2J\r\n")
        try await fails("127.0.0.1:\(plain.port)", "the server does not speak TLS (")
        let silent = try PlainServer(answer: "")
        try await fails("127.0.0.1:\(silent.port)", "the server does not speak TLS (")
        try await jdk.same("-printcert -sslserver 127.0.0.1:99999")
        for server in ["", "a b:443"] {
            let mine = try await Tool.serval.run(["-printcert", "-sslserver", server], in: folder)
            #expect(mine == (try await Tool.jdk.run(["-printcert", "-sslserver", server], in: folder)))
        }
    }
}

/// Answers the first connection with a text that is not TLS, and closes it.
private final class PlainServer: Sendable {
    let port: Int

    init(answer: String) throws {
        let own = try ReservedPort()
        try own.listen()
        port = own.number
        Thread.detachNewThread {
            let connection = own.accept()
            var buffer = [UInt8](repeating: 0, count: 4096)
            _ = read(connection, &buffer, buffer.count)
            let bytes = Array(answer.utf8)
            _ = send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            close(connection)
        }
    }
}
