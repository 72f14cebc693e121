import ServalServlet

/// The conditions of a request for a file.
///
/// Source: RFC 9110 §13.
struct Preconditions {
    enum Outcome: Hashable {
        case proceed
        case notModified
        case failed
    }

    private let request: Request

    init(_ request: Request) { self.request = request }

    /// Evaluates the conditions in the order of RFC 9110 §13.2.2.
    func outcome(entityTag: String, modified: Int) -> Outcome {
        let headers = self.request.headers
        if let field = headers[.ifMatch] {
            guard Self.matches(field, entityTag, isStrong: true) else { return .failed }
        } else if let date = headers[.ifUnmodifiedSince].flatMap({ HTTPDate.seconds($0) }), modified > date {
            return .failed
        }
        let isSafe = self.request.method == .get || self.request.method == .head
        if let field = headers[.ifNoneMatch] {
            if Self.matches(field, entityTag, isStrong: false) { return isSafe ? .notModified : .failed }
        } else if isSafe, let date = headers[.ifModifiedSince].flatMap({ HTTPDate.seconds($0) }), modified <= date {
            return .notModified
        }
        return .proceed
    }

    /// Whether `If-Range` allows to answer a part.
    ///
    /// A weak tag never does; a date has to be the file's, exactly.
    func allowsRange(entityTag: String, modified: Int) -> Bool {
        guard let field = self.request.headers[.ifRange] else { return true }
        if field.hasPrefix("\"") || field.hasPrefix("W/") { return Self.matches(field, entityTag, isStrong: true) }
        return HTTPDate.seconds(field) == modified
    }

    /// Whether a list of entity tags has one that matches.
    ///
    /// Source: RFC 9110 §8.8.3.2.
    private static func matches(_ field: String, _ entityTag: String, isStrong: Bool) -> Bool {
        var rest = Substring(field).drop { $0 == " " }
        if rest == "*" { return true }
        let ownIsWeak = entityTag.hasPrefix("W/")
        let own = ownIsWeak ? entityTag.dropFirst(2) : Substring(entityTag)
        while !rest.isEmpty {
            let isWeak = rest.hasPrefix("W/")
            if isWeak { rest = rest.dropFirst(2) }
            guard rest.first == "\"", let end = rest.dropFirst().firstIndex(of: "\"") else { return false }
            if rest[...end] == own, !isStrong || (!isWeak && !ownIsWeak) { return true }
            rest = rest[rest.index(after: end)...].drop { $0 == " " || $0 == "," }
        }
        return false
    }
}

/// The content codings that a client accepts.
///
/// Source: RFC 9110 §12.5.3.
struct AcceptedCodings {
    private var weights: [String: Double] = [:]

    init(_ fields: [String]) {
        for part in fields.joined(separator: ",").split(separator: ",").prefix(32) {
            let pieces = part.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
            guard let name = pieces.first, !name.isEmpty else { continue }
            var weight = 1.0
            for piece in pieces.dropFirst() where piece.hasPrefix("q=") { weight = Double(piece.dropFirst(2)).map { min(max($0, 0), 1) } ?? 0 }
            self.weights[name == "x-gzip" ? "gzip" : name] = weight
        }
    }

    /// The place of the coding that the client likes best, the first one among equals; `nil` where it likes the plain contents better.
    func best(of codings: [String]) -> Int? {
        var best: (index: Int, weight: Double)?
        for (index, coding) in codings.enumerated() {
            let weight = self.weights[coding] ?? self.weights["*"] ?? 0
            if weight > 0, weight > best?.weight ?? 0 { best = (index, weight) }
        }
        guard let best, best.weight >= self.weights["identity"] ?? 0 else { return nil }
        return best.index
    }
}
