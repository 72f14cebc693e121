/// Why a server did not start: every problem that was found, one line each.
public struct ServerStartError: Error, Hashable, CustomStringConvertible {
    /// The problems, each with the path, port or name it is about.
    public var problems: [String]

    /// An error of these problems.
    public init(problems: [String]) { self.problems = problems }

    /// The problems, a line each.
    public var description: String { self.problems.joined(separator: "\n") }
}
