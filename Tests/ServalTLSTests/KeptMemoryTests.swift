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

    private static let sizes = [1, 7, 8, 9, 23, 24, 25, 40, 41, 100, 1000, 1016, 1017, 1032, 1033, 4096, 16384, 16385, 16716, 17408, 17409, 70_000]

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
        if size <= 1016 || (16385...17408).contains(size) { #expect(second == first) }
        let larger = try #require(serval_memory_resize(second, size * 3, nil, 0))
        serval_memory_return(larger, nil, 0)
    }

    @Test func nothingIsNothing() {
        #expect(serval_memory_take(0, nil, 0) == nil)
        #expect(serval_memory_resize(serval_memory_take(10, nil, 0), 0, nil, 0) == nil)
        serval_memory_return(nil, nil, 0)
    }
}
