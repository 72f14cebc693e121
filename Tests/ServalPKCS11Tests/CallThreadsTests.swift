import Foundation
import ServalKeyStore
import Synchronization
import Testing

@testable import ServalPKCS11

@Suite("Threads for calls")
struct CallThreadsTests {
    private func threads(_ change: (inout CallThreads.Limits) -> Void) -> CallThreads {
        var limits = CallThreads.Limits()
        change(&limits)
        return CallThreads(place: "test", limits: limits)
    }

    @Test("Calls that come at once run at once, although a thread was idle")
    func bursts() throws {
        for _ in 0..<20 {
            let calls = threads { $0.threads = 4 }
            defer { calls.close() }
            // Leaves one thread waiting for work.
            _ = try calls.run { () throws(KeyStoreError) in true }
            usleep(2000)
            let running = Mutex((now: 0, most: 0))
            let done = DispatchSemaphore(value: 0)
            withExtendedLifetime(running) {
                for _ in 0..<4 {
                    calls.start { () throws(KeyStoreError) in
                        let deadline = ContinuousClock.now + .seconds(5)
                        let count = running.withLock { state in
                            state.now += 1
                            state.most = max(state.most, state.now)
                            return state.now
                        }
                        // All four wait for each other.
                        if count < 4 { while running.withLock({ $0.most }) < 4, ContinuousClock.now < deadline { usleep(500) } }
                        running.withLock { $0.now -= 1 }
                        return true
                    } completion: { _ in
                        done.signal()
                    }
                }
                for _ in 0..<4 { done.wait() }
            }
            #expect(running.withLock { $0.most } == 4)
        }
    }

    @Test("A module that cannot be loaded leaves no threads behind")
    func failedLoads() throws {
        func count() throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count {
                (try? String(contentsOfFile: "/proc/self/task/\($0)/comm", encoding: .utf8))?.hasPrefix("pkcs11-") == true
            }
        }
        let before = try count()
        for _ in 0..<40 {
            #expect(throws: KeyStoreError(.moduleUnavailable, "")) { try PKCS11Module.load(path: "/nowhere/module.so") }
        }
        // Other tests start threads of their own meanwhile.
        var after = try count()
        for _ in 0..<100 where after > before + 30 {
            usleep(20_000)
            after = try count()
        }
        #expect(after <= before + 30)
    }
}
