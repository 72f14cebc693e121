import COpenSSL
import Foundation
import Testing

/// The memory that OpenSSL gets in a server's process; here it is too late to give it to OpenSSL.
struct KeptMemoryTests {
    private struct Block {
        let start: UnsafeMutableRawPointer
        let size: Int
        let mark: UInt8

        init?(size: Int, mark: UInt8) {
            guard let start = serval_memory_take(size, nil, 0) else { return nil }
            self.start = start
            self.size = size
            self.mark = mark
            start.initializeMemory(as: UInt8.self, repeating: mark, count: size)
        }

        var isUntouched: Bool { UnsafeRawBufferPointer(start: start, count: size).allSatisfy { $0 == mark } }
    }

    private static let largest = 24576
    private static let sizes = [
        1, 7, 8, 9, 23, 24, 25, 40, 41, 100, 1000, 1016, 1017, 1024, 1025, 1032, 1033, 1536, 1537, 3272, 4096, 16384, 16716, 21848, largest - 1,
        largest,
        largest + 1, 25000, 70_000,
    ]

    /// Takes and returns at random, with many blocks at the same time.
    private static func work() -> Bool {
        var blocks: [Block] = []
        for round in 0..<20_000 {
            if blocks.count > 400 || (Bool.random() && !blocks.isEmpty) {
                let block = blocks.remove(at: Int.random(in: 0..<blocks.count))
                guard block.isUntouched else { return false }
                serval_memory_return(block.start, nil, 0)
            } else if let block = Block(size: sizes[Int.random(in: 0..<sizes.count)], mark: UInt8(truncatingIfNeeded: round)) {
                blocks.append(block)
            }
        }
        defer { for block in blocks { serval_memory_return(block.start, nil, 0) } }
        return blocks.allSatisfy(\.isUntouched)
    }

    @Test func blocksAreAsLargeAsAskedForAndNobodyElses() async {
        let threads = 4
        let results = await withTaskGroup(of: Bool.self, returning: [Bool].self) { group in
            for _ in 0..<threads {
                group.addTask {
                    await withCheckedContinuation { continuation in
                        // A thread of its own, which ends with memory kept.
                        Thread { continuation.resume(returning: Self.work()) }.start()
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(results == Array(repeating: true, count: threads))
    }

    @Test(arguments: sizes)
    func whatIsReturnedIsTakenAgain(size: Int) throws {
        let first = try #require(serval_memory_take(size, nil, 0))
        serval_memory_return(first, nil, 0)
        let second = try #require(serval_memory_take(size, nil, 0))
        if size <= Self.largest { #expect(second == first) }
        serval_memory_return(second, nil, 0)
    }

    @Test(arguments: sizes)
    func sizesChangeAndBytesStay(size: Int) throws {
        var start: UnsafeMutableRawPointer?
        var count = 0
        for next in [size, size * 3, size * 30, size * 2, max(size / 4, 1), size] {
            start = try #require(serval_memory_resize(start, next, nil, 0))
            let bytes = UnsafeMutableRawBufferPointer(start: start, count: next)
            #expect(bytes.prefix(count).allSatisfy { $0 == 0xA5 })
            bytes.initializeMemory(as: UInt8.self, repeating: 0xA5)
            count = next
        }
        serval_memory_return(start, nil, 0)
    }

    @Test func nothingIsNothing() {
        #expect(serval_memory_take(0, nil, 0) == nil)
        #expect(serval_memory_resize(serval_memory_take(10, nil, 0), 0, nil, 0) == nil)
        serval_memory_return(nil, nil, 0)
    }
}
