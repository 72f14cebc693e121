#if SQLite
    import ServalSessions
    import Synchronization

    /// Writes that wait for the thread that commits them, as many at a time as there are.
    final class WaitingWrites: Sendable {
        /// A write that somebody waits for.
        struct Write: Sendable {
            /// What keeps its result until the commit has succeeded.
            let perform: @Sendable (SQLiteConnection) -> SessionError?
            /// Answers whoever waits: with an error, or with what ``perform`` kept.
            let finish: @Sendable (SessionError?) -> Void

            init<Value: Sendable>(
                _ operation: @escaping @Sendable (SQLiteConnection) throws(SessionError) -> Value,
                answer: @escaping @Sendable (Result<Value, SessionError>) -> Void
            ) {
                let kept = Kept<Value>()
                self.perform = { connection in
                    do throws(SessionError) {
                        kept.set(try operation(connection))
                        return nil
                    } catch {
                        return error
                    }
                }
                self.finish = { error in
                    if let value = kept.take(), error == nil { answer(.success(value)) } else { answer(.failure(error ?? StoreThread.stopped)) }
                }
            }
        }

        /// Between a write and its commit.
        private final class Kept<Value: Sendable>: Sendable {
            private let value = Mutex<Value?>(nil)
            func set(_ value: Value) { self.value.withLock { $0 = value } }
            func take() -> Value? { self.value.withLock { $0 } }
        }

        /// The most writes of a transaction.
        private static let limit = 1000

        private let writes = Mutex<[Write]>([])

        func add(_ write: Write) { self.writes.withLock { $0.append(write) } }

        private func take() -> [Write] {
            self.writes.withLock { writes in
                let first = Array(writes.prefix(Self.limit))
                writes.removeFirst(first.count)
                return first
            }
        }

        /// Answers all who wait with an error.
        func refuse(_ error: SessionError) {
            for write in self.writes.withLock({ writes in
                defer { writes = [] }
                return writes
            }) { write.finish(error) }
        }

        /// Performs and commits what waits; nothing if another call was faster.
        func commit(to database: SQLiteDatabase) {
            let writes = self.take()
            guard !writes.isEmpty else { return }
            if writes.count > 1, (try? Self.commit(writes, to: database)) != nil {
                for write in writes { write.finish(nil) }
                return
            }
            // Alone, or one of them failed, and the transaction with it: each for itself.
            for write in writes {
                do throws(SessionError) {
                    try Self.commit([write], to: database)
                    write.finish(nil)
                } catch {
                    write.finish(error)
                }
            }
        }

        private static func commit(_ writes: [Write], to database: SQLiteDatabase) throws(SessionError) {
            try database.write { connection throws(SessionError) in
                for write in writes { if let error = write.perform(connection) { throw error } }
            }
        }
    }
#endif
