import NIOCore

/// Writes that wait to be encrypted, cut and joined into what makes good records.
///
/// A value without I/O. Small writes of one flush become one record; large ones are taken in pieces of several full records without being copied.
struct PlaintextQueue {
    private struct Entry {
        var bytes: ByteBuffer
        var promise: EventLoopPromise<Void>?
    }

    /// The plaintext of one record, and as much as one record may hold.
    static let recordLength = 16384
    /// Several full records: enough to keep the cost of a write small, little enough to keep ciphertext bounded.
    static let chunkLength = 4 * recordLength

    private var entries = CircularBuffer<Entry>(initialCapacity: 2)
    private var flushed = 0

    mutating func append(_ bytes: ByteBuffer, promise: EventLoopPromise<Void>?) {
        entries.append(Entry(bytes: bytes, promise: promise))
    }

    /// Everything so far may be sent.
    mutating func flush() { flushed = entries.count }

    /// Whether something may be sent.
    var hasFlushed: Bool { flushed > 0 }

    /// The next bytes to encrypt, with the promise that their being written fulfils.
    mutating func next(_ allocator: ByteBufferAllocator) -> (bytes: ByteBuffer, promise: EventLoopPromise<Void>?)? {
        guard flushed > 0 else { return nil }
        let length = entries[entries.startIndex].bytes.readableBytes
        if flushed == 1 || length >= Self.recordLength { return piece(of: length) }
        return joined(allocator)
    }

    private mutating func piece(of length: Int) -> (bytes: ByteBuffer, promise: EventLoopPromise<Void>?)? {
        if length > Self.chunkLength, let bytes = entries[entries.startIndex].bytes.readSlice(length: Self.chunkLength) { return (bytes, nil) }
        let entry = entries.removeFirst()
        flushed -= 1
        return (entry.bytes, entry.promise)
    }

    private mutating func joined(_ allocator: ByteBufferAllocator) -> (bytes: ByteBuffer, promise: EventLoopPromise<Void>?) {
        var total = 0
        for index in 0..<flushed where total < Self.recordLength {
            total += entries[entries.index(entries.startIndex, offsetBy: index)].bytes.readableBytes
        }
        var record = allocator.buffer(capacity: min(total, Self.recordLength))
        var promise: EventLoopPromise<Void>?
        while flushed > 0 {
            let room = Self.recordLength - record.readableBytes
            if entries[entries.startIndex].bytes.readableBytes > room {
                if var part = entries[entries.startIndex].bytes.readSlice(length: room) { record.writeBuffer(&part) }
                break
            }
            var entry = entries.removeFirst()
            flushed -= 1
            record.writeBuffer(&entry.bytes)
            if let other = entry.promise {
                if let promise { promise.futureResult.cascade(to: other) } else { promise = other }
            }
        }
        return (record, promise)
    }

    /// Takes out the promises of what may not be sent yet, and forgets it.
    mutating func removeUnflushed() -> [EventLoopPromise<Void>] {
        var promises: [EventLoopPromise<Void>] = []
        while entries.count > flushed {
            if let promise = entries.removeLast().promise { promises.append(promise) }
        }
        return promises.reversed()
    }

    /// Takes out all promises, and forgets everything.
    mutating func removeAll() -> [EventLoopPromise<Void>] {
        let promises = entries.compactMap(\.promise)
        entries = CircularBuffer(initialCapacity: 0)
        flushed = 0
        return promises
    }
}
