import Glibc
import ServalTLSOpenSSL
import Testing

@Suite("Asking a server for its certificates")
struct CertificateProbeTests {
    @Test("A server that takes the connection and says nothing is given up")
    func silence() throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = bind(listener, $0, size)
                _ = getsockname(listener, $0, &size)
            }
        }
        // The system takes connections that nobody accepts.
        try #require(listen(listener, 4) == 0)
        let probe = CertificateProbe(host: "127.0.0.1", port: in_port_t(bigEndian: address.sin_port), timeout: .milliseconds(200))
        do {
            _ = try probe.certificates()
            Issue.record("there are no certificates")
        } catch {
            guard case .timedOut = error else {
                Issue.record(error)
                return
            }
        }
    }
}
