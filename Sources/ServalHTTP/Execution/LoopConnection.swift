/// A connection as its event loop sees it: something with deadlines that can be asked to end.
///
/// Called on the loop only.
protocol LoopConnection: AnyObject {
    /// The index in the loop's list.
    var place: Int { get set }

    /// The connector stops: close when nothing is going on any more.
    func drain()

    /// Closes at once, whatever is going on.
    func closeNow()

    /// Sends what was put together for this connection.
    func flush()

    /// Looks after deadlines; called a few times a second at most.
    ///
    /// - Parameters:
    ///   - now: the monotonic clock in nanoseconds.
    ///   - elapsed: the nanoseconds since the last call that clients may be blamed for.
    func sweep(now: UInt64, elapsed: UInt64)
}
