/// The body of a request, received piece by piece.
///
/// Reading pulls: the connection reads from its socket only as fast as the pieces are taken. A body can be read once.
public struct RequestBody: Sendable, AsyncSequence {
    /// A piece of the body, never empty.
    public typealias Element = ArraySlice<UInt8>

    enum Storage: Sendable {
        case bytes([UInt8])
        case source(any RequestBodySource)
        case stream(AsyncThrowingStream<ArraySlice<UInt8>, any Error>)
    }

    let storage: Storage

    init(storage: Storage) { self.storage = storage }

    /// A body from a connection.
    package init(source: any RequestBodySource) { self.storage = .source(source) }

    /// No body.
    public static var empty: Self { .init(storage: .bytes([])) }

    /// A body that is already there.
    public static func bytes(_ bytes: [UInt8]) -> Self { .init(storage: .bytes(bytes)) }

    /// A body from a stream of pieces, for filters that change it and for tests.
    public static func stream(_ pieces: AsyncThrowingStream<ArraySlice<UInt8>, any Error>) -> Self { .init(storage: .stream(pieces)) }

    /// Whether it is known that there is no body.
    public var isEmpty: Bool {
        if case .bytes(let bytes) = self.storage { return bytes.isEmpty }
        return false
    }

    /// The whole body.
    ///
    /// - Parameter limit: the most bytes to keep in memory.
    /// - Throws: ``HTTPError`` 413 over the limit, 400 for a body that ends early.
    public func collect(upTo limit: Int) async throws -> [UInt8] {
        if case .bytes(let bytes) = self.storage {
            guard bytes.count <= limit else { throw HTTPError(.contentTooLarge) }
            return bytes
        }
        var collected: [UInt8] = []
        for try await piece in self {
            guard collected.count + piece.count <= limit else { throw HTTPError(.contentTooLarge) }
            collected += piece
        }
        return collected
    }

    /// Goes through the pieces of the body.
    public struct AsyncIterator: AsyncIteratorProtocol {
        private enum Rest {
            case bytes([UInt8])
            case source(any RequestBodySource)
            case stream(AsyncThrowingStream<ArraySlice<UInt8>, any Error>.AsyncIterator)
        }

        private var rest: Rest

        init(_ storage: Storage) {
            switch storage {
            case .bytes(let bytes): self.rest = .bytes(bytes)
            case .source(let source): self.rest = .source(source)
            case .stream(let stream): self.rest = .stream(stream.makeAsyncIterator())
            }
        }

        /// The next piece, or `nil` at the end.
        public mutating func next() async throws -> ArraySlice<UInt8>? {
            switch self.rest {
            case .bytes(let bytes):
                self.rest = .bytes([])
                return bytes.isEmpty ? nil : bytes[...]
            case .source(let source):
                return try await source.next()
            case .stream(var iterator):
                defer { self.rest = .stream(iterator) }
                return try await iterator.next(isolation: #isolation)
            }
        }
    }

    /// An iterator over the pieces.
    public func makeAsyncIterator() -> AsyncIterator { .init(self.storage) }

    /// The trailer fields that followed the body, once its end was reached.
    public var trailers: HeaderFields {
        if case .source(let source) = self.storage { return source.trailers }
        return HeaderFields()
    }
}

/// Where the pieces of a request body come from.
package protocol RequestBodySource: AnyObject, Sendable {
    /// The next piece, never empty, or `nil` at the end.
    func next() async throws -> ArraySlice<UInt8>?
    /// The trailer fields, once the end was reached.
    var trailers: HeaderFields { get }
}
