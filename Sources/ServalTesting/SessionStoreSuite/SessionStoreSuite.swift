public import ServalSessions

/// Checks that a session store keeps the contract of `SessionStore`, for whoever writes one.
///
/// It needs no test framework; with Swift Testing it is one test with an argument:
///
/// ```swift
/// let suite = SessionStoreSuite { namespace in MyStore(database: database, namespace: namespace) }
///
/// @Test(arguments: SessionStoreSuite.Check.allCases)
/// func contract(_ check: SessionStoreSuite.Check) async throws { try await suite.run(check) }
/// ```
///
/// Each check works in namespaces of its own, so checks may run at the same time, and over what others have left.
public struct SessionStoreSuite: Sendable {
    /// One check.
    public enum Check: String, CaseIterable, Sendable, CustomStringConvertible {
        /// A session that is inserted is found, once.
        case insertion
        /// Sessions come back as they were, with and without deadline, principal and attributes.
        case loading
        /// Attributes are added, replaced and removed; head and principal change together; the version rises by one.
        case saving
        /// A condition that does not hold changes nothing and tells what is stored.
        case conflict
        /// A head that somebody else has changed is left as it is, by saves and by renames.
        case headConflict
        /// What is asked for twice under one name is done once, also under a new key, and whatever others have written meanwhile.
        case repetition
        /// Another key, another head, and a record that tells where the session went.
        case renaming
        /// A key that is taken, a session that is absent.
        case renamingImpossible
        /// Saves under the old key come before or not at all.
        case renamingWhileSaving
        /// What was removed stays removed.
        case removalWhileSaving
        /// Exactly one of several removes a session.
        case removalBySeveral
        /// A later access is noted, without a new version; an earlier one is ignored.
        case touching
        /// Only what has expired is handed out, nothing twice, as many as asked for.
        case claiming
        /// Two servers at once: each session to one of them.
        case claimingByTwo
        /// After the lease somebody else gets the session.
        case lease
        /// A claimed session that is used again lives.
        case reviving
        /// A claim ends when its session is saved, touched, renamed, removed, or claimed by somebody else; one that holds is renewed, and removes.
        case endOfClaims
        /// A principal's sessions are found, no others.
        case principals
        /// What one namespace does, another does not see.
        case namespaces
        /// Sessions are counted and removed.
        case counting
        /// Empty and long names, all of Unicode, NUL, text that looks like SQL or a path.
        case hostileNames
        /// Every byte, empty and large values.
        case hostileValues
        /// As many attributes as are allowed.
        case manyAttributes
        /// What is too large is refused, and leaves what was there.
        case limits
        /// Exactly one of several inserts a session.
        case parallelInsertion
        /// Several servers save different attributes at once: none is lost, versions rise one by one.
        case parallelSaving
        /// Several servers count in one attribute, with conditions: none is lost.
        case parallelUpdates
        /// Many sessions: ``SessionStoreSuite/sessionCount``.
        case manySessions
        /// Everything is there after a stop and a start.
        case reopening

        /// The check's name.
        public var description: String { self.rawValue }
    }

    /// What a store did that the contract does not allow.
    public struct Failure: Error, Hashable, CustomStringConvertible {
        /// The check that found it.
        public var check: Check
        /// What happened, and what should have.
        public var message: String
        /// Check and message.
        public var description: String { "\(self.check): \(self.message)" }
    }

    /// How many sessions the check ``Check/manySessions`` makes.
    public var sessionCount: Int
    /// Whether sessions are there after a stop and a start; `false` for a store in memory.
    public var isDurable: Bool
    let makeStore: @Sendable (_ namespace: String) async throws -> any SessionStore

    /// A suite for one kind of store.
    ///
    /// - Parameters:
    ///   - sessionCount: see ``sessionCount``; 100,000 show how a store behaves in a large installation.
    ///   - isDurable: see ``isDurable``.
    ///   - makeStore: a store for a namespace that is not started; all of them over the same database. Two for one namespace behave as two servers do.
    public init(
        sessionCount: Int = 300,
        isDurable: Bool = true,
        makeStore: @escaping @Sendable (_ namespace: String) async throws -> any SessionStore
    ) {
        self.sessionCount = sessionCount
        self.isDurable = isDurable
        self.makeStore = makeStore
    }

    /// Runs all checks.
    ///
    /// - Returns: what was wrong; an error that a store throws is a failure, too.
    public func run() async -> [Failure] {
        var failures: [Failure] = []
        for check in Check.allCases {
            do {
                try await self.run(check)
            } catch let failure as Failure {
                failures.append(failure)
            } catch {
                failures.append(Failure(check: check, message: "\(error)"))
            }
        }
        return failures
    }

    /// Runs one check.
    ///
    /// - Throws: ``Failure``, or what the store throws where it should not.
    public func run(_ check: Check) async throws {
        let nodes = StoreNodes(suite: self, check: check)
        do {
            try await self.perform(check, on: nodes)
        } catch {
            await nodes.stop()
            throw error
        }
        await nodes.stop()
    }

    private func perform(_ check: Check, on nodes: StoreNodes) async throws {
        switch check {
        case .insertion: try await nodes.checkInsertion()
        case .loading: try await nodes.checkLoading()
        case .saving: try await nodes.checkSaving()
        case .conflict: try await nodes.checkConflict()
        case .headConflict: try await nodes.checkHeadConflict()
        case .repetition: try await nodes.checkRepetition()
        case .renaming: try await nodes.checkRenaming()
        case .renamingImpossible: try await nodes.checkRenamingImpossible()
        case .renamingWhileSaving: try await nodes.checkRenamingWhileSaving()
        case .removalWhileSaving: try await nodes.checkRemovalWhileSaving()
        case .removalBySeveral: try await nodes.checkRemovalBySeveral()
        case .touching: try await nodes.checkTouching()
        case .claiming: try await nodes.checkClaiming()
        case .claimingByTwo: try await nodes.checkClaimingByTwo()
        case .lease: try await nodes.checkLease()
        case .reviving: try await nodes.checkReviving()
        case .endOfClaims: try await nodes.checkEndOfClaims()
        case .principals: try await nodes.checkPrincipals()
        case .namespaces: try await nodes.checkNamespaces()
        case .counting: try await nodes.checkCounting()
        case .hostileNames: try await nodes.checkHostileNames()
        case .hostileValues: try await nodes.checkHostileValues()
        case .manyAttributes: try await nodes.checkManyAttributes()
        case .limits: try await nodes.checkLimits()
        case .parallelInsertion: try await nodes.checkParallelInsertion()
        case .parallelSaving: try await nodes.checkParallelSaving()
        case .parallelUpdates: try await nodes.checkParallelUpdates()
        case .manySessions: try await nodes.checkManySessions(self.sessionCount)
        case .reopening: if self.isDurable { try await nodes.checkReopening() }
        }
    }
}
