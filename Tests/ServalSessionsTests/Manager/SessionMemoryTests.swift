#if canImport(Glibc)
    import Glibc
    import Testing

    @testable import ServalSessions

    /// What an empty session costs.
    @Suite struct SessionMemoryTests {
        @Test func emptySessionIsOneSmallObject() async throws {
            let session = try await StandardSessionManager().create(id: nil)
            // The Glibc module leaves <malloc.h> out.
            typealias SizeOfBlock = @convention(c) (UnsafeMutableRawPointer?) -> Int
            let symbol = try #require(dlsym(nil, "malloc_usable_size"))
            let size = unsafeBitCast(symbol, to: SizeOfBlock.self)(Unmanaged.passUnretained(session).toOpaque())
            #expect(size > 0 && size < 200)
        }

        /// In a process of its own, because memory is counted for the whole process.
        @Test("P16: a session that holds nothing takes less than 300 bytes, a fifth of what the documents tell of", .timeLimit(.minutes(2)))
        func emptySessionTakesLessThan300Bytes() async throws {
            let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
                let count = 200_000
                var configuration = StandardSessionManager.Configuration()
                configuration.maximumNewSessions = nil
                let manager = StandardSessionManager(configuration: configuration)
                var sample: [SessionID] = []
                try await manager.create(id: nil).invalidate()
                let before = SessionMemoryTests.residentBytes
                for number in 0..<count {
                    let session = try await manager.create(id: nil)
                    if number % 1000 == 0 { sample.append(session.id) }
                }
                let size = Double(SessionMemoryTests.residentBytes - before) / Double(count)
                print("bytes per session: \(size)")
                #expect(size > 64 && size < 300)
                #expect(manager.statistics.activeSessions == count)
                for id in sample { #expect(try await manager.find(id) != nil) }

                // What has ended is given back: the same number again finds room where the others were.
                await manager.stop()
                try await manager.start()
                for _ in 0..<count { _ = try await manager.create(id: nil) }
                let again = Double(SessionMemoryTests.residentBytes - before) / Double(count)
                print("after as many again: \(again)")
                #expect(again < 1.3 * size)
            }
            let text = String(decoding: result?.standardOutputContent ?? [], as: UTF8.self)
            #expect(text.contains("bytes per session"))
            print(text)
        }

        /// In a process of its own, because memory is counted for the whole process.
        @Test("P14, P19: looking up takes as long among many, memory grows evenly, and comes back when sessions expire", .timeLimit(.minutes(3)))
        func manySessions() async throws {
            let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
                let clock = ManualClock()
                var configuration = StandardSessionManager.Configuration()
                configuration.maximumNewSessions = 1_000_000
                configuration.clock = { clock.now }
                let manager = StandardSessionManager(configuration: configuration)
                var ids: [SessionID] = []
                func make(_ count: Int) async throws {
                    for _ in 0..<count {
                        let session = try await manager.create(id: nil)
                        session.endAccess()
                        ids.append(session.id)
                    }
                }
                /// The best of several rounds, so that others on the machine do not count.
                func lookUpTime() async throws -> Duration {
                    var best = Duration.seconds(1000)
                    for round in 0..<10 {
                        let start = ContinuousClock.now
                        for number in 0..<10_000 where try await manager.find(ids[(number &* 7919 &+ round) % ids.count]) == nil {
                            Issue.record("lost")
                        }
                        best = min(best, ContinuousClock.now - start)
                    }
                    return best
                }
                ids.reserveCapacity(100_000)
                try await make(1000)
                let few = try await lookUpTime()
                let atStart = SessionMemoryTests.residentBytes
                try await make(49_000)
                let atHalf = SessionMemoryTests.residentBytes
                try await make(50_000)
                let atEnd = SessionMemoryTests.residentBytes
                let many = try await lookUpTime()
                print("10,000 look-ups among 1,000: \(few), among 100,000: \(many)")
                print("growth: \(atHalf - atStart) and \(atEnd - atHalf) bytes")
                // A search through a list would take a hundred times as long; what is left is the processor's cache.
                #expect(many < few * 15)
                let ratio = Double(atEnd - atHalf) / Double(atHalf - atStart)
                #expect(ratio > 0.3 && ratio < 3)
                #expect(manager.statistics.activeSessions == 100_000)
                clock.advance(by: .seconds(1800))
                ids = []
                await manager.processExpires()
                #expect(manager.statistics.activeSessions == 0 && manager.statistics.expiredSessions == 100_000)
                let after = SessionMemoryTests.residentBytes
                print("after they expired: \(after - atStart) bytes more than before")
                #expect(after - atStart < (atEnd - atStart) / 2)
            }
            let text = String(decoding: result?.standardOutputContent ?? [], as: UTF8.self)
            #expect(text.contains("after they expired"))
            print(text)
        }

        /// The memory of this process that is in RAM.
        static var residentBytes: Int {
            guard let file = fopen("/proc/self/statm", "r") else { return 0 }
            defer { fclose(file) }
            var line = [CChar](repeating: 0, count: 256)
            guard fgets(&line, 256, file) != nil else { return 0 }
            let fields = line.prefix { $0 != 0 }.split(separator: CChar(32))
            guard fields.count > 1, let pages = Int(String(decoding: fields[1].map(UInt8.init(bitPattern:)), as: UTF8.self)) else { return 0 }
            return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
        }
    }
#endif
