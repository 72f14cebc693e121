import Foundation
import Logging
import ServalTLS
import ServalTLSOpenSSL
import Testing

/// A session that must not be resumed any more costs its client a full handshake, and no connection.
@Suite("Sessions that are not resumed any more")
struct RefusedResumptionTests {
    private static let resumptions = MemoryClient.Resumption.allCases

    private func context(_ resumption: MemoryClient.Resumption, _ change: (inout TLSHostConfiguration) async throws -> Void = { _ in }) async throws
        -> OpenSSLServerContext
    {
        let certificates = try await Certificates.shared.value
        var host = TLSHostConfiguration(hostName: "a.test", certificates: [try await certificates.server.configuration()])
        host.disablesSessionTickets = resumption.disablesTickets
        try await change(&host)
        return try OpenSSLServerContext(
            TLSEndpointConfiguration(hosts: [host], defaultHostName: "a.test"),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    @Test("After invalidateSession() everything the client has kept leads to full handshakes, however often it was renewed", arguments: resumptions)
    func invalidated(resumption: MemoryClient.Resumption) async throws {
        let server = try await context(resumption)
        let client = try MemoryClient(resumption.version)
        let first = try client.connect(server, to: "a.test")
        let second = try client.connect(server, to: "a.test", with: first.resumable())
        let third = try client.connect(server, to: "a.test", with: second.resumable())
        #expect(second.isResumed && third.isResumed && third.facts?.sessionID == first.facts?.sessionID)
        third.facts?.invalidateSession()
        for outcome in [first, second, third, first, third] {
            let next = try client.connect(server, to: "a.test", with: outcome.resumable())
            #expect(next.facts != nil && next.error == nil, "\(String(describing: next.error))")
            #expect(!next.isResumed && next.facts?.sessionID != first.facts?.sessionID)
            // What the full handshake made can be resumed.
            #expect(try client.connect(server, to: "a.test", with: next.resumable()).isResumed)
        }
        // Also after a reload, whatever it left of the state.
        let reloaded = try await context(resumption)
        #expect(try client.connect(reloaded, to: "a.test", with: first.resumable()).facts?.isResumed == false)
    }

    @Test("A client whose certificate is not acceptable any more goes on without it where it may", arguments: resumptions)
    func certificateOptional(resumption: MemoryClient.Resumption) async throws {
        let certificates = try await Certificates.shared.value
        let end = Date(timeIntervalSinceNow: 8)
        let pair = try await certificates.client(
            "optional-\(resumption.version)-\(resumption.disablesTickets)",
            validFrom: "20240101000000Z",
            to: Certificates.time(end)
        )
        let server = try await context(resumption) { $0.clientAuthentication = .optional(trust: .file(certificates.authority.certificate)) }
        let session = try MemoryClient(resumption.version, pair).connect(server, to: "a.test").resumable()
        let stranger = try MemoryClient(resumption.version)
        #expect(try stranger.connect(server, to: "a.test", with: session).identity == [try await pair.der()])
        try await Task.sleep(for: .seconds(max(0, end.timeIntervalSinceNow) + 1.1))
        for _ in 0..<2 {
            let late = try stranger.connect(server, to: "a.test", with: session)
            #expect(late.facts != nil && !late.isResumed && late.identity.isEmpty, "\(String(describing: late.error))")
        }
    }

    @Test("After a reload with other trust or a list that names the client, a client with a good certificate gets in", arguments: resumptions)
    func reloaded(resumption: MemoryClient.Resumption) async throws {
        let certificates = try await Certificates.shared.value
        let folder = try TemporaryFolder()
        let keys = try folder.keyFile(["a7"])
        func required(_ authority: Certificates.Pair, _ lists: [String] = []) async throws -> OpenSSLServerContext {
            try await context(resumption) {
                $0.clientAuthentication = .required(trust: .file(authority.certificate))
                $0.revocationListFiles = lists
                $0.ticketKeyFile = keys
            }
        }
        let before = try await required(certificates.authority)
        let session = try MemoryClient(resumption.version, certificates.revokedClient).connect(before, to: "a.test").resumable()
        let listed = try await required(certificates.authority, [certificates.revocationList])
        let good = try MemoryClient(resumption.version, certificates.client)
        for _ in 0..<2 {
            let next = try good.connect(listed, to: "a.test", with: session)
            #expect(next.identity == [try await certificates.client.der()] && !next.isResumed, "\(String(describing: next.error))")
        }
        let elsewhere = try await required(certificates.otherAuthority)
        let other = try MemoryClient(resumption.version, certificates.clientOfOtherAuthority)
        let next = try other.connect(elsewhere, to: "a.test", with: session)
        #expect(next.identity == [try await certificates.clientOfOtherAuthority.der()] && !next.isResumed, "\(String(describing: next.error))")
    }

    @Test("A session that is ended while it is being resumed does not get in, and the next attempt is a full handshake", arguments: resumptions)
    func invalidatedMeanwhile(resumption: MemoryClient.Resumption) async throws {
        let server = try await context(resumption)
        let client = try MemoryClient(resumption.version)
        let first = try client.connect(server, to: "a.test")
        let session = try first.resumable()
        let connection = try MemoryConnection(client.context, server, "a.test", session)
        defer { connection.close() }
        // The server has agreed to resume, and waits for the client's Finished.
        try connection.deliver(connection.step())
        first.facts?.invalidateSession()
        try connection.run()
        #expect(connection.outcome.facts == nil && connection.outcome.error?.code == .sessionRevoked)
        let next = try client.connect(server, to: "a.test", with: session)
        #expect(next.facts?.isResumed == false, "\(String(describing: next.error))")
    }

    @Test("A full cache forgets the oldest, and one that is asked for late is not older than it was")
    func fullCache() async throws {
        let server = try await context(.id12) { $0.sessionCacheSize = 3 }
        let client = try MemoryClient(MemoryClient.Resumption.id12.version)
        var sessions: [[UInt8]] = []
        for _ in 0..<200 { sessions.append(try client.connect(server, to: "a.test").resumable()) }
        for session in sessions.suffix(3) { #expect(try client.connect(server, to: "a.test", with: session).isResumed) }
        for session in sessions.dropLast(3).suffix(5) { #expect(try client.connect(server, to: "a.test", with: session).facts?.isResumed == false) }
    }
}
