import Foundation
import Logging
import ServalObservability
import Testing

/// Collects what is written to a pipe.
private final class Pipe {
    private var descriptors: [Int32] = [0, 0]
    let writer: LogWriter

    init() throws {
        guard pipe(&self.descriptors) == 0 else { throw POSIXError(.EIO) }
        self.writer = LogWriter(descriptor: self.descriptors[1])
    }

    /// Everything that was written; no more can be.
    func lines() -> [String] {
        close(self.descriptors[1])
        let handle = FileHandle(fileDescriptor: self.descriptors[0], closeOnDealloc: true)
        return String(decoding: handle.readDataToEndOfFile(), as: UTF8.self).split(separator: "\n").map(String.init)
    }
}

@Suite struct LogHandlerTests {
    private func lines(_ format: LogFormat, level: Logger.Level? = .trace, _ body: (inout Logger) -> Void) throws -> [String] {
        let pipe = try Pipe()
        var logger = Logger(label: "serval.connector") { label in ServalLogHandler(label: label, format: format, level: level, writer: pipe.writer) }
        body(&logger)
        return pipe.lines()
    }

    @Test func textIsLikeTomcats() throws {
        let lines = try self.lines(.text) {
            $0.info("started", metadata: ["port": "8080", "name": "a b", "empty": "", "host": ["x": "1", "y": ["2", "3"]]])
        }
        let pattern =
            /\d\d-[A-Z][a-z][a-z]-\d\d\d\d \d\d:\d\d:\d\d\.\d\d\d INFO serval\.connector started empty="" host\.x=1 host\.y="\[2, 3\]" name="a b" port=8080/
        #expect(lines.count == 1)
        #expect(lines.first?.wholeMatch(of: pattern) != nil, "\(lines)")
    }

    @Test func jsonIsOneFlatObjectALine() throws {
        struct Failure: Error {}
        let lines = try self.lines(.json) { logger in
            logger[metadataKey: "level"] = "mine"
            logger.warning("say \"hi\"\n", error: Failure(), metadata: ["host": ["name": "_default_"]])
        }
        #expect(lines.count == 1)
        let object = try JSONSerialization.jsonObject(with: Data(try #require(lines.first).utf8)) as? [String: String]
        #expect(object?["level"] == "warning")
        #expect(object?["_level"] == "mine")
        #expect(object?["logger"] == "serval.connector")
        #expect(object?["msg"] == "say \"hi\"\n")
        #expect(object?["host.name"] == "_default_")
        #expect(object?["error"] == "Failure()")
        #expect(object?["ts"]?.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z/) != nil)
    }

    @Test(arguments: LogFormat.allCases)
    func nobodyCanForgeLines(_ format: LogFormat) throws {
        let evil = "x\n21-Nov-2026 INFO forged\r\u{1B}[31m\u{85}\u{2028}\u{202E}\u{0}\" level=error"
        let lines = try self.lines(format) { $0.info("\(evil)", metadata: ["key": "\(evil)", "k\ney": "v"]) }
        #expect(lines.count == 1)
        for scalar in ["\r", "\u{1B}", "\u{85}", "\u{2028}", "\u{202E}", "\u{0}"] {
            #expect(!(lines.first ?? scalar).unicodeScalars.contains(Unicode.Scalar(scalar) ?? " "))
        }
        if format == .json { #expect((try JSONSerialization.jsonObject(with: Data((lines.first ?? "").utf8)) as? [String: String])?["key"] == evil) }
    }

    @Test(arguments: LogFormat.allCases)
    func secretsAreNotWritten(_ format: LogFormat) throws {
        let lines = try self.lines(format) { logger in
            logger.info(
                "GET /a;JSESSIONID=0123456789ABCDEF.n1?x=1",
                metadata: [
                    "user": .attributed("TOPSECRET", attributes: [Sensitivity.sensitive]), "keystore.password": "TOPSECRET",
                    "Set-Cookie": "TOPSECRET",
                    "nested": ["certificateKeyPassword": "TOPSECRET"], "list": [["authorization": "TOPSECRET"]],
                    "cookie": .attributed("shown", attributes: [Sensitivity.notSensitive]), "path": "/b;jsessionid=0123456789ABCDEF/c",
                ]
            )
        }
        let line = try #require(lines.first)
        #expect(!line.contains("TOPSECRET"), "\(line)")
        #expect(!line.contains("0123456789ABCDEF"))
        #expect(line.contains("shown"))
        #expect(line.contains(";jsessionid=<redacted>/c"))
        #expect(line.contains("?x=1"))
    }

    @Test func sessionIDsUnderOtherNamesAreNotWritten() throws {
        let lines = try self.lines(.text) { $0.info("/a;SID=0123456789abcdef0123.node1/b;x=1;JSESSIONID=12;S-I_D=ABCDEFGHIJKLMNOP?q;=y;") }
        let line = try #require(lines.first)
        #expect(line.contains("/a;SID=<redacted>/b;x=1;JSESSIONID=<redacted>;S-I_D=<redacted>?q;=y;"), "\(line)")
    }

    @Test func levelsFilter() throws {
        #expect(
            try self.lines(.text, level: .warning) {
                $0.info("no"); $0.warning("yes")
            }.count == 1
        )
        #expect(try self.lines(.text, level: nil) { $0.critical("no") }.isEmpty)
        #expect(
            try self.lines(.text, level: nil) {
                $0.logLevel = .info; $0.info("yes")
            }.count == 1
        )
    }

    @Test func longTextIsCut() throws {
        let lines = try self.lines(.text) { $0.info("\(String(repeating: "x", count: 1_000_000))") }
        #expect((lines.first?.utf8.count ?? 0) < 10_000)
    }

    /// Many threads at once: each line stays whole, and none is lost.
    @Test func linesStayWhole() async throws {
        let base = try TemporaryBase()
        let path = base.path + "/log"
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        let writer = LogWriter(descriptor: descriptor)
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for number in 0..<500 { writer.write("<\(task) \(number) \(String(repeating: "x", count: 100))>") }
                }
            }
        }
        close(descriptor)
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 4000)
        #expect(lines.allSatisfy { $0.wholeMatch(of: /<\d \d+ x{100}>/) != nil })
    }
}
