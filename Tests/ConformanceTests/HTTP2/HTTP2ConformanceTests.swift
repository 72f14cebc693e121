import Foundation
import Testing

/// HTTP/2 from outside: cases of RFC 9113, frame by frame, and the clients that everybody uses.
@Suite struct HTTP2ConformanceTests {
    /// Every case of `conformance.py` passes, and the server survives them all without a word of complaint.
    @Test(.timeLimit(.minutes(5))) func everyCase() async throws {
        let server = try await ServalProcess.start(serverXML: HTTP2ServerFile.text())
        let result = try await HTTP2ServerFile.run("conformance.py", ["\(server.port("http"))", "\(server.port("https"))"])
        #expect(HTTP2ServerFile.failures(in: result, atLeast: 190) == [])
        #expect(!server.errors.contains("ERROR"), "\(server.errors)")
        server.signal(SIGTERM)
        #expect(try await server.waitForExit() == 0)
    }

    /// curl, by every way that leads to HTTP/2, and by those that do not.
    @Test(
        .timeLimit(.minutes(2)),
        arguments: [
            ("https", ["--http2"], "2"), ("https", ["--http1.1"], "1.1"), ("http", ["--http2-prior-knowledge"], "2"), ("http", ["--http2"], "2"),
            ("http", [], "1.1"),
        ]
    )
    func curl(kind: String, options: [String], version: String) async throws {
        let server = try await ServalProcess.start(serverXML: HTTP2ServerFile.text(protocol: HTTP2ServerFile.upgrade))
        let result = try await server.curl("/examples/plain", options + ["-w", " %{http_version}"], kind: kind)
        #expect(result.output == "Hello, world! \(version)", "\(result.errors)")
        let posted = try await server.curl("/examples/echo", options + ["--data-binary", "some bytes", "-w", " %{http_version}"], kind: kind)
        // An upgrade is not made for requests with a body.
        #expect(posted.output == "some bytes \(kind == "http" && options == ["--http2"] ? "1.1" : version)", "\(posted.errors)")
    }

    /// Where it is not configured, HTTP/2 is neither offered nor understood; where the upgrade is not switched on, it is not made.
    @Test(.timeLimit(.minutes(2))) func onlyIfConfigured() async throws {
        let plain = try await ServalProcess.start()
        for (kind, options) in [("https", ["--http2"]), ("http", ["--http2"])] {
            let result = try await plain.curl("/examples/plain", options + ["-w", " %{http_version}"], kind: kind)
            #expect(result.output == "Hello, world! 1.1", "\(result.errors)")
        }
        let refused = try await plain.curl("/examples/plain", ["--http2-prior-knowledge"], kind: "http")
        #expect(refused.exitCode != 0)
        let strict = try await ServalProcess.start(serverXML: HTTP2ServerFile.text())
        let result = try await strict.curl("/examples/plain", ["--http2", "-w", " %{http_version}"], kind: "http")
        #expect(result.output == "Hello, world! 1.1", "\(result.errors)")
    }

    /// nghttp2's own clients.
    @Test(.timeLimit(.minutes(2))) func nghttp2() async throws {
        let server = try await ServalProcess.start(serverXML: HTTP2ServerFile.text(protocol: HTTP2ServerFile.upgrade))
        let (clear, secure) = (try server.port("http"), try server.port("https"))
        let got = try await Command.run("nghttp", ["-v", "http://127.0.0.1:\(clear)/examples/plain"])
        #expect(got.output.contains("Hello, world!") && got.output.contains(":status: 200"), "\(got.output)")
        let upgraded = try await Command.run("nghttp", ["-vu", "http://127.0.0.1:\(clear)/examples/plain"])
        #expect(upgraded.output.contains("Hello, world!") && upgraded.output.contains("101 Switching Protocols"), "\(upgraded.output)")
        for url in ["http://127.0.0.1:\(clear)/examples/bytes?n=5000", "https://localhost:\(secure)/examples/bytes?n=5000"] {
            let load = try await Command.run("h2load", ["-n", "2000", "-c", "4", "-m", "20", url])
            #expect(load.output.contains("2000 succeeded, 0 failed, 0 errored, 0 timeout"), "\(load.output)")
        }
    }
}
