import ServalTLSOpenSSL
import TestPrograms
import Testing

@Suite("Asking a server for its certificates")
struct CertificateProbeTests {
    @Test("A server that takes the connection and says nothing is given up")
    func silence() throws {
        // The system takes connections that nobody accepts.
        let port = try ReservedPort()
        try port.listen()
        defer { withExtendedLifetime(port) {} }
        let probe = CertificateProbe(host: "127.0.0.1", port: UInt16(port.number), timeout: .milliseconds(200))
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
