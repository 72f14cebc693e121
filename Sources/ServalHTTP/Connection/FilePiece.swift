import NIOCore
import NIOPosix
import ServalServlet

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A piece of a file that is to be sent.
///
/// What the system has in memory is read at once; for the rest the disk has to be waited for, and no event loop does that.
struct FilePiece {
    let file: OpenFile
    let offset: Int
    let count: Int

    /// The bytes, if no disk has to be asked: fewer than ``count`` where only those are in memory, none where the file ends; otherwise `nil`.
    func readFromMemory(_ allocator: ByteBufferAllocator) -> ByteBuffer? {
        #if os(Linux) && _pointerBitWidth(_64)
            guard let preadv2 = Self.preadv2 else { return nil }
            var buffer = allocator.buffer(capacity: self.count)
            var mustWait = false
            buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: self.count) { space in
                var piece = iovec(iov_base: space.baseAddress, iov_len: self.count)
                while true {
                    let result = preadv2(self.file.descriptor, &piece, 1, self.offset, Self.noWait)
                    if result >= 0 { return result }
                    if errno == EINTR { continue }
                    // It would have to wait; or the file system cannot tell.
                    mustWait = errno == EAGAIN || errno == EOPNOTSUPP || errno == ENOSYS
                    return 0
                }
            }
            return mustWait ? nil : buffer
        #else
            return nil
        #endif
    }

    #if os(Linux) && _pointerBitWidth(_64)
        private typealias ReadVectors = @convention(c) (CInt, UnsafePointer<iovec>, CInt, Int, CInt) -> Int

        /// `preadv2(2)`, which the C library's headers keep for those who define `_GNU_SOURCE`; nil where it has none.
        private static let preadv2 = dlsym(nil, "preadv2").map { unsafeBitCast($0, to: ReadVectors.self) }
        /// `RWF_NOWAIT`.
        private static let noWait: CInt = 8
    #endif

    /// The bytes, read on a thread that may wait; none if there are none, or if they cannot be read.
    ///
    /// - Parameter body: called on the loop.
    func read(_ allocator: ByteBufferAllocator, on loop: any EventLoop, _ body: @escaping (ByteBuffer) -> Void) {
        let done = NIOThreadPool.singleton.runIfActive(eventLoop: loop) { self.read(allocator) }
        done.assumeIsolated().whenComplete { result in body((try? result.get()) ?? ByteBuffer()) }
    }

    private func read(_ allocator: ByteBufferAllocator) -> ByteBuffer {
        var buffer = allocator.buffer(capacity: self.count)
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: self.count) { space in
            while true {
                let result = pread(self.file.descriptor, space.baseAddress, self.count, off_t(self.offset))
                if result < 0, errno == EINTR { continue }
                return max(0, result)
            }
        }
        return buffer
    }
}
