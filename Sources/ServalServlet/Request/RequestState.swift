package import HTTPTypes
import Synchronization

/// What all copies of one request share.
package final class RequestState: Sendable {
    struct Shared: Sendable {
        var attributes: [String: any Sendable]?
        var authentication: Authentication?
        var form: [(name: String, value: String)]?
        var completions: [@Sendable (RequestCompletion) -> Void]?
        /// The access log's, as a rule; an object needs no context of its own, as closures do.
        var observer: (any RequestObserver)?
        /// How the request has ended.
        var completion: RequestCompletion?
    }

    package let head: ReceivedHead
    /// The method as received.
    package let method: HTTPRequest.Method
    /// The body as received.
    package let body: RequestBody
    package let connection: ConnectionInfo
    /// When the first byte of the request was read, in nanoseconds of the monotonic clock.
    package let startNanoseconds: UInt64
    let shared = Mutex(Shared())

    package init(head: ReceivedHead, method: HTTPRequest.Method, body: consuming RequestBody, connection: ConnectionInfo, startNanoseconds: UInt64) {
        self.head = head
        self.method = method
        self.body = body
        self.connection = connection
        self.startNanoseconds = startNanoseconds
    }

    /// Calls `body` once when the last byte of the response was handed to the socket, or the connection broke; at once if that has happened already: the client
    /// may go away while the request is worked on.
    package func onCompletion(_ body: @escaping @Sendable (RequestCompletion) -> Void) {
        let completion = self.shared.withLock { shared in
            if shared.completion == nil { shared.completions = (shared.completions ?? []) + [body] }
            return shared.completion
        }
        if let completion { body(completion) }
    }

    /// Tells `observer` once when the last byte of the response was handed to the socket, or the connection broke; after ``onCompletion(_:)``'s.
    ///
    /// At once if that has happened already.
    package func onCompletion(_ observer: any RequestObserver) {
        let (isTaken, completion) = self.shared.withLock { shared in
            guard shared.completion == nil, shared.observer == nil else { return (true, shared.completion) }
            shared.observer = observer
            return (false, nil)
        }
        if let completion { observer.requestEnded(completion) } else if isTaken { self.onCompletion { observer.requestEnded($0) } }
    }

    /// Called once by the connector.
    package func complete(_ completion: RequestCompletion) {
        let (completions, observer) = self.shared.withLock { shared in
            defer {
                shared.completions = nil
                shared.observer = nil
                shared.completion = shared.completion ?? completion
            }
            return (shared.completions, shared.observer)
        }
        if let completions {
            for body in completions { body(completion) }
        }
        observer?.requestEnded(completion)
    }
}

/// Hears of the end of a request.
package protocol RequestObserver: AnyObject, Sendable {
    /// Called once.
    func requestEnded(_ completion: RequestCompletion)
}

/// How a request ended, for logs and metrics.
package struct RequestCompletion: Sendable {
    /// The status that was sent; 0 if the connection broke before.
    package var status: Int
    /// The bytes of the body that were sent, without framing.
    package var bodyBytes: Int
    /// From the first byte read to the last byte written.
    package var nanoseconds: UInt64
    /// Whether the whole response was sent.
    package var isComplete: Bool

    package init(status: Int, bodyBytes: Int, nanoseconds: UInt64, isComplete: Bool) {
        self.status = status
        self.bodyBytes = bodyBytes
        self.nanoseconds = nanoseconds
        self.isComplete = isComplete
    }
}
