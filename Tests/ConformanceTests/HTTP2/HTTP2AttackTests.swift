import Foundation
import Testing

/// What clients do to servers that speak HTTP/2.
@Suite struct HTTP2AttackTests {
    /// Each attack of `attacks.py` ends its connection in time, and costs the server no memory that it keeps.
    @Test(.timeLimit(.minutes(5))) func everyAttack() async throws {
        let times = "readTimeout=\"1000\" writeTimeout=\"1500\" keepAliveTimeout=\"2000\" streamReadTimeout=\"1500\" streamWriteTimeout=\"1500\""
        let server = try await ServalProcess.start(serverXML: HTTP2ServerFile.text(connector: "connectionTimeout=\"3000\"", protocol: times))
        let ports = [try "\(server.port("http"))", try "\(server.port("https"))"]
        let before = server.residentBytes
        let result = try await HTTP2ServerFile.run("attacks.py", ports)
        #expect(HTTP2ServerFile.failures(in: result, atLeast: 49) == [])
        #expect(server.residentBytes < before + 100 << 20, "\(server.residentBytes - before) bytes more than before")
        #expect(!server.errors.contains("ERROR"), "\(server.errors)")
        let answer = try await server.curl("/examples/plain", ["--http2"])
        #expect(answer.output == "Hello, world!", "\(answer.errors)")
        server.signal(SIGTERM)
        #expect(try await server.waitForExit() == 0)
    }

    /// A server that stops takes every request that is on its way, says so, and answers what has begun.
    @Test(.timeLimit(.minutes(2))) func stopping() async throws {
        let server = try await ServalProcess.start(serverXML: HTTP2ServerFile.text())
        let result = try await HTTP2ServerFile.run("stopping.py", ["\(server.port("http"))", "\(server.port("https"))", "\(server.processID)"])
        #expect(HTTP2ServerFile.failures(in: result, atLeast: 3) == [])
        #expect(try await server.waitForExit() == 0)
    }
}
