import Logging
import Synchronization

/// Tells of files with sessions that cannot be read, of each once.
final class DamagedFiles: Sendable {
    /// Beyond that nothing new is told: the folder needs somebody's attention anyway.
    private static let limit = 1000

    private let logger: Logger
    private let told = Mutex<Set<FileKey>>([])

    init(logger: Logger) { self.logger = logger }

    func tell(_ key: FileKey, in folder: String) {
        let isNew = self.told.withLock { $0.count < Self.limit && $0.insert(key).inserted }
        guard isNew else { return }
        self.logger.warning("the file '\(folder)/\(key.name)' of the session store is damaged, so that its session is lost; it is left alone")
    }
}
