/// What is wrong with a page, and where.
public struct PageError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file, as a path within the web application: `/shop/list.mustache`.
    public var file: String
    /// The line, counted from 1; `nil` where the file as a whole is meant.
    public var line: Int?
    /// The cause, in words.
    public var message: String

    init(file: String, line: Int? = nil, message: String) {
        self.file = file
        self.line = line
        self.message = message
    }

    /// File, line and cause.
    public var description: String { self.line.map { "\(self.file):\($0): \(self.message)" } ?? "\(self.file): \(self.message)" }
}
