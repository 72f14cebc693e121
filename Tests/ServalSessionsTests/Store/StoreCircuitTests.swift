import Logging
import Testing

@testable import ServalSessions

/// Who asks a store that may be down.
@Suite struct StoreCircuitTests {
    private let start = ContinuousClock.now

    private func key(_ number: Int) -> StoredSessionKey { StoredSessionKey(SessionID(rawValue: "\(number)"), namespace: "") }

    private func openCircuit() -> StoreCircuit {
        var circuit = StoreCircuit()
        for number in 0..<StoreCircuit.threshold { _ = circuit.didFail(self.key(number), askedAt: self.start, at: self.start) }
        return circuit
    }

    // MARK: The rules

    @Test func oneSessionCannotTakeTheStoreDown() {
        var circuit = StoreCircuit()
        for second in 0..<1000 {
            let now = self.start + .seconds(second)
            #expect(circuit.didFail(self.key(0), askedAt: now, at: now) != .down)
            #expect(circuit.admission(at: now) == .ask)
        }
    }

    @Test func severalSessionsInARowDo() {
        var circuit = StoreCircuit()
        for round in 0..<10 {
            for number in 1..<StoreCircuit.threshold { #expect(circuit.didFail(self.key(number), askedAt: self.start, at: self.start) != .down) }
            let wasDown = circuit.didAnswer(at: self.start)
            #expect(!wasDown, "an answer in between, round \(round)")
        }
        var verdicts: [StoreCircuit.Verdict] = []
        for number in 0..<StoreCircuit.threshold { verdicts.append(circuit.didFail(self.key(number), askedAt: self.start, at: self.start)) }
        #expect(verdicts.last == .down)
        #expect(circuit.isOpen && circuit.admission(at: self.start) == .refuse)
    }

    @Test func whatWasAskedBeforeTheLastAnswerSaysNothing() {
        var circuit = StoreCircuit()
        _ = circuit.didAnswer(at: self.start + .seconds(1))
        for number in 0..<100 { #expect(circuit.didFail(self.key(number), askedAt: self.start, at: self.start + .seconds(5)) != .down) }
        #expect(circuit.admission(at: self.start + .seconds(5)) == .ask)
    }

    @Test func oneProbeAtATime() {
        var circuit = self.openCircuit()
        #expect(circuit.admission(at: self.start + .milliseconds(999)) == .refuse)
        #expect(circuit.admission(at: self.start + .seconds(1)) == .probe)
        for second in 1..<100 { #expect(circuit.admission(at: self.start + .seconds(second)) == .refuse) }
        circuit.didFailToProbe(at: self.start + .seconds(100))
        #expect(circuit.admission(at: self.start + .seconds(100)) == .refuse)
        #expect(circuit.admission(at: self.start + .seconds(101)) == .probe)
        let wasDown = circuit.didAnswer(at: self.start + .seconds(102))
        #expect(wasDown)
        #expect(circuit.admission(at: self.start + .seconds(102)) == .ask && !circuit.isOpen)
    }

    @Test func theLogIsNotFilled() {
        var circuit = StoreCircuit()
        var lines = 0
        for millisecond in 0..<20_000 {
            let now = self.start + .milliseconds(millisecond)
            if circuit.didFail(self.key(0), askedAt: now, at: now) == .news { lines += 1 }
            _ = circuit.didAnswer(at: now)
        }
        #expect(lines == 2)
    }

    // MARK: The store

    private func guarded(_ store: HookedStore) -> GuardedSessionStore {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return GuardedSessionStore(store, metrics: SessionStoreMetrics(context: ""), logger: logger)
    }

    private static let failure = SessionError(code: .storeUnavailable, message: "no answer")

    @Test func aFailureOfOneOperationIsAnAnswer() async throws {
        let store = HookedStore()
        let guarded = self.guarded(store)
        store.before { _ throws(SessionError) in throw SessionError(code: .storeUnavailable, message: "locked", isOfOneOperation: true) }
        for number in 0..<20 { await #expect(throws: SessionError.self) { try await guarded.load(self.key(number), unless: nil) } }
        store.before { _ throws(SessionError) in throw SessionError(code: .limitReached, message: "too large") }
        for number in 0..<20 { await #expect(throws: SessionError.self) { try await guarded.remove(self.key(number)) } }
        #expect(!guarded.isDown)
        #expect(store.takeCalls().count == 40)
    }

    @Test func listsThatFailKeepNobodyAway() async throws {
        let store = HookedStore()
        let guarded = self.guarded(store)
        store.before { call throws(SessionError) in if call.key == nil { throw Self.failure } }
        for _ in 0..<10 {
            await #expect(throws: SessionError.self) { try await guarded.count() }
            await #expect(throws: SessionError.self) { try await guarded.sessions(ofPrincipal: "ada") }
            await #expect(throws: SessionError.self) { try await guarded.claimExpired(at: .now, limit: 1, lease: .seconds(1)) }
        }
        #expect(!guarded.isDown)
        #expect(try await guarded.load(self.key(0), unless: nil) == .absent)
    }

    @Test func whileTheStoreHangsOneWaitsAndTheOthersHaveTheirAnswer() async throws {
        let store = HookedStore()
        let guarded = self.guarded(store)
        store.before { _ throws(SessionError) in throw Self.failure }
        for number in 0..<StoreCircuit.threshold { _ = try? await guarded.load(self.key(number), unless: nil) }
        #expect(guarded.isDown)
        let gate = Gate()
        store.before { _ in await gate.pass() }
        _ = store.takeCalls()
        // As soon as the store may be probed.
        async let probing = self.firstAnswer(guarded)
        await gate.waitForArrival()
        for number in 0..<200 { await #expect(throws: SessionError.self) { try await guarded.load(self.key(number), unless: nil) } }
        #expect(gate.arrived == 1, "only the probe was asked")
        gate.open()
        #expect(await probing == .absent)
        #expect(!guarded.isDown)
        #expect(try await guarded.load(self.key(1), unless: nil) == .absent)
    }

    private func firstAnswer(_ store: GuardedSessionStore) async -> SessionLookup {
        while true {
            if let answer = try? await store.load(self.key(0), unless: nil) { return answer }
            await Task.yield()
        }
    }

    @Test func aListFindsOutThatTheStoreIsBack() async throws {
        let store = HookedStore()
        let guarded = self.guarded(store)
        store.before { _ throws(SessionError) in throw Self.failure }
        for number in 0..<StoreCircuit.threshold { _ = try? await guarded.load(self.key(number), unless: nil) }
        store.before(nil)
        try await Task.sleep(for: StoreCircuit.pause)
        #expect(try await guarded.count() == 0)
        #expect(!guarded.isDown)
    }
}
