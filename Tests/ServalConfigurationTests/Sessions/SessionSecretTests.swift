import Foundation
import Logging
import ServalServlet
import Synchronization
import Testing

@testable import ServalConfiguration

/// Who may touch the file with the secret of sessions.
@Suite("The file with the secret of sessions")
struct SessionSecretTests {
    private final class Lines: Sendable {
        let all = Mutex<[String]>([])
        var logger: Logger { Logger(label: "test") { _ in Handler(lines: self) } }

        private struct Handler: LogHandler {
            let lines: Lines
            var metadata: Logger.Metadata = [:]
            var logLevel = Logger.Level.trace
            subscript(metadataKey key: String) -> Logger.Metadata.Value? {
                get { self.metadata[key] }
                set { self.metadata[key] = newValue }
            }
            func log(event: LogEvent) { self.lines.all.withLock { $0.append("\(event.level): \(event.message)") } }
        }
    }

    @Test(
        "A file that everybody may write is refused; one that everybody may read is told of",
        arguments: [0o600, 0o640, 0o644, 0o646, 0o666, 0o602]
    )
    func access(mode: Int) throws {
        let base = try TemporaryBase(["conf/key": String(repeating: "ab", count: 32) + "\n"])
        let path = base.path + "/conf/key"
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        let lines = Lines()
        if mode & 0o002 != 0 {
            let error = #expect(throws: ConfigurationError.self) { try SessionSecret(path: path).load(logger: lines.logger) }
            #expect(error?.message.contains("everybody may write the file [\(path)]") == true)
        } else {
            #expect(try SessionSecret(path: path).load(logger: lines.logger).count == 32)
            let warnings = lines.all.withLock { $0 }
            #expect(warnings.count == (mode & 0o004 == 0 ? 0 : 1))
            #expect(warnings.allSatisfy { $0.hasPrefix("warning: everybody may read the file [\(path)]") })
        }
    }
}
