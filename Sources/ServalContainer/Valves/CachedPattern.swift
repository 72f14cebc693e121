import ServalServlet
import Synchronization

/// A regular expression for whole texts that clients send, with what it said of the last of them: matching is slow, and most clients send few texts.
final class CachedPattern: Sendable {
    private static let cacheSize = 1000

    private struct State {
        let regex: Regex<AnyRegexOutput>
        var answers: [String: Bool] = [:]
    }

    // A regular expression is not Sendable; behind the lock one task at a time uses it.
    private let state: Mutex<State>

    /// - Throws: ``ConfigurationError`` for what is not a regular expression.
    init(_ pattern: String, attribute: String) throws(ConfigurationError) {
        do {
            self.state = Mutex(State(regex: try Regex(pattern)))
        } catch {
            throw ConfigurationError(code: .invalidValue, message: "the attribute \"\(attribute)\" is not a regular expression")
        }
    }

    func matches(_ text: String) -> Bool {
        self.state.withLock { state in
            if let answer = state.answers[text] { return answer }
            let answer = (try? state.regex.wholeMatch(in: text)) != nil
            if state.answers.count >= Self.cacheSize { state.answers = [:] }
            state.answers[text] = answer
            return answer
        }
    }
}
