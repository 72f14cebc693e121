import Logging
import Synchronization

/// The end of a manager: what is to be kept goes to the store, as long as that answers.
extension PersistentSessionManager {
    /// How often it is tried again what the store did not take.
    private static let maximumTries = 4

    /// Saves what is to be kept, ends what is not, and closes the store.
    ///
    /// That takes as long as it takes, as long as the store answers. One that has said nothing for ten seconds is given up, whether its operations end or not, its own
    /// ``SessionStore/stop()`` among them; what it has of a session stays there in any case. The log tells how many sessions lack something in the store.
    ///
    /// All of that is done also in a task that is cancelled.
    public func stop() async {
        self.table.shut()
        await Task.uncancelled { await self.finishOrGiveUp() }
    }

    private func finishOrGiveUp() async {
        let store = self.persistence.store
        let work = AbandonableWork { await self.finish() }
        self.stopping.withLock { $0 = work }
        let patience = self.configuration.patience
        let isDone = await work.wait { await store.waitUntilItIsSilent(for: patience) }
        if !isDone {
            let refusal = store.refusal.map { "the store has taken nothing for \(patience) and said last: \($0)" }
            let reason = refusal ?? "the store has not answered for \(patience)"
            store.giveUp()
            self.tellOfUnsaved(reason)
            self.configuration.logger.warning("the session store\(self.owner) was given up before it was closed: \(reason)")
            await self.table.close(keepsStored: self.keepsSessions)
        }
        self.stopping.withLock { $0 = isDone ? nil : work }
    }

    /// Whether sessions outlive the manager.
    private var keepsSessions: Bool {
        if case .whenIdle(let limits) = self.configuration.mode { limits.saveOnRestart } else { true }
    }

    private func finish() async {
        if self.keepsSessions {
            let failure = await self.saveAll()
            self.tellOfUnsaved(failure?.message ?? "the store did not take them")
            await self.table.close()
        } else {
            await self.table.close(keepsStored: false)
            try? await self.removeAll()
        }
        await self.removeLeftovers()
        await self.persistence.store.stop()
    }

    /// Saves all sessions, some at a time, and lets go of them.
    ///
    /// What cannot be saved keeps nothing else from it, and is tried again if that may help.
    ///
    /// - Returns: why the last try has failed.
    private func saveAll() async -> SessionError? {
        var failures = SaveFailures()
        for number in 1...Self.maximumTries {
            failures = SaveFailures()
            do throws(SessionError) {
                try await self.table.forEach { sessions throws(SessionError) in
                    // First one alone: if the store is down, it says so, and the others need not be refused.
                    for part in [sessions.prefix(1), sessions.dropFirst()] where !part.isEmpty {
                        try await self.waitForStore()
                        failures.add(await self.save(part))
                    }
                }
            } catch {
                return error
            }
            guard failures.mayBeRepeated, number < Self.maximumTries, !self.persistence.store.isGivenUp else { break }
            try? await Task.sleep(for: SessionPersistence.pause + .milliseconds(100))
        }
        return failures.first
    }

    /// Returns when the store is not taken for down.
    private func waitForStore() async throws(SessionError) {
        while self.persistence.store.isDown {
            guard !self.persistence.store.isGivenUp else { throw SessionError(code: .storeUnavailable, message: "the store was given up") }
            try? await Task.sleep(for: SessionPersistence.pause + .milliseconds(100))
            await self.persistence.store.probe()
        }
    }

    private func save(_ sessions: some Sequence<HTTPSession>) async -> SaveFailures {
        let isComplete = !self.savesSessions
        return await withTaskGroup(of: SessionError?.self) { group in
            for session in sessions {
                group.addTask {
                    do throws(SessionError) {
                        if try await self.persistence.save(session, isComplete: isComplete), session.isStored { self.table.forget(session) }
                        return nil
                    } catch {
                        return error
                    }
                }
            }
            var failures = SaveFailures()
            for await error in group { if let error { failures.add(error) } }
            return failures
        }
    }

    /// Tries again, a few times, to remove what the store has and ended here.
    private func removeLeftovers() async {
        for _ in 0..<Self.maximumTries where !self.persistence.store.isGivenUp {
            do { return try await self.persistence.removeLeftovers() } catch {
                try? await Task.sleep(for: SessionPersistence.pause + .milliseconds(100))
            }
        }
    }

    /// Whose sessions they are, for the log.
    private var owner: String { self.configuration.namespace.isEmpty ? "" : " of \(self.configuration.namespace)" }

    /// Says, once, how many sessions the store lacks, or lacks something of.
    private func tellOfUnsaved(_ reason: String) {
        guard self.keepsSessions, !self.hasToldOfUnsaved.exchange(true, ordering: .relaxed) else { return }
        let isComplete = !self.savesSessions
        let count = self.table.count { $0.lacksSaving(isComplete: isComplete) }
        guard count > 0 else { return }
        self.configuration.logger.error(
            "\(count) sessions\(self.owner) could not be stored; what has changed in them since they were stored last, if they were, is lost: \(reason)"
        )
    }
}
