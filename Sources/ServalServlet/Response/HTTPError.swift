/// An error that answers the request with a status.
///
/// Thrown by a servlet or filter; the container turns it into an error page. Other errors answer 500 and are logged.
public struct HTTPError: Error, Hashable, CustomStringConvertible {
    /// The status of the answer.
    public var status: HTTPResponse.Status
    /// What the error page may tell the client; never internals.
    public var message: String?

    /// An error that answers with `status`.
    public init(_ status: HTTPResponse.Status, _ message: String? = nil) {
        self.status = status
        self.message = message
    }

    /// The status and the message.
    public var description: String { "\(self.status)" + (self.message.map { ": \($0)" } ?? "") }
}
