/// The JDK's way of shortening words in `-ext` values: the first letters (`dig`) or the capitals (`dS`) of `digitalSignature`.
enum Abbreviation {
    /// The index of the one word that is meant, nil if none is.
    static func match(_ abbreviation: String, in words: [String]) throws -> Int? {
        let wanted = abbreviation.lowercased()
        guard !wanted.isEmpty else { return nil }
        var matches: [Int] = []
        for (index, word) in words.enumerated() {
            if word.lowercased() == wanted { return index }
            if word.lowercased().hasPrefix(wanted) || capitals(of: word) == wanted { matches.append(index) }
        }
        guard matches.count <= 1 else {
            throw Failure.error("command \(abbreviation) is ambiguous:\n\(matches.map { words[$0] }.joined(separator: " "))")
        }
        return matches.first
    }

    private static func capitals(of word: String) -> String {
        String(word.enumerated().filter { $0.offset == 0 || $0.element.isUppercase }.map(\.element)).lowercased()
    }
}
