import Glibc

/// Makes several runs of this tool that change the same key store wait for each other.
///
/// The lock is advisory (`flock`) and ends with the process. It serves patience, not safety: who does not get it in time, or works with another
/// program, is protected by ``OutputFile`` refusing to replace a file that has changed since it was read.
final class StoreLock {
    private var descriptor: Int32 = -1

    /// A run that waits for a person may hold the lock for long.
    private static let patience = 200

    /// Waits up to ten seconds for the lock; without a file there is nothing to lock.
    init(path: String) {
        for _ in 0..<Self.patience {
            let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
            guard file >= 0 else { return }
            if flock(file, LOCK_EX | LOCK_NB) == 0 {
                if Self.isStillThere(file, path: path) {
                    descriptor = file
                    return
                }
                // The store was replaced while this run waited: the lock has to be that of the new file.
                close(file)
            } else {
                close(file)
                usleep(50_000)
            }
        }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    private static func isStillThere(_ file: Int32, path: String) -> Bool {
        var opened = stat()
        var named = stat()
        guard fstat(file, &opened) == 0, stat(path, &named) == 0 else { return true }
        return opened.st_dev == named.st_dev && opened.st_ino == named.st_ino
    }
}
