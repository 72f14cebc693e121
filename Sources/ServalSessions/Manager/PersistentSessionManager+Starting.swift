import Synchronization

/// The start of a manager, as far as a store may hang in it.
extension PersistentSessionManager {
    /// Waits until a store is closed that was given up before.
    func waitForStop() async throws(SessionError) {
        guard let work = self.stopping.withLock({ $0 }) else { return }
        let patience = self.configuration.patience
        guard await work.wait(unless: { try? await Task.sleep(for: patience) }) else {
            throw SessionError(code: .storeUnavailable, message: "the session store hangs: it is still being closed since it was given up")
        }
        self.stopping.withLock { $0 = nil }
    }

    /// Opens the store, and empties it if nothing is to be kept, or gives it up.
    func openStore() async throws(SessionError) {
        let store = self.persistence.store
        let isEmptied = if case .whenIdle(let limits) = self.configuration.mode { !limits.saveOnRestart } else { false }
        let opening = Task { () -> Result<Void, SessionError> in
            do throws(SessionError) {
                try await store.start()
                // A database that does not answer yet may have sessions of before when it does.
                if isEmptied { try? await self.removeAll() }
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        let patience = self.configuration.openingPatience * (isEmptied ? 2 : 1)
        let isDone = await withTaskCancellationHandler {
            await AbandonableWork { _ = await opening.value }.wait { try? await Task.sleep(for: patience) }
        } onCancel: {
            opening.cancel()
        }
        guard isDone else {
            let closing = AbandonableWork { if case .success = await opening.value { await store.stop() } }
            self.stopping.withLock { $0 = closing }
            throw SessionError(code: .storeUnavailable, message: "the session store hangs: it has not opened within \(patience)")
        }
        try await opening.value.get()
    }
}
