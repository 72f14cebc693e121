public import ServalSessions

/// Makes a store for an application's sessions.
public typealias SessionStoreFactory = @Sendable (SessionStoreSettings) throws -> any SessionStore

/// Throws what would keep a store from being made with these attributes.
public typealias SessionStoreCheck = @Sendable (SessionStoreSettings) throws -> Void

/// What a store for sessions is made from.
public struct SessionStoreSettings: Sendable {
    /// The attributes of `<Store>`; relative paths start at the application's work directory.
    public var attributes: ComponentAttributes
    /// Names the application: `/Catalina/localhost/shop`.
    public var namespace: String
    /// The application's work directory, absolute; nobody has made it yet.
    public var workDirectory: String
    /// The server's base directory, absolute.
    public var base: String

    /// Settings.
    public init(attributes: ComponentAttributes, namespace: String, workDirectory: String, base: String) {
        self.attributes = attributes
        self.namespace = namespace
        self.workDirectory = workDirectory
        self.base = base
    }
}

struct SessionStoreRegistration: Sendable {
    var table: AttributeTable
    var check: SessionStoreCheck?
    var make: SessionStoreFactory
}
