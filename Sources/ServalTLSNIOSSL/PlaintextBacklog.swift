#if NIOSSL
import NIOCore

/// Writes that wait until the socket takes more.
///
/// A value without I/O. swift-nio-ssl encrypts whatever it is given at once; large writes are given to it in pieces, so that little ciphertext is in memory.
struct PlaintextBacklog {
    private var writes = CircularBuffer<(bytes: ByteBuffer, promise: EventLoopPromise<Void>?)>(initialCapacity: 2)
    private var flushed = 0

    /// Several full records.
    static let pieceLength = 65536
    private static let recordLength = 16384

    mutating func append(_ bytes: ByteBuffer, promise: EventLoopPromise<Void>?) { writes.append((bytes, promise)) }

    /// Everything so far may be sent.
    mutating func flush() { flushed = writes.count }

    /// Whether something may be sent.
    var hasFlushed: Bool { flushed > 0 }

    /// The next bytes, at most a piece; the promise comes with the last piece of its write.
    ///
    /// Small writes come together, as one record: swift-nio-ssl makes at least one of each.
    mutating func next() -> (bytes: ByteBuffer, promise: EventLoopPromise<Void>?)? {
        guard var first = nextWrite() else { return nil }
        while flushed > 0, first.bytes.readableBytes + writes[writes.startIndex].bytes.readableBytes <= Self.recordLength, var other = nextWrite() {
            first.bytes.writeBuffer(&other.bytes)
            guard let promise = other.promise else { continue }
            if let earlier = first.promise { promise.futureResult.cascade(to: earlier) }
            first.promise = promise
        }
        return first
    }

    private mutating func nextWrite() -> (bytes: ByteBuffer, promise: EventLoopPromise<Void>?)? {
        guard flushed > 0 else { return nil }
        if writes[writes.startIndex].bytes.readableBytes > Self.pieceLength,
            let piece = writes[writes.startIndex].bytes.readSlice(length: Self.pieceLength)
        {
            return (piece, nil)
        }
        flushed -= 1
        return writes.removeFirst()
    }

    /// Takes out the promises of what may not be sent yet, or of everything, and forgets it.
    mutating func removePromises(unflushedOnly: Bool) -> [EventLoopPromise<Void>] {
        guard !writes.isEmpty else { return [] }
        let kept = unflushedOnly ? flushed : 0
        let promises = writes.dropFirst(kept).compactMap(\.promise)
        writes.removeLast(writes.count - kept)
        flushed = kept
        return promises
    }
}
#endif
