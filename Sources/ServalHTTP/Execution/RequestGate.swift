import Synchronization

/// Lets a bounded number of requests in at once; the others wait in the order of their arrival.
///
/// Without contention entering and leaving cost one atomic operation each.
final class RequestGate: Sendable {
    private struct Queue: Sendable {
        /// Waiters with a removal mark at the front, so that taking one is cheap.
        var waiters: [(@Sendable () -> Void)?] = []
        var first = 0
        /// Turns that were given back before the one who is to get them had queued up.
        var unclaimed = 0
    }

    private let capacity: Int
    /// The free places; negative when requests wait.
    private let free: Atomic<Int>
    private let queue = Mutex(Queue())

    init(capacity: Int) {
        self.capacity = max(1, capacity)
        self.free = Atomic(self.capacity)
    }

    /// The requests inside or waiting.
    var load: Int { max(0, self.capacity - self.free.load(ordering: .relaxed)) }

    /// Enters if there is a place; otherwise ``wait(_:)`` has to follow.
    @inline(__always)
    func tryEnter() -> Bool { self.free.wrappingSubtract(1, ordering: .acquiringAndReleasing).oldValue > 0 }

    /// After ``tryEnter()`` failed: calls `body` when it is this request's turn, on whatever thread gives the turn away, at once if it is free by now.
    func wait(_ body: @escaping @Sendable () -> Void) {
        let isTurn = self.queue.withLock { queue in
            guard queue.unclaimed == 0 else {
                queue.unclaimed -= 1
                return true
            }
            queue.waiters.append(body)
            return false
        }
        if isTurn { body() }
    }

    /// Leaves; the next one in line gets the place.
    @inline(__always)
    func leave() {
        if self.free.wrappingAdd(1, ordering: .acquiringAndReleasing).oldValue < 0 { self.admitNext() }
    }

    private func admitNext() {
        let next = self.queue.withLock { queue -> (@Sendable () -> Void)? in
            guard queue.first < queue.waiters.count else {
                queue.unclaimed += 1
                return nil
            }
            defer {
                queue.waiters[queue.first] = nil
                queue.first += 1
                if queue.first == queue.waiters.count {
                    queue.waiters = []
                    queue.first = 0
                } else if queue.first > 1024, queue.first > queue.waiters.count / 2 {
                    queue.waiters.removeFirst(queue.first)
                    queue.first = 0
                }
            }
            return queue.waiters[queue.first]
        }
        next?()
    }
}
