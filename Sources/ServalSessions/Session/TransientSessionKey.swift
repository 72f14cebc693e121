/// A typed key for a value that lives only in the memory of one server: a cache, a connection, a task.
///
/// No store sees the value; it is gone after a restart, on another server, and when the session was moved out of memory. It needs no `Codable`. Source: Java's
/// `transient`.
///
/// ```swift
/// enum SearchCache: TransientSessionKey {
///     typealias Value = [String: [Hit]]
///     static let name = "searchCache"
/// }
/// ```
public protocol TransientSessionKey: Sendable {
    /// The type of the value.
    associatedtype Value: Sendable
    /// The name of the value; attributes of both kinds share their names.
    static var name: String { get }
}
