/// An error in the way an application or a server is put together.
public struct ConfigurationError: Error, Hashable, CustomStringConvertible {
    /// What kind of error it is.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private let name: String
        private init(_ name: String) { self.name = name }
        /// The tracking modes contradict each other.
        public static let incompatibleTrackingModes = Self("incompatibleTrackingModes")
        /// The application is running already.
        public static let alreadyStarted = Self("alreadyStarted")
        /// A name is in use already.
        public static let duplicateName = Self("duplicateName")
        /// A servlet, filter or application of this name is not known.
        public static let unknownName = Self("unknownName")
        /// A URL pattern is not legal.
        public static let invalidPattern = Self("invalidPattern")
        /// A value is not legal.
        public static let invalidValue = Self("invalidValue")
        /// The name of the code.
        public var description: String { self.name }
    }

    /// What kind of error it is.
    public var code: Code
    /// What is wrong, in words.
    public var message: String

    /// An error.
    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }

    /// Errors are equal when their codes are.
    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }
    /// Hashes the code.
    public func hash(into hasher: inout Hasher) { hasher.combine(self.code) }
    /// The message.
    public var description: String { self.message }
}
