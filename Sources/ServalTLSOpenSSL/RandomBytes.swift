import COpenSSL
import Synchronization

/// Random bytes from OpenSSL's generator in small portions, of which each comes once.
///
/// Most of what a call of the generator costs does not depend on how much it gives: a handshake needs 48 bytes, and fetching them by themselves would cost it
/// many times as much. For ids and initialization vectors; keys are fetched by themselves, so that nothing of them lies about before or after.
enum RandomBytes {
    private struct Stock {
        var bytes: [UInt8] = []
        var used = 0
    }

    private static let size = 2048
    private static let stock = Mutex(Stock())

    /// Fills the memory; false if the generator has failed, for want of an entropy source.
    static func fill(_ target: UnsafeMutableRawBufferPointer) -> Bool {
        stock.withLock { stock in
            if stock.bytes.count - stock.used < target.count {
                guard target.count <= size else { return false }
                if stock.bytes.isEmpty { stock.bytes = [UInt8](repeating: 0, count: size) }
                stock.used = stock.bytes.count
                guard RAND_bytes(&stock.bytes, Int32(size)) == 1 else { return false }
                stock.used = 0
            }
            let range = stock.used..<stock.used + target.count
            stock.used = range.upperBound
            stock.bytes.withUnsafeMutableBytes { bytes in
                target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[range]))
                // Nobody finds later what somebody has been given.
                for index in range { bytes[index] = 0 }
            }
            return true
        }
    }
}
