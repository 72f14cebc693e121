import ServalKeyStore
import X509

/// The questions about the certificate's owner that `-genkeypair` asks when there is no `-dname`.
struct NameQuestions {
    let console: Console

    private static let questions: [(keyword: String, text: String)] = [
        ("CN", "What is your first and last name?"),
        ("OU", "What is the name of your organizational unit?"),
        ("O", "What is the name of your organization?"),
        ("L", "What is the name of your City or Locality?"),
        ("ST", "What is the name of your State or Province?"),
        ("C", "What is the two-letter country code for this unit?"),
    ]

    /// Asks until the person agrees with the name; what was answered before is the default of the next round.
    ///
    /// - Throws: After 21 rounds.
    func ask() throws -> DistinguishedName {
        var answers = Self.questions.map { _ in "Unknown" }
        for _ in 0...20 {
            for (index, question) in Self.questions.enumerated() {
                answers[index] = answer(question.text, default: answers[index])
            }
            let name = try Self.name(answers)
            let agreement = answer("Is \(name.dname) correct?", default: "no").lowercased()
            if agreement == "yes" || agreement == "y" {
                console.print(error: "")
                return name
            }
        }
        throw Failure.tooManyRetries
    }

    private func answer(_ question: String, default value: String) -> String {
        guard let line = console.ask("\(question)\n  [\(value)]:  "), !line.isEmpty else { return value }
        return line
    }

    /// Quoted, because an answer is taken as it is: a comma in it separates nothing.
    private static func name(_ answers: [String]) throws -> DistinguishedName {
        let parts = zip(questions, answers).map { question, answer in
            let escaped = answer.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : String($0) }.joined()
            return "\(question.keyword)=\"\(escaped)\""
        }
        return try .argument(parts.joined(separator: ", "))
    }
}
