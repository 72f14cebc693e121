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
        @Test(.timeLimit(.minutes(2))) func emptySessionTakesLessThan300Bytes() async throws {
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
