/// Hears of every change of an attribute of a context's sessions.
///
/// Every method has an empty default. The methods run on the thread that changed the attribute, after the change and without a lock; they must not block.
/// When a session ends, its attributes are removed one by one after ``HTTPSessionListener/sessionDestroyed(_:reason:)``.
/// Source: Servlet 6.1, `HttpSessionAttributeListener`.
public protocol HTTPSessionAttributeListener: Sendable {
    /// Called after an attribute was set that was not there before.
    func attributeAdded(_ event: HTTPSessionAttributeEvent)
    /// Called after an attribute got another value.
    func attributeReplaced(_ event: HTTPSessionAttributeEvent)
    /// Called after an attribute was removed, by the application or by the end of its session.
    func attributeRemoved(_ event: HTTPSessionAttributeEvent)
}

extension HTTPSessionAttributeListener {
    /// Does nothing.
    public func attributeAdded(_ event: HTTPSessionAttributeEvent) {}
    /// Does nothing.
    public func attributeReplaced(_ event: HTTPSessionAttributeEvent) {}
    /// Does nothing.
    public func attributeRemoved(_ event: HTTPSessionAttributeEvent) {}
}

/// A change of one attribute.
///
/// Source: Servlet 6.1, `HttpSessionBindingEvent`.
public struct HTTPSessionAttributeEvent: Sendable {
    /// The session whose attribute changed.
    public let session: HTTPSession
    /// The attribute's name: ``SessionAttributeKey/name``.
    public let name: String
    /// The value that was added, or that was there before it was replaced or removed; `nil` if that one was never decoded.
    public let value: (any Sendable)?
}
