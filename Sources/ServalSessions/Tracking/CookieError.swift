/// Why a cookie, or the settings of one, cannot work.
public struct CookieError: Error, Hashable, CustomStringConvertible {
    /// What is wrong, for code that has to decide what to do.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        enum Base: String, Hashable, Sendable { case illegalName, illegalValue, illegalAttribute, contradiction }
        let base: Base
        /// The name is not a token.
        public static let illegalName = Self(base: .illegalName)
        /// The value has a character that no cookie may have.
        public static let illegalValue = Self(base: .illegalValue)
        /// An attribute has a name or a value that it may not have.
        public static let illegalAttribute = Self(base: .illegalAttribute)
        /// Two settings exclude each other; browsers would ignore the cookie.
        public static let contradiction = Self(base: .contradiction)
        /// The name of the code.
        public var description: String { self.base.rawValue }
    }

    /// What is wrong.
    public var code: Code
    /// What is wrong and what to do, in plain words; never holds the cookie's value.
    public var message: String

    /// An error with a code and an explanation.
    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }

    /// Code and message in one line.
    public var description: String { "CookieError.\(self.code): \(self.message)" }
}
