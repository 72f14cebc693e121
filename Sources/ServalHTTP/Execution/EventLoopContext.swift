import NIOCore
import ServalTLS

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What the connections of one connector share on one event loop.
///
/// Unchecked: apart from constants, everything is touched on the loop only, and no access goes on while foreign code runs.
final class EventLoopContext: TLSConnectionKeeper, @unchecked Sendable {
    static let outputCapacity = 16384
    /// How long an answer waits for others at most, in nanoseconds, apart from the time that the last of them takes.
    private static let longestGathering: UInt64 = 500_000
    private static let mostGathered = 64
    /// How many tasks wait for requests at most.
    private static let mostIdleRunners = 16

    let loop: any EventLoop
    let executor: EventLoopExecutor
    /// Requests handed to the handler; written on the loop, read by anybody.
    let requests = Counter()
    /// Requests refused by the connector.
    let refusals = Counter()
    /// Where responses are put together, so that idle connections need no buffer.
    @exclusivity(unchecked) var output: ByteBuffer
    /// Whose bytes ``output`` holds.
    @exclusivity(unchecked) private var outputOwner: ObjectIdentifier?
    /// The connector stops: connections close after their response.
    @exclusivity(unchecked) private(set) var isDraining = false
    /// The connector has stopped: connections close at once.
    @exclusivity(unchecked) private(set) var isStopped = false
    @exclusivity(unchecked) private(set) var connections: [any LoopConnection] = []
    @exclusivity(unchecked) private var sweep: RepeatedTask?
    private let sweepInterval: TimeAmount
    @exclusivity(unchecked) private var lastSweep: UInt64 = 0
    /// The connections with something to send at the end of the loop's present turn.
    @exclusivity(unchecked) private var gathered: [any GatheredConnection] = []
    /// Memory for the next of them.
    @exclusivity(unchecked) private var flushed: [any GatheredConnection] = []
    @exclusivity(unchecked) private var gatheringBegan: UInt64 = 0
    @exclusivity(unchecked) private var idleRunners: [RequestRunner] = []
    @exclusivity(unchecked) private var date = DateField()
    @exclusivity(unchecked) private var dateText = (text: "", validUntil: UInt64(0))

    init(_ loop: any EventLoop, sweepInterval: TimeAmount) {
        self.loop = loop
        self.executor = EventLoopExecutor(loop)
        self.output = ByteBufferAllocator().buffer(capacity: Self.outputCapacity)
        self.sweepInterval = sweepInterval
    }

    // MARK: Connections

    func add(_ connection: any LoopConnection) {
        connection.place = self.connections.count
        self.connections.append(connection)
        if self.sweep == nil {
            self.lastSweep = MonotonicClock.now()
            self.sweep = self.loop.scheduleRepeatedTask(initialDelay: self.sweepInterval, delay: self.sweepInterval) { task in
                self.sweepConnections()
                // Not when the last one leaves: where they come one after the other, each would have a timer of its own.
                guard self.connections.isEmpty else { return }
                task.cancel()
                self.sweep = nil
            }
        }
    }

    func remove(_ connection: any LoopConnection) {
        let place = connection.place
        guard place < self.connections.count, self.connections[place] === connection else { return }
        let last = self.connections.removeLast()
        if last !== connection {
            self.connections[place] = last
            last.place = place
        }
    }

    /// Closes idle connections, and the others after their response.
    func drain() {
        self.isDraining = true
        let runners = self.idleRunners
        self.idleRunners = []
        for runner in runners { runner.dismiss() }
        for connection in self.connections { connection.drain() }
    }

    /// Closes all connections, whatever they do.
    func stop() {
        self.isDraining = true
        self.isStopped = true
        for connection in self.connections { connection.closeNow() }
    }

    /// Looks after deadlines; backwards, because a connection that is closed leaves its place to the last one.
    private func sweepConnections() {
        let now = MonotonicClock.now()
        // After a pause of the process, clients are not to blame.
        let elapsed = min(now - self.lastSweep, UInt64(self.sweepInterval.nanoseconds) * 2)
        self.lastSweep = now
        var index = self.connections.count
        while index > 0 {
            index -= 1
            if index < self.connections.count { self.connections[index].sweep(now: now, elapsed: elapsed) }
        }
    }

    // MARK: Requests

    /// Somebody to answer a request.
    func takeRunner() -> RequestRunner { self.idleRunners.popLast() ?? RequestRunner(self) }

    /// Keeps a runner that has answered for the next request; false if it is not needed any more.
    func keep(_ runner: RequestRunner) -> Bool {
        guard !self.isDraining, self.idleRunners.count < Self.mostIdleRunners else { return false }
        self.idleRunners.append(runner)
        return true
    }

    // MARK: Output

    /// Flushes `connection` when everything that has arrived by now has been worked on, or has taken long.
    func gather(_ connection: any GatheredConnection) {
        self.gathered.append(connection)
        if self.gathered.count == 1 {
            self.gatheringBegan = MonotonicClock.now()
            // Tasks come when all sockets that were ready have been read.
            self.loop.execute { self.flushGathered() }
        } else if self.gathered.count >= Self.mostGathered || MonotonicClock.now() &- self.gatheringBegan > Self.longestGathering {
            self.flushGathered()
        }
    }

    private func flushGathered() {
        // Whoever is flushed may make others write; they begin a new gathering.
        var connections = self.flushed
        self.flushed = []
        swap(&connections, &self.gathered)
        for connection in connections { connection.flushOwed() }
        connections.removeAll(keepingCapacity: true)
        self.flushed = connections
    }

    /// Gives the output buffer to `connection`; bytes of another one are sent first.
    @inline(__always)
    func claimOutput(for connection: HTTP1ConnectionHandler) {
        let claimant = ObjectIdentifier(connection)
        if self.output.readableBytes > 0, self.outputOwner != claimant { self.sendForeignOutput() }
        self.outputOwner = claimant
    }

    /// Whether there are bytes of `connection` in the output buffer.
    @inline(__always)
    func holdsOutput(of connection: HTTP1ConnectionHandler) -> Bool {
        self.output.readableBytes > 0 && self.outputOwner == ObjectIdentifier(connection)
    }

    /// Hands what was put together to `send`.
    ///
    /// It is nowhere else meanwhile: what is sent may change the writability of its channel at once, and then its connection, or another one, writes again
    /// before `send` returns.
    @inline(__always)
    func sendOutput(_ send: (ByteBuffer) -> Void) {
        var bytes = ByteBuffer()
        swap(&bytes, &self.output)
        send(bytes)
        guard self.output.readableBytes == 0 else { return }
        swap(&bytes, &self.output)
        self.output.clear(minimumCapacity: Self.outputCapacity)
    }

    /// Rare: a connection wrote without being in a read, and another one comes before it has flushed.
    private func sendForeignOutput() {
        self.connections.first { ObjectIdentifier($0) == self.outputOwner }?.flush()
        // Of a connection that is gone.
        if self.output.readableBytes > 0 { self.output.clear(minimumCapacity: Self.outputCapacity) }
    }

    /// The value of `Date` now.
    @inline(__always)
    func dateField(now: UInt64) -> DateField {
        if now >= self.date.validUntil { self.date = DateField(now: now) }
        return self.date
    }
    /// The same as text.
    func dateText(now: UInt64) -> String {
        if now >= self.dateText.validUntil {
            let date = self.dateField(now: now)
            self.dateText = (String(decoding: date.bytes, as: UTF8.self), date.validUntil)
        }
        return self.dateText.text
    }
}
