import COpenSSL
import Logging
import ServalTLS
import ServalTLSOpenSSL
import Testing

/// Keys of session tickets: they rotate, and several nodes may share them through a file.
@Suite("Keys of session tickets")
struct TicketKeyTests {
    private func context(_ change: (inout TLSHostConfiguration) -> Void) async throws -> OpenSSLServerContext {
        let certificates = try await Certificates.shared.value
        var host = TLSHostConfiguration(certificates: [try await certificates.server.configuration()])
        change(&host)
        return try OpenSSLServerContext(
            TLSEndpointConfiguration(hosts: [host]),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    private static let versions = [TLS1_2_VERSION, TLS1_3_VERSION]

    @Test("Another key takes over, and the one before goes on decrypting", arguments: versions)
    func rotation(version: Int32) async throws {
        let context = try await context { $0.ticketKeyRotation = .seconds(1) }
        let client = try MemoryClient(version)
        let first = try client.connect(context, to: "localhost")
        var last = first
        var names: Set<[UInt8]> = [first.ticketKeyName]
        for _ in 0..<2 {
            try await Task.sleep(for: .milliseconds(1100))
            last = try client.connect(context, to: "localhost", with: last.resumable())
            #expect(last.isResumed && last.facts?.sessionID == first.facts?.sessionID)
            names.insert(last.ticketKeyName)
        }
        #expect(names.count == 3 && !names.contains([]))
        #expect(try client.connect(context, to: "localhost", with: first.resumable()).isResumed)
    }

    @Test("Without rotation the key stays")
    func noRotation() async throws {
        let context = try await context { $0.ticketKeyRotation = .zero }
        let client = try MemoryClient(TLS1_3_VERSION)
        let first = try client.connect(context, to: "localhost")
        try await Task.sleep(for: .milliseconds(1100))
        #expect(try client.connect(context, to: "localhost").ticketKeyName == first.ticketKeyName)
    }

    @Test("Nodes with the same keys and the same settings resume each other's sessions, with the same id", arguments: versions)
    func sharedKeys(version: Int32) async throws {
        let folder = try TemporaryFolder()
        let one = try folder.keyFile(["a1", "b2"], to: "one")
        let two = try folder.keyFile(["a1", "b2"], to: "two")
        let late = try folder.keyFile(["c3", "a1"], to: "late")
        let strange = try folder.keyFile(["d4"], to: "strange")
        let client = try MemoryClient(version)
        let first = try client.connect(try await context { $0.ticketKeyFile = one }, to: "localhost")
        let session = try #require(first.session)
        let second = try client.connect(try await context { $0.ticketKeyFile = two }, to: "localhost", with: session)
        #expect(second.isResumed && second.facts?.sessionID == first.facts?.sessionID)
        #expect(version == TLS1_2_VERSION || second.ticketKeyName == first.ticketKeyName)
        let third = try client.connect(try await context { $0.ticketKeyFile = late }, to: "localhost", with: session)
        #expect(third.isResumed && third.ticketKeyName != first.ticketKeyName, "an old key decrypts, and the newest makes the next ticket")
        #expect(try !client.connect(try await context { $0.ticketKeyFile = strange }, to: "localhost", with: session).isResumed)
        let other = try await context {
            $0.ticketKeyFile = two
            $0.cipherSuites = "TLS_AES_128_GCM_SHA256"
        }
        #expect(try !client.connect(other, to: "localhost", with: session).isResumed, "other settings, other keys")
        #expect(try !client.connect(try await context { _ in }, to: "localhost", with: session).isResumed, "no file, other keys")
    }

    @Test("A changed file is read again, at a reload at once, otherwise after some seconds; a broken one changes nothing")
    func changedFile() async throws {
        let folder = try TemporaryFolder()
        let path = try folder.keyFile(["a1"])
        let context = try await context { $0.ticketKeyFile = path }
        let client = try MemoryClient(TLS1_3_VERSION)
        let first = try client.connect(context, to: "localhost")
        _ = try folder.keyFile(["b2", "a1"])
        let reloaded = try await self.context { $0.ticketKeyFile = path }
        let second = try client.connect(reloaded, to: "localhost", with: first.resumable())
        #expect(second.isResumed && second.ticketKeyName != first.ticketKeyName)
        // A broken file: the keys that are there stay, and a reload says what is wrong.
        _ = try folder.write("nonsense\n", to: "tickets.keys")
        await #expect(throws: TLSError(.invalidConfiguration, "")) { try await self.context { $0.ticketKeyFile = path } }
        #expect(try client.connect(context, to: "localhost", with: second.resumable()).isResumed)
        _ = try folder.keyFile(["c3", "b2"])
        var names: Set<[UInt8]> = []
        for _ in 0..<150 {
            let next = try client.connect(context, to: "localhost", with: second.resumable())
            #expect(next.isResumed)
            names.insert(next.ticketKeyName)
            if !names.subtracting([first.ticketKeyName, second.ticketKeyName]).isEmpty { break }
            try await Task.sleep(for: .milliseconds(100))
        }
        #expect(names.contains { $0 != first.ticketKeyName && $0 != second.ticketKeyName })
        #expect(try !client.connect(context, to: "localhost", with: first.resumable()).isResumed, "the first key is gone")
    }

    @Test("The cache at the server holds sessionCacheSize sessions", arguments: versions)
    func cacheSize(version: Int32) async throws {
        let context = try await context {
            $0.disablesSessionTickets = true
            $0.sessionCacheSize = 2
        }
        let client = try MemoryClient(version)
        let sessions = try (0..<3).map { _ in try client.connect(context, to: "localhost").resumable() }
        #expect(try client.connect(context, to: "localhost", with: sessions[2]).isResumed)
        #expect(try !client.connect(context, to: "localhost", with: sessions[0]).isResumed)
    }

    @Test("A file of keys is checked, and the message says what to do")
    func badFiles() async throws {
        let folder = try TemporaryFolder()
        func message(_ path: String) async throws -> String {
            do {
                _ = try await context { $0.ticketKeyFile = path }
                return ""
            } catch let error as TLSError {
                return error.message
            }
        }
        #expect(try await message(folder.path("missing")).contains("does not exist"))
        let open = try folder.keyFile(["a1"], to: "open")
        for mode in [0o640, 0o604, 0o660] {
            try Command.makePrivate(open, mode: mode)
            #expect(try await message(open).contains("its mode has to be 0600"))
        }
        for (text, words) in [
            ("", "has no key"), ("# nothing\n\n", "has no key"), ("abcd\n", "line 1"), (String(repeating: "a", count: 63), "line 1"),
            ("# x\n" + String(repeating: "xy", count: 32), "line 2"), (String(repeating: "a", count: 130), "line 1"),
            (String(repeating: String(repeating: "abac", count: 16) + "\n", count: 2), "line 2 twice"),
            (
                (0..<65).map { _ in (0..<8).map { _ in String(UInt64.random(in: (1 << 63)...UInt64.max), radix: 16) }.joined() }.joined(
                    separator: "\n"
                ), "more than 64"
            ),
        ] {
            let path = try folder.write(text, to: "bad")
            try Command.makePrivate(path)
            let words2 = try await message(path)
            #expect(words2.contains(words) && words2.contains(path) && !words2.contains("abac"), "\(words2)")
        }
    }
}
