/// Why a connector could not start.
public struct ConnectorError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of error; compare with the static members.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// A constant word without dynamic parts, fit for a metric label.
        public let name: String
        /// The constant word.
        public var description: String { self.name }

        /// A setting has a value that cannot be used.
        public static let invalidConfiguration = Code(name: "invalid-configuration")
        /// Another socket listens on the port.
        public static let portInUse = Code(name: "port-in-use")
        /// The process may not bind the port; below 1024 that usually needs a privilege.
        public static let permissionDenied = Code(name: "permission-denied")
        /// The address does not belong to this machine or cannot be resolved.
        public static let addressUnavailable = Code(name: "address-unavailable")
        /// Binding failed for another reason.
        public static let bindFailed = Code(name: "bind-failed")
        /// The connector was started before, or stopped.
        public static let invalidState = Code(name: "invalid-state")
    }

    /// The kind of error.
    public var code: Code
    /// What happened, with address, port and cause, in one line.
    public var message: String

    /// An error of the kind `code`.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { self.message }

    /// Two errors are equal when their codes are.
    public static func == (one: Self, other: Self) -> Bool { one.code == other.code }

    /// Hashes the code.
    public func hash(into hasher: inout Hasher) { hasher.combine(self.code) }
}
