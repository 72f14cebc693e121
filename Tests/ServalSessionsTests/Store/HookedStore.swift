import Synchronization

@testable import ServalSessions

/// A store in memory that does something of the test's before each operation: fails, or waits.
final class HookedStore: ForwardingSessionStore {
    typealias Hook = @Sendable (SessionStoreCall) async throws(SessionError) -> Void

    let memory = MemorySessionStore()
    var target: any SessionStore { self.memory }
    private let hook = Mutex<Hook?>(nil)
    private let laterHook = Mutex<Hook?>(nil)
    private let startHook = Mutex<(@Sendable () async -> Void)?>(nil)
    private let stopHook = Mutex<(@Sendable () async -> Void)?>(nil)
    private let calls = Mutex<[SessionStoreCall]>([])

    func before(_ hook: Hook?) { self.hook.withLock { $0 = hook } }

    /// Has something done after each operation, before whoever asked has the answer.
    func after(_ hook: Hook?) { self.laterHook.withLock { $0 = hook } }

    /// Has something done before the store opens.
    func beforeStart(_ hook: (@Sendable () async -> Void)?) { self.startHook.withLock { $0 = hook } }

    /// Has something done before the store closes.
    func beforeStop(_ hook: (@Sendable () async -> Void)?) { self.stopHook.withLock { $0 = hook } }

    func start() async throws(SessionError) { if let hook = self.startHook.withLock({ $0 }) { await hook() } }

    func stop() async { if let hook = self.stopHook.withLock({ $0 }) { await hook() } }

    /// The operations since somebody asked last.
    func takeCalls() -> [SessionStoreCall] {
        self.calls.withLock { calls in
            defer { calls = [] }
            return calls
        }
    }

    func forward<Answer: Sendable>(
        _ call: SessionStoreCall,
        _ operation: @escaping @Sendable (any SessionStore) async throws(SessionError) -> Answer
    ) async throws(SessionError) -> Answer {
        self.calls.withLock { $0.append(call) }
        if let hook = self.hook.withLock({ $0 }) { try await hook(call) }
        let answer = try await operation(self.memory)
        if let hook = self.laterHook.withLock({ $0 }) { try await hook(call) }
        return answer
    }
}

/// Where something waits until the test lets it go on.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [CheckedContinuation<Void, Never>] = []
        var arrived = 0
    }

    private let state = Mutex(State())

    /// How many have come.
    var arrived: Int { self.state.withLock { $0.arrived } }

    func pass() async {
        await withCheckedContinuation { continuation in
            let isOpen = self.state.withLock { state in
                state.arrived += 1
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    func open() {
        let waiting = self.state.withLock { state in
            defer { state.waiting = [] }
            state.isOpen = true
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Returns when so many have come.
    func waitForArrival(of count: Int = 1) async { while self.arrived < count { await Task.yield() } }
}
