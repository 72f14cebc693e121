/// Weighs frames that cost the server something against those that carry requests, as Tomcat's overhead count does.
///
/// Free of I/O. Against floods of PING, SETTINGS, PRIORITY, RST_STREAM, small or empty frames.
struct HTTP2Overhead {
    private static let work = 20

    private let factor: Int
    private let resetFactor: Int
    private let continuationThreshold: Int
    private let dataThreshold: Int
    private let windowUpdateThreshold: Int
    /// What work done before is worth at most, so that nobody can save up for an attack.
    private let floor: Int
    private var count: Int
    private var lastDataSize: Int
    /// Of streams and of the connection, because clients often send both for the same bytes.
    private var lastWindowUpdates: (stream: Int, connection: Int)

    init(_ configuration: HTTP2Configuration) {
        self.factor = min(configuration.overheadCountFactor, 1_000_000)
        self.resetFactor = min(max(0, configuration.overheadResetFactor), 1_000_000)
        self.continuationThreshold = configuration.overheadContinuationThreshold
        self.dataThreshold = configuration.overheadDataThreshold
        self.windowUpdateThreshold = configuration.overheadWindowUpdateThreshold
        self.floor = -100 * max(1, self.factor)
        self.count = -10 * self.factor
        self.lastDataSize = 2 * max(0, self.dataThreshold)
        let ample = 2 * max(0, self.windowUpdateThreshold)
        self.lastWindowUpdates = (ample, ample)
    }

    /// Whether the connection is to be closed.
    var isExcessive: Bool { self.factor >= 1 && self.count > 0 }

    /// A HEADERS frame arrived, or a DATA frame arrived or was sent.
    mutating func noteWork() { self.count = max(self.floor, self.count - Self.work) }

    /// A frame arrived that asks for nothing.
    mutating func noteControl() { self.count += self.factor }

    /// A SETTINGS frame arrived; an honest one has few entries.
    mutating func noteSettings(size: Int) { self.count += self.factor * (1 + size / 96) }

    /// The client reset a stream or forced the server to.
    mutating func noteReset() { self.count += self.resetFactor }

    /// A CONTINUATION frame arrived.
    mutating func noteContinuation(size: Int, isLast: Bool) {
        guard !isLast, size < self.continuationThreshold else { return }
        self.count += self.continuationThreshold / max(1, size)
    }

    /// A DATA frame arrived.
    mutating func noteData(size: Int, isLast: Bool) {
        self.noteWork()
        guard !isLast else { return }
        let average = max(1, self.lastDataSize / 2 + size / 2)
        self.lastDataSize = size
        if average < self.dataThreshold { self.count += self.dataThreshold / average }
    }

    /// A WINDOW_UPDATE frame arrived.
    mutating func noteWindowUpdate(increment: Int, isOfConnection: Bool) {
        let last = isOfConnection ? self.lastWindowUpdates.connection : self.lastWindowUpdates.stream
        if isOfConnection { self.lastWindowUpdates.connection = increment } else { self.lastWindowUpdates.stream = increment }
        let average = max(1, last / 2 + increment / 2)
        if average < self.windowUpdateThreshold { self.count += self.windowUpdateThreshold / average }
    }
}
