import Foundation
import Testing

/// The JDK's keytool and ours, each in a folder of its own, given the same command lines.
struct ToolPair {
    let ours = Folder()
    let theirs = Folder()

    /// Runs a line with both and expects the same streams and exit code, keys and dates masked.
    ///
    /// - Returns: What ours did.
    @discardableResult
    func compare(_ line: String, input: String = "", location: SourceLocation = #_sourceLocation) async throws -> ToolRun {
        async let first = Tool.serval.run(line, input: input, in: ours)
        async let second = Tool.jdk.run(line, input: input, in: theirs)
        let (mine, reference) = try await (first.masked, second.masked)
        #expect(mine.status == reference.status, "\(line)", sourceLocation: location)
        #expect(mine.output == reference.output, "\(line)", sourceLocation: location)
        #expect(mine.errors == reference.errors, "\(line)", sourceLocation: location)
        return mine
    }

    /// Runs a line with ours only, in both folders' stead: the store that it makes is copied to the other one.
    func make(_ store: String, _ lines: [String], location: SourceLocation = #_sourceLocation) async throws {
        for line in lines {
            let run = try await Tool.serval.run("\(line) -keystore \(store)", in: ours)
            #expect(run.status == 0, "\(line): \(run)", sourceLocation: location)
        }
        try theirs.write(bytes: Array(try ours.read(store)), to: store)
    }

    /// Has the same conversation with both, each on a terminal of its own, and expects the same screen.
    func converse(_ line: String, _ steps: [(awaited: String, typed: String)], location: SourceLocation = #_sourceLocation) async throws {
        let arguments = line.split(separator: " ").map(String.init)
        let script = steps.map { Terminal.Step(awaited: $0.awaited, typed: $0.typed) }
        async let first = Terminal.talk(to: .serval, arguments, in: ours, script)
        async let second = Terminal.talk(to: .jdk, arguments, in: theirs, script)
        let (mine, reference) = try await (first, second)
        #expect(mine.status == reference.status, "\(line)", sourceLocation: location)
        #expect(mine.screen == reference.screen, "\(line)", sourceLocation: location)
    }
}
