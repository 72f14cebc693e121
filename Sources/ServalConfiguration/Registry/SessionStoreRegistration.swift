public import ServalSessions

/// Makes a store for an application's sessions.
public typealias SessionStoreFactory = @Sendable (SessionStoreSettings) throws -> any SessionStore

/// Finds out what is wrong with a store's settings while configuration files are read, without making or changing anything.
///
/// Throws for what keeps the store from being used, which is told with its file and line; returns lines for what is not obeyed. It gets the settings without the
/// application: the namespace is empty, and relative paths start at the server's work directory.
public typealias SessionStoreCheck = @Sendable (SessionStoreSettings) throws -> [String]

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
