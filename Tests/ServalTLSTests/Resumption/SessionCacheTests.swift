import COpenSSL
import Logging
import ServalTLS
import Testing

@testable import ServalTLSOpenSSL

/// What stays at the server, and what makes room.
struct SessionCacheTests {
    private func session(_ number: UInt8) throws -> SessionHandle {
        let handle = SessionHandle(try #require(SSL_SESSION_new()))
        let id = [UInt8](repeating: number, count: 32)
        #expect(SSL_SESSION_set1_id(handle.session, id, 32) == 1)
        return handle
    }

    @Test(
        "Neither the number of sessions nor the bytes of certificates exceed their limits",
        arguments: [(3, 1000, 3), (100, 50, 5), (0, 50, 5), (0, 5, 0)]
    )
    func limits(limit: Int, bytes: Int, kept: Int) throws {
        let cache = SessionCache(limit: limit, certificateLimit: bytes, lifetime: 100)
        for number in 1...20 as ClosedRange<UInt8> {
            let handle = try session(number)
            cache.insert(handle, TicketData(id: try #require(handle.id), begun: 0), certificateBytes: 10, now: 0)
        }
        let present = (1...20 as ClosedRange<UInt8>).filter { cache.find([UInt8](repeating: $0, count: 32), now: 0) != nil }
        #expect(present == Array((1...20).suffix(kept)))
    }

    @Test("What goes gives its bytes back")
    func bytesComeBack() throws {
        let cache = SessionCache(limit: 0, certificateLimit: 25, lifetime: 100)
        let first = try session(1)
        let id = try #require(first.id)
        cache.insert(first, TicketData(id: id, begun: 0), certificateBytes: 10, now: 0)
        for _ in 0..<10 {
            // The same again, and another one that is taken out.
            cache.insert(first, TicketData(id: id, begun: 0), certificateBytes: 10, now: 0)
            let other = try session(2)
            cache.insert(other, TicketData(id: [], begun: 0), certificateBytes: 10, now: 0)
            cache.remove(try #require(other.id))
        }
        #expect(cache.find(id, now: 0) != nil)
    }

    @Test("Staples are made without a lock, so that nobody waits for files meanwhile")
    func staplesOutsideTheLock() async throws {
        let certificates = try await Certificates.shared.value
        let own = try #require(CertificateHandle(der: try await certificates.server.der()))
        let issuer = try #require(CertificateHandle(der: try await certificates.authority.der()))
        let query = OCSPQuery(certificate: own, issuer: issuer)
        let service = RevocationService()
        let make = {
            OCSPStaple(query, responders: [], store: nil, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, note: service.note)
        }
        let staple = service.staple(of: [1]) {
            // Ends the process if the lock is held.
            #expect(service.known(service.key(query)) == nil)
            let other = service.staple(of: [1], make)
            #expect(service.staple(of: [1], make) === other)
            return make()
        }
        #expect(service.staple(of: [1], make) === staple)
    }
}
