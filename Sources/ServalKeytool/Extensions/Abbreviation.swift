/// The JDK's way of shortening words: the first letters (`dig`) or the capitals (`dS`) of `digitalSignature`.
enum Abbreviation {
    /// The index of the one word that is meant, nil if none is.
    ///
    /// The whole word is tried first, then its beginning and its capitals as written, then both without regard to case.
    /// - Parameter hidden: How many words at the end give way to the others and are not named in messages.
    static func match(_ abbreviation: String, in words: [String], hidden: Int = 0) throws -> Int? {
        if let whole = words.firstIndex(of: abbreviation) { return whole }
        let exact = try single(abbreviation, in: words, hidden: hidden) { $0.hasPrefix(abbreviation) || capitals(of: $0) == abbreviation }
        if let exact { return exact }
        let wanted = abbreviation.lowercased()
        return try single(abbreviation, in: words, hidden: hidden) {
            $0.lowercased().hasPrefix(wanted) || capitals(of: $0).lowercased() == wanted
        }
    }

    private static func single(_ abbreviation: String, in words: [String], hidden: Int, where matches: (String) -> Bool) throws -> Int? {
        let found = words.indices.filter { matches(words[$0]) }
        let shown = found.filter { $0 < words.count - hidden }
        if found.count <= 1 || shown.count == 1 { return shown.first ?? found.first }
        throw Failure.error("command \(abbreviation) is ambiguous:\n     \(shown.map { words[$0] }.joined(separator: " "))")
    }

    private static func capitals(of word: String) -> String {
        String(word.enumerated().filter { $0.offset == 0 || !($0.element.isASCII && $0.element.isLowercase) }.map(\.element))
    }
}
