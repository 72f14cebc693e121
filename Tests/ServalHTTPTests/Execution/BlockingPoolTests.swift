import Foundation
import Synchronization
import Testing

@testable import ServalHTTP

@Suite("Execution")
struct BlockingPoolTests {
    /// Counts who is inside.
    private final class Room: Sendable {
        struct State: Sendable {
            var now = 0
            var most = 0
            var total = 0
            var names: Set<String> = []
        }
        let state = Mutex(State())

        func enter(name: String = "") {
            self.state.withLock {
                $0.now += 1
                $0.most = max($0.most, $0.now)
                $0.total += 1
                $0.names.insert(name)
            }
        }

        func leave() { self.state.withLock { $0.now -= 1 } }
    }

    @Test("the pool makes threads on demand, up to its limit, and names them")
    func limit() async throws {
        let pool = BlockingPool(name: "blocking", maxThreads: 3, idleTime: .milliseconds(200))
        #expect(pool.threadCount == 0)
        let room = Room()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<12 {
                group.addTask(executorPreference: pool) {
                    let name = (try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)) ?? ""
                    room.enter(name: name)
                    usleep(20_000)
                    room.leave()
                }
            }
        }
        #expect(room.state.withLock { $0.most } <= 3)
        #expect(room.state.withLock { $0.names.allSatisfy { $0.hasPrefix("blocking-") } })
        #expect(pool.threadCount <= 3)
        #expect(try await eventually { pool.threadCount == 0 })
        // It can be used again.
        #expect(await Task(executorPreference: pool) { pool.threadCount }.value == 1)
        pool.shutDown()
        #expect(try await eventually { pool.threadCount == 0 })
    }

    @Test("the gate never lets too many in, and loses nobody")
    func gate() async throws {
        let gate = RequestGate(capacity: 4)
        let room = Room()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<2000 {
                        if !gate.tryEnter() { await withCheckedContinuation { continuation in gate.wait { continuation.resume() } } }
                        room.enter()
                        await Task.yield()
                        room.leave()
                        gate.leave()
                    }
                }
            }
        }
        #expect(room.state.withLock { $0.most } <= 4)
        #expect(room.state.withLock { $0.total } == 16_000)
        #expect(gate.load == 0)
    }
}
