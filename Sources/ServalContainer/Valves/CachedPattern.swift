import ServalServlet
import Synchronization

/// A regular expression for whole texts that clients send, with what it said of the last of them: matching is slow, and most clients send few texts.
///
/// Texts of more than ``lengthLimit`` bytes match nothing: matching takes time in proportion to the length at best, on the request's thread.
final class CachedPattern: Sendable {
    /// The longest text that is looked at, in bytes.
    static let lengthLimit = 1024

    private static let cacheSize = 1000

    /// A regular expression that one task at a time uses.
    // Not Sendable by itself: what the library keeps in it is not documented to be safe. Whoever matches has taken it out of the pool and is alone with it.
    private struct Matcher: @unchecked Sendable {
        let regex: Regex<AnyRegexOutput>
    }

    private struct State: Sendable {
        /// Those that nobody uses at the moment; as many as have been in use at once.
        var matchers: [Matcher]
        var answers: [String: Bool] = [:]
    }

    private let pattern: String
    private let state: Mutex<State>

    /// - Throws: ``ConfigurationError`` for what is not a regular expression.
    init(_ pattern: String, attribute: String) throws(ConfigurationError) {
        guard let matcher = Self.matcher(pattern) else {
            throw ConfigurationError(code: .invalidValue, message: "the attribute \"\(attribute)\" is not a regular expression")
        }
        self.pattern = pattern
        self.state = Mutex(State(matchers: [matcher]))
    }

    /// By scalars, as Java does nearly: a letter with a combining mark behind it still is that letter.
    private static func matcher(_ pattern: String) -> Matcher? {
        (try? Regex(pattern)).map { Matcher(regex: $0.matchingSemantics(.unicodeScalar)) }
    }

    /// Whether the whole text matches; the lock is free while it is matched.
    func matches(_ text: String) -> Bool {
        guard text.utf8.count <= Self.lengthLimit else { return false }
        let (answer, free): (Bool?, Matcher?) = self.state.withLock { state in
            if let answer = state.answers[text] { return (answer, nil) }
            return (nil, state.matchers.popLast())
        }
        if let answer { return answer }
        // The pattern was read once already.
        guard let matcher = free ?? Self.matcher(self.pattern) else { return false }
        let isMatch = (try? matcher.regex.wholeMatch(in: text)) != nil
        self.state.withLock { state in
            state.matchers.append(matcher)
            if state.answers.count >= Self.cacheSize { state.answers = [:] }
            state.answers[text] = isMatch
        }
        return isMatch
    }
}
