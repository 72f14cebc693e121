import Foundation
import HTTPTypes
import ServalServlet
import Synchronization
import TestPrograms
import Testing

@testable import ServalHTTP

/// What applications do, and what of it clients of HTTP/2 see.
@Suite struct HTTP2ApplicationTests {
    /// What the requests of one test share.
    private final class Facts: Sendable {
        let running = Atomic(0)
        let most = Atomic(0)
        let written = Atomic(0)
        let cancelled = Atomic(0)
        let isReleased = Atomic(false)
    }

    @Test(.timeLimit(.minutes(2))) func everyCase() async throws {
        let facts = Facts()
        let change = { (configuration: inout ConnectorConfiguration) in
            configuration.http2 = HTTP2Configuration()
            configuration.http2?.maxConcurrentStreamExecution = 3
            configuration.continueResponseTiming = .onRead
            configuration.maxParameterCount = 2
            configuration.maxHttpResponseHeaderSize = 60000
        }
        let handler: @Sendable (Request) async -> Response = { request in await Self.answer(request, facts) }
        try await withConnector(change, handler: handler) { _, port in
            let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            let library = folder.deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("ConformanceTests/HTTP2")
            let process = ChildProcess()
            let output = Pipe()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
            process.arguments = [folder.appendingPathComponent("application.py").path, "\(port)", library.path]
            process.standardOutput = output
            try process.run()
            let text = await withCheckedContinuation { continuation in
                DispatchQueue.global().async {
                    continuation.resume(returning: String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self))
                }
            }
            process.waitUntilExit()
            let lines = text.split(separator: "\n")
            #expect(lines.count >= 30)
            #expect(lines.filter { !$0.hasPrefix("ok ") } == [])
        }
    }

    #if os(Linux)
        @Test func filesThatAreNotInMemoryComeFromTheDisk() async throws {
            // Of the first of these files the system cannot tell whether reading it would wait.
            let small = try #require(FileManager.default.contents(atPath: "/proc/version"))
            let large = Data((0..<1_500_000).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 9) })
            let path = FileManager.default.temporaryDirectory.appendingPathComponent("serval-\(UUID().uuidString)").path
            defer { unlink(path) }
            try large.write(to: URL(fileURLWithPath: path))
            let handler: @Sendable (Request) async -> Response = { request in
                let isSmall = request.path != "/large"
                let file = OpenFile(descriptor: open(isSmall ? "/proc/version" : path, O_RDONLY | O_CLOEXEC))
                let extra = request.path == "/short" ? 1 : 0
                return Response(body: .file(file, offset: 3, length: (isSmall ? small : large).count - 3 + extra))
            }
            try await withConnector({ $0.http2 = HTTP2Configuration() }, handler: handler) { _, port in
                for (path, expected) in [("small", small[3...]), ("large", large[3...]), ("short", nil)] {
                    let process = ChildProcess()
                    let output = Pipe()
                    process.executableURL = URL(fileURLWithPath: "/usr/bin/curl")
                    process.arguments = ["-s", "-m", "60", "--http2-prior-knowledge", "http://127.0.0.1:\(port)/\(path)"]
                    process.standardOutput = output
                    try process.run()
                    let received = await withCheckedContinuation { continuation in
                        DispatchQueue.global().async { continuation.resume(returning: output.fileHandleForReading.readDataToEndOfFile()) }
                    }
                    process.waitUntilExit()
                    if let expected { #expect(received == expected) }
                    #expect((process.terminationStatus == 0) == (expected != nil))
                }
            }
        }
    #endif

    private static func answer(_ request: Request, _ facts: Facts) async -> Response {
        switch request.path {
        case "/trailers-out":
            return Response(
                body: .stream { writer in
                    try await writer.write("body")
                    return [.init("x-checksum") ?? .cookie: "1", .contentLength: "9"]
                }
            )
        case "/close-field": return Response(headers: [.connection: "close"])
        case "/held":
            while !facts.isReleased.load(ordering: .relaxed), !Task.isCancelled { try? await Task.sleep(for: .milliseconds(10)) }
            return await application(request, as: "/collect")
        case "/release":
            facts.isReleased.store(true, ordering: .relaxed)
            return Response()
        case "/endless":
            return Response(
                body: .stream { writer in
                    while true {
                        try await writer.write([UInt8](repeating: 0x61, count: 10000))
                        facts.written.add(10000, ordering: .relaxed)
                    }
                }
            )
        case "/written": return .text("\(facts.written.load(ordering: .relaxed))")
        case "/parallel":
            let running = facts.running.add(1, ordering: .relaxed).newValue
            facts.most.max(running, ordering: .relaxed)
            try? await Task.sleep(for: .milliseconds(30))
            facts.running.subtract(1, ordering: .relaxed)
            return .text("\(facts.most.load(ordering: .relaxed))")
        case "/sleep":
            do { try await Task.sleep(for: .seconds(60)) } catch { facts.cancelled.add(1, ordering: .relaxed) }
            return Response()
        case "/cancelled": return .text("\(facts.cancelled.load(ordering: .relaxed))")
        case "/task": return .text("\(Task.isCancelled)")
        case "/form": return .text("\(await self.formStatus(request))")
        default: return await self.oddAnswer(request)
        }
    }

    private static func formStatus(_ request: Request) async -> Int {
        do {
            _ = try await request.form()
            return 200
        } catch {
            return (error as? HTTPError)?.status.code ?? 500
        }
    }

    /// Answers with something wrong.
    private static func oddAnswer(_ request: Request) async -> Response {
        let name = HTTPField.Name("x-control") ?? .cookie
        switch request.path {
        case "/throws":
            return Response(
                body: .stream { writer in
                    try await writer.write("begun")
                    throw HTTPError(.internalServerError)
                }
            )
        case "/too-short":
            return Response(
                body: .stream(length: 10) { writer in
                    try await writer.write("five!")
                    return nil
                }
            )
        case "/too-long":
            return Response(
                body: .stream(length: 3) { writer in
                    try await writer.write("five!")
                    return nil
                }
            )
        case "/large-head": return Response(headers: [name: String(repeating: "a", count: 70000)])
        case "/large-stream-head": return Response(headers: [name: String(repeating: "a", count: 70000)], body: .stream { _ in nil })
        case "/big-head", "/big-stream-head":
            var headers: HeaderFields = [name: String(repeating: "a", count: Int(request.query ?? "") ?? 0)]
            headers.append(.setCookie, "first=1")
            headers.append(.setCookie, String(repeating: "\u{e4}", count: 300))
            let body = "body of " + (request.query ?? "")
            return Response(
                .init(code: 418),
                headers: headers,
                body: request.path == "/big-head"
                    ? .bytes(Array(body.utf8))
                    : .stream { writer in
                        try await writer.write(body)
                        return [name: String(repeating: "t", count: 50000)]
                    }
            )
        case "/large-trailers": return Response(body: .stream { _ in [name: String(repeating: "a", count: 70000)] })
        case "/odd-head": return Response(headers: [name: String(repeating: "\\", count: 15000)])
        case "/odd-trailers": return Response(body: .stream { _ in [name: String(repeating: "\\", count: 15000)] })
        case "/interim": return Response(.continue)
        case "/control": return Response(headers: [name: "\ra\r\nb\0c "])
        default: return await application(request)
        }
    }
}
