import Glibc

/// The tool's three streams.
///
/// Results go to standard output, and everything a person is told or asked to standard error. Standard output is collected and written in one piece
/// before each prompt, so that what has to be judged is on the screen when the question comes.
final class Console {
    private var pending: [UInt8] = []
    /// Why a part of the result could not be written, such as a full disk; nil while all is well, and when nobody reads any more.
    private(set) var outputFailure: String?

    /// Prints a line of the result.
    func print(_ line: String = "") {
        print(text: line + "\n")
    }

    /// Prints a part of the result that brings its line ends along.
    func print(text: String) {
        pending += Array(Self.harmless(text).utf8)
        if pending.count > 1 << 16 { flush() }
    }

    /// Prints bytes of the result as they are.
    func print(bytes: [UInt8]) {
        pending += bytes
    }

    /// Prints a line for the person, with or without its line feed.
    func print(error line: String, terminator: String = "\n") {
        flush()
        Self.write(Array((Self.harmless(line) + terminator).utf8), to: STDERR_FILENO)
    }

    /// Writes what standard output still waits for.
    func flush() {
        if let reason = Self.write(pending, to: STDOUT_FILENO), reason != EPIPE { outputFailure = String(cString: strerror(reason)) }
        pending.removeAll(keepingCapacity: true)
    }

    /// Asks for a line of text.
    ///
    /// - Returns: The line without its end, or nil at the end of the input. A line longer than 64 KiB is cut there.
    func ask(_ prompt: String, terminator: String = "") -> String? {
        print(error: prompt, terminator: terminator)
        return Self.readLine(from: STDIN_FILENO)
    }

    /// Asks for a password: without echo when standard input is a terminal, else the next line of it.
    ///
    /// - Returns: The password, or nil for an empty line or the end of the input.
    func askPassword(_ prompt: String, terminator: String = "") -> String? {
        print(error: prompt, terminator: terminator)
        let line: String?
        if let silence = TerminalSilence(descriptor: STDIN_FILENO) {
            line = Self.readLine(from: STDIN_FILENO)
            silence.end()
            print(error: "")
        } else {
            line = Self.readLine(from: STDIN_FILENO)
        }
        return line.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Asks a question that defaults to no, until the answer is one.
    ///
    /// - Throws: After 21 answers that mean nothing.
    func confirm(_ question: String) throws -> Bool {
        for _ in 0...20 {
            switch ask(question)?.lowercased() {
            case nil, "", "n", "no": return false
            case "y", "yes": return true
            default: print(error: "Wrong answer, try again")
            }
        }
        throw Failure.tooManyRetries
    }

    /// Whether a person types the answers.
    var isTerminal: Bool { isatty(STDIN_FILENO) == 1 }

    /// Everything that is left on standard input, up to a limit.
    func readAll(limit: Int) throws -> [UInt8] {
        try InputFile.read(descriptor: STDIN_FILENO, name: "standard input", limit: limit)
    }

    /// Reads one byte at a time: what follows the line belongs to the next prompt.
    private static func readLine(from descriptor: Int32) -> String? {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        var isAtEnd = false
        while true {
            let count = read(descriptor, &byte, 1)
            if count < 0, errno == EINTR { continue }
            guard count == 1 else {
                isAtEnd = true
                break
            }
            if byte == UInt8(ascii: "\n") { break }
            if line.count < 1 << 16 { line.append(byte) }
        }
        if isAtEnd, line.isEmpty { return nil }
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        return String(decoding: line, as: UTF8.self)
    }

    /// Aliases and names come from files of others, and must not be able to command the terminal: control characters are shown as question marks.
    private static func harmless(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { result.append(isControl(scalar) ? "?" : scalar) }
        return String(result)
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A: false
        case 0...0x1F, 0x7F...0x9F: true
        default: false
        }
    }

    /// - Returns: The error, nil if all was written.
    @discardableResult
    private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Int32? {
        var start = 0
        while start < bytes.count {
            let count = bytes[start...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return count < 0 ? errno : EIO }
            start += count
        }
        return nil
    }
}

extension Failure {
    /// A question has been answered wrongly too often.
    static let tooManyRetries = Failure.exception(javaClass: "java.lang.RuntimeException", message: "Too many retries, program terminated")
}
