import ServalServlet

/// What an error that was thrown on the way of a request means for its answer.
struct RequestFailure {
    let status: HTTPResponse.Status
    /// What the client may read.
    let message: String?
    /// Whether the error is news for the operator.
    let isUnexpected: Bool
    /// After how many seconds the client may try again; `nil` where nobody knows.
    private(set) var retryAfter: Int?

    init(_ error: any Error) {
        switch error {
        case let error as HTTPError:
            self.status = error.status
            self.message = error.message
            self.isUnexpected = false
        case let error as SessionError where error.code == .storeUnavailable:
            self.status = .serviceUnavailable
            self.message = nil
            // The session manager tells when its store fails and when it is back; a line for each request besides would fill the disk.
            self.isUnexpected = false
            self.retryAfter = 1
        default:
            self.status = .internalServerError
            self.message = nil
            self.isUnexpected = true
        }
    }
}

/// Text from outside in log lines.
enum LogText {
    /// `text` with control characters escaped, so that it cannot begin a line of its own; at most 1024 characters.
    static func escaped(_ text: String) -> String {
        let isPlain = text.utf8.count <= 1024 && text.unicodeScalars.allSatisfy { !Self.isControl($0) }
        if isPlain { return text }
        var escaped = ""
        for scalar in text.unicodeScalars.prefix(1024) {
            if Self.isControl(scalar) {
                escaped += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || (0x2028...0x202E).contains(scalar.value)
            || (0x2066...0x2069).contains(scalar.value)
    }
}
