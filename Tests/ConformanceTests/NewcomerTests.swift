import Foundation
import Testing

/// What the README promises to somebody who has just cloned the project.
@Suite struct NewcomerTests {
    @Test("E17 E19: the start page by https, and visits are counted")
    func httpsShowsTheStartPageAndCountsVisits() async throws {
        let server = try await ServalProcess.start()
        let page = try await server.curl("/")
        #expect(page.exitCode == 0, "\(page.errors)")
        #expect(page.output.contains("<html"))
        #expect(page.output.contains("Serval"))

        let jar = server.base.path + "/cookies"
        var counts: [String] = []
        for _ in 1...3 {
            let answer = try await server.curl("/examples/session", ["-c", jar, "-b", jar])
            counts.append(answer.output.trimmingCharacters(in: .whitespacesAndNewlines))
        }
        #expect(counts == ["1", "2", "3"])
    }

    @Test func tlsFactsAreTold() async throws {
        let server = try await ServalProcess.start()
        let answer = try await server.curl("/examples/tls")
        let facts = try #require(try JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [String: Any])
        #expect(facts["scheme"] as? String == "https")
        #expect(facts["secure"] as? Bool == true)
        #expect((facts["protocol"] as? String)?.hasPrefix("TLSv1.") == true)
        #expect((facts["cipher"] as? String)?.hasPrefix("TLS_") == true)
        #expect((facts["sslSessionId"] as? String)?.isEmpty == false)
        #expect(facts["sni"] as? String == "localhost")

        let plain = try await server.curl("/examples/tls", kind: "http")
        let plainFacts = try #require(try JSONSerialization.jsonObject(with: Data(plain.output.utf8)) as? [String: Any])
        #expect(plainFacts["secure"] as? Bool == false)
        #expect(plainFacts["protocol"] is NSNull)
    }

    @Test func sigtermLetsASlowResponseFinish() async throws {
        let server = try await ServalProcess.start()
        async let slow = server.curl("/examples/slow?ms=1500", ["-w", "%{http_code}"])
        try await Task.sleep(for: .milliseconds(600))
        server.signal(SIGTERM)
        let answer = try await slow
        #expect(answer.exitCode == 0, "\(answer.errors)")
        #expect(answer.output.hasSuffix("200"))
        #expect(try await server.waitForExit() == 0)
        let refused = try await server.curl("/")
        #expect(refused.exitCode == 7)
    }

    @Test func aSecondSigtermDoesNotWait() async throws {
        let server = try await ServalProcess.start()
        async let slow = server.curl("/examples/slow?ms=20000")
        try await Task.sleep(for: .milliseconds(600))
        server.signal(SIGTERM)
        try await Task.sleep(for: .milliseconds(400))
        server.signal(SIGTERM)
        #expect(try await server.waitForExit(seconds: 60) == 143)
        #expect(try await slow.exitCode != 0)
    }

    @Test func initLaysDownWhatTheRepositoryHolds() async throws {
        let base = try TemporaryFolder()
        #expect(try await Command.run(Command.serval, ["init", base.path]).exitCode == 0)
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
        for folder in ["conf", "webapps"] {
            let files = try #require(FileManager.default.enumerator(atPath: root + "/" + folder)).compactMap { $0 as? String }
            #expect(!files.isEmpty)
            for file in files {
                let attributes = try FileManager.default.attributesOfItem(atPath: "\(root)/\(folder)/\(file)")
                guard attributes[.type] as? FileAttributeType == .typeRegular else { continue }
                let original = try Data(contentsOf: URL(fileURLWithPath: "\(root)/\(folder)/\(file)"))
                let laidDown = try Data(contentsOf: URL(fileURLWithPath: "\(base.path)/\(folder)/\(file)"))
                #expect(original == laidDown, "\(folder)/\(file): run scripts/embed")
            }
        }
        let password = try FileManager.default.attributesOfItem(atPath: base.path + "/conf/keystore.pass")
        #expect((password[.posixPermissions] as? NSNumber)?.intValue == 0o600)
    }

    @Test func theSourceOfPagesIsNotShown() async throws {
        let server = try await ServalProcess.start { base in
            for name in ["page.jsp", "page.jspx"] { try base.write("<%= password %>", to: "webapps/ROOT/" + name) }
        }
        for name in ["page.jsp", "page.jspx"] {
            let answer = try await server.curl("/" + name, ["-w", "%{http_code}"])
            #expect(answer.output.hasSuffix("501"))
            #expect(!answer.output.contains("password"))
        }
    }

    @Test func startStatusStop() async throws {
        let base = try await ServalProcess.makeBase()
        let status = try await Command.run(Command.serval, ["status", "--base", base.path])
        #expect(status.exitCode == 3)
        let start = try await Command.run(Command.serval, ["start", "--base", base.path])
        #expect(start.exitCode == 0, "\(start.errors)")
        #expect(try await Command.run(Command.serval, ["status", "--base", base.path]).exitCode == 0)
        let second = try await Command.run(Command.serval, ["run", "--base", base.path])
        #expect(second.exitCode == 1)
        #expect(second.errors.contains("already runs"))
        let stop = try await Command.run(Command.serval, ["stop", "--base", base.path])
        #expect(stop.exitCode == 0, "\(stop.errors)")
        #expect(try await Command.run(Command.serval, ["status", "--base", base.path]).exitCode == 3)
    }
}
