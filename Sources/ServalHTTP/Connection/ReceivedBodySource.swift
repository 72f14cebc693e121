import ServalServlet
import Synchronization

/// The body of a request that is still arriving: the connection puts pieces in, the application takes them out.
///
/// Holds a bounded number of bytes; the connection stops reading from its socket beyond that. May be read from any thread, by one reader at a time.
final class ReceivedBodySource: RequestBodySource {
    /// From this many buffered bytes on, the connection stops reading.
    static let capacity = 65536

    private struct State: Sendable {
        var pieces: [ArraySlice<UInt8>] = []
        var first = 0
        var bufferedBytes = 0
        var hasEnded = false
        var failure: (any Error)?
        var reader: UnsafeContinuation<ArraySlice<UInt8>?, any Error>?
        /// Whether the connection waits to be asked for more.
        var isPaused: Bool
        var trailers = HeaderFields()
    }

    private enum Answer {
        case piece(ArraySlice<UInt8>?)
        case failure(any Error)
        case wait
    }

    private let state: Mutex<State>
    private let demand: @Sendable () -> Void

    /// - Parameters:
    ///   - isPaused: whether the connection waits to be asked before it reads the first byte.
    ///   - demand: asks the connection for more; called without lock on the reader's thread.
    init(isPaused: Bool, demand: @escaping @Sendable () -> Void) {
        self.state = Mutex(State(isPaused: isPaused))
        self.demand = demand
    }

    func next() async throws -> ArraySlice<UInt8>? {
        let (answer, asks) = self.state.withLock { state in Self.take(&state) }
        if asks { self.demand() }
        switch answer {
        case .piece(let piece): return piece
        case .failure(let failure): throw failure
        case .wait: return try await self.waitForPiece()
        }
    }

    var trailers: HeaderFields { self.state.withLock { $0.trailers } }

    private static func take(_ state: inout State) -> (Answer, asks: Bool) {
        if state.first < state.pieces.count {
            let piece = state.pieces[state.first]
            state.pieces[state.first] = []
            state.first += 1
            if state.first == state.pieces.count {
                state.pieces.removeAll(keepingCapacity: true)
                state.first = 0
            }
            state.bufferedBytes -= piece.count
            let asks = state.isPaused && state.bufferedBytes <= Self.capacity / 2
            if asks { state.isPaused = false }
            return (.piece(piece), asks)
        }
        if let failure = state.failure { return (.failure(failure), false) }
        if state.hasEnded { return (.piece(nil), false) }
        defer { state.isPaused = false }
        return (.wait, state.isPaused)
    }

    private func waitForPiece() async throws -> ArraySlice<UInt8>? {
        try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                let (answer, asks) = self.state.withLock { state -> (Answer, asks: Bool) in
                    guard state.reader == nil else { return (.failure(HTTPError(.internalServerError, "The body is being read already.")), false) }
                    let (answer, asks) = Self.take(&state)
                    guard case .wait = answer else { return (answer, asks) }
                    if Task.isCancelled { return (.failure(CancellationError()), asks) }
                    state.reader = continuation
                    return (.wait, asks)
                }
                if asks { self.demand() }
                switch answer {
                case .piece(let piece): continuation.resume(returning: piece)
                case .failure(let failure): continuation.resume(throwing: failure)
                case .wait: break
                }
            }
        } onCancel: {
            let reader = self.state.withLock { state in
                defer { state.reader = nil }
                return state.reader
            }
            reader?.resume(throwing: CancellationError())
        }
    }

    // MARK: The connection's side

    /// Whether a reader waits for bytes.
    var isAwaited: Bool { self.state.withLock { $0.reader != nil } }

    /// Adds a piece.
    ///
    /// - Returns: whether more may be added now; otherwise the demand is signalled later.
    func put(_ piece: ArraySlice<UInt8>) -> Bool {
        let (reader, goesOn) = self.state.withLock { state in
            if let reader = state.reader {
                state.reader = nil
                return (Optional(reader), true)
            }
            state.pieces.append(piece)
            state.bufferedBytes += piece.count
            state.isPaused = state.bufferedBytes >= Self.capacity
            return (nil, !state.isPaused)
        }
        reader?.resume(returning: piece)
        return goesOn
    }

    /// The body is over.
    func end(trailers: HeaderFields) {
        let reader = self.state.withLock { state in
            state.hasEnded = true
            state.trailers = trailers
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume(returning: nil)
    }

    /// No more will come; what has arrived can still be read.
    func fail(_ error: any Error) {
        let reader = self.state.withLock { state -> UnsafeContinuation<ArraySlice<UInt8>?, any Error>? in
            guard !state.hasEnded, state.failure == nil else { return nil }
            state.failure = error
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume(throwing: error)
    }
}
