import Synchronization

/// A number that one thread at a time counts up and any thread reads; cheaper than an atomic addition.
final class Counter: Sendable {
    private let count = Atomic(0)

    var value: Int { self.count.load(ordering: .relaxed) }

    @inline(__always)
    func increment() { self.count.store(self.count.load(ordering: .relaxed) &+ 1, ordering: .relaxed) }
}
