public import NIOCore

/// What an event loop does for all of its connections together, because that costs each of them less.
///
/// Used on the loop only.
public protocol TLSConnectionKeeper: AnyObject {
    /// Calls ``GatheredConnection/flushOwed()`` at the end of the loop's present turn, or sooner if that takes long.
    func gather(_ connection: any GatheredConnection)
}

/// A connection whose answers may wait for those of others.
public protocol GatheredConnection: AnyObject {
    /// Sends what was written and has waited.
    func flushOwed()
}

/// The handler of a connection that has a keeper.
///
/// It neither flushes while bytes that have arrived are worked on nor has a timer for its handshake.
public protocol KeptTLSHandler: ChannelHandler, GatheredConnection {
    /// Ends a handshake that has taken too long; to be called now and then until there is a `TLSHandshakeCompletion`.
    func checkHandshakeTime(now: NIODeadline)
}
