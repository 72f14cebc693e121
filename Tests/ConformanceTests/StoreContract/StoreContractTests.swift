import Foundation
import ServalSessions
import ServalTesting
import Testing

/// Every store keeps the contract of `SessionStore`.
@Suite("Session stores")
struct StoreContractTests {
    @Test("The contract", arguments: Stores.allCases, SessionStoreSuite.Check.allCases)
    func contract(_ kind: Stores, _ check: SessionStoreSuite.Check) async throws {
        let folder = try StoreFolder()
        try await kind.suite(in: folder.path).run(check)
        withExtendedLifetime(folder) {}
    }

    /// Also with all checks at once over the same files and tables.
    @Test("The contract, everything at once", arguments: Stores.allCases)
    func together(_ kind: Stores) async throws {
        let folder = try StoreFolder()
        let suite = kind.suite(in: folder.path, sessionCount: StoreContractTests.manySessions)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for check in SessionStoreSuite.Check.allCases { group.addTask { try await suite.run(check) } }
            try await group.waitForAll()
        }
        withExtendedLifetime(folder) {}
    }

    /// `SERVAL_STORE_SESSIONS=100000` is the long form: scripts/test-stores.
    static let manySessions = ProcessInfo.processInfo.environment["SERVAL_STORE_SESSIONS"].flatMap { Int($0) } ?? 300

    /// The suite finds what a store does wrong; otherwise it would prove nothing.
    @Test("The suite sees a store that forgets, revives or hands out twice", arguments: FaultyStore.Fault.allCases)
    func faults(_ fault: FaultyStore.Fault) async {
        let suite = SessionStoreSuite(sessionCount: 10, isDurable: false) { [store = FaultyStores(fault)] namespace in store.store(namespace) }
        let failure = await #expect(throws: SessionStoreSuite.Failure.self) { try await suite.run(fault.finder) }
        #expect(failure?.check == fault.finder && failure?.message.isEmpty == false)
    }
}
