import Foundation
import Synchronization

/// The index of certificates from which `openssl ocsp` answers.
public enum OCSPIndex {
    private static let lastDate = Mutex(1_000_000_000.0)

    /// Gives the file a date that it never had, so that the responder takes it for changed.
    ///
    /// The responder compares times to the second, and inodes. `openssl ca` writes a new file each time, and of three within a second the third
    /// often gets the inode of the first, which was removed by then: to the responder it is the one that it has read.
    public static func setNewDate(_ path: String) throws {
        let seconds = self.lastDate.withLock { last in
            last += 1
            return last
        }
        try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSince1970: seconds)], ofItemAtPath: path)
    }
}
