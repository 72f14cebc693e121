public import Logging
import Synchronization

/// Keeps attributes out of stores and files, by their name or by the type of their value.
///
/// They stay in the memory of this server. Both patterns must match whole: a pattern without `.*` at its ends matches no part of a name.
///
/// Source: Tomcat's `sessionAttributeNameFilter`, `sessionAttributeValueClassNameFilter` and `warnOnSessionAttributeFilterFailure`.
public final class SessionAttributeFilter: Sendable {
    /// A pattern, and what it said of texts that it has seen: regular expressions are slow, and there are few names.
    private struct Pattern {
        let text: String
        let regex: Regex<AnyRegexOutput>
        var answers: [String: Bool] = [:]

        init?(_ text: String?, attribute: String) throws(SessionError) {
            guard let text, !text.isEmpty else { return nil }
            self.text = text
            do {
                self.regex = try Regex(text)
            } catch {
                throw SessionError(code: .illegalSetting, message: "\(attribute) is not a regular expression: \(text)")
            }
        }

        mutating func matches(_ name: String) -> Bool {
            if let answer = self.answers[name] { return answer }
            let answer = (try? self.regex.wholeMatch(in: name)) != nil
            if self.answers.count < 1000 { self.answers[name] = answer }
            return answer
        }
    }

    // Regular expressions are not Sendable; behind a lock each is used by one task at a time.
    private let names: Mutex<Pattern?>
    private let types: Mutex<Pattern?>
    private let reported = Mutex<Set<String>>([])
    private let level: Logger.Level
    private let logger: Logger

    /// A filter.
    ///
    /// - Parameters:
    ///   - names: what the name of an attribute must match; `nil` and empty for all names.
    ///   - types: what the name of a value's type must match: the Swift name with or without its module (`Shop.Cart`, `Cart`), or for simple values the name of
    ///     the Java class that holds such values (`java.lang.String`, `java.lang.Long` or `java.lang.Integer`, …); `nil` and empty for all types.
    ///   - warns: tells of an attribute that is kept out at the level warning instead of debug; once for each name.
    /// - Throws: ``SessionError/Code/illegalSetting`` for what is not a regular expression.
    public init(names: String? = nil, types: String? = nil, warns: Bool = false, logger: Logger = Logger(label: "serval.session"))
        throws(SessionError)
    {
        self.names = Mutex(try Pattern(names, attribute: "sessionAttributeNameFilter"))
        self.types = Mutex(try Pattern(types, attribute: "sessionAttributeValueClassNameFilter"))
        self.level = warns ? .warning : .debug
        self.logger = logger
    }

    /// Whether an attribute may be saved.
    ///
    /// Of values that were saved before and that no key has asked for since, only the name is looked at. What tells whose the session is has to be saved.
    func allows(_ name: String, _ content: SessionAttributeSlot.Content) -> Bool {
        if name == SessionAccount.Key.name { return true }
        if let pattern = self.names.withLock({ names in names?.matches(name) == false ? names?.text : nil }) {
            self.report(name, "Skipped session attribute named [\(name)] because it did not match the name filter [\(pattern)]")
            return false
        }
        guard case .decoded(let value, _) = content else { return true }
        let candidates = Self.typeNames(of: value)
        let refusal = self.types.withLock { types -> String? in
            for candidate in candidates where types?.matches(candidate) != false { return nil }
            return types?.text
        }
        guard let refusal else { return true }
        self.report(
            name,
            "Skipped session attribute named [\(name)] because the value type [\(candidates[0])] did not match the filter [\(refusal)]"
        )
        return false
    }

    /// The names that a value's type goes by, Swift's whole name first.
    static func typeNames(of value: any Sendable) -> [String] {
        let type = type(of: value)
        return [String(reflecting: type), String(describing: type)] + Self.javaNames(of: value)
    }

    private static func javaNames(of value: any Sendable) -> [String] {
        switch value {
        case is String: ["java.lang.String"]
        case is Bool: ["java.lang.Boolean"]
        case is Int: ["java.lang.Long", "java.lang.Integer"]
        case is Int64, is UInt, is UInt32: ["java.lang.Long"]
        case is Int32, is UInt16: ["java.lang.Integer"]
        case is Int16, is UInt8: ["java.lang.Short"]
        case is Int8: ["java.lang.Byte"]
        case is Double: ["java.lang.Double"]
        case is Float: ["java.lang.Float"]
        case is Character: ["java.lang.Character"]
        default: []
        }
    }

    private func report(_ name: String, _ message: String) {
        let isNew = self.reported.withLock { $0.count < 1000 && $0.insert(name).inserted }
        if isNew { self.logger.log(level: self.level, "\(message)") }
    }
}
