import Foundation
import TestPrograms
import Testing

/// The end of the process after a module was used, in which threads of the token's meet exit handlers.
@Suite("The end of programs that use tokens")
struct TokenExitTests {
    private static let token = "-keystore NONE -storetype PKCS11 -addprovider SunPKCS11 -providerarg p11.cfg"

    /// A folder with a token of SoftHSM, seen through the module that watches.
    private func makeFolder(library: String) async throws -> (Folder, environment: [String: String]) {
        let folder = Folder()
        let environment = ["SOFTHSM2_CONF": folder.path("softhsm2.conf")]
        try FileManager.default.createDirectory(atPath: folder.path("tokens"), withIntermediateDirectories: true)
        try folder.write("directories.tokendir = \(folder.path("tokens"))\nobjectstore.backend = file\nlog.level = ERROR\n", to: "softhsm2.conf")
        try folder.write("name = Soft\nlibrary = \(library)\nslotListIndex = 0\n", to: "p11.cfg")
        let made = try await Tool(path: "/usr/bin/env", leadingArguments: ["softhsm2-util"])
            .run("--init-token --free --label token --so-pin 12345678 --pin 123456", in: folder, environment: environment)
        try #require(made.status == 0, "\(made)")
        return (folder, environment)
    }

    @Test("The program ends when all threads that have called the module have ended")
    func threadsThatEndSlowly() async throws {
        var (folder, environment) = try await makeFolder(library: WatchfulModule.path)
        environment["WATCHFUL_END"] = "300"
        for (line, status) in [
            ("-genkeypair \(Self.token) -storepass 123456 -alias web -keyalg EC -dname CN=web", 0), ("-list \(Self.token) -storepass 123456", 0),
            // The token was closed at once, and another call was never made.
            ("-list \(Self.token) -storepass 654321", 1), ("-list \(Self.token) -storepass 123456 -alias none", 1),
        ] {
            let run = try await Tool.serval.run(line, in: folder, environment: environment)
            #expect(run.status == Int32(status) && !run.errors.contains("watchful"), "\(line): \(run)")
        }
    }

    @Test("A thread that does not end does not keep the program from ending")
    func aThreadThatDoesNotEnd() async throws {
        var (folder, environment) = try await makeFolder(library: WatchfulModule.path)
        environment["WATCHFUL_END"] = "600000"
        let start = ContinuousClock.now
        let run = try await Tool.serval.run("-list \(Self.token) -storepass 123456", in: folder, environment: environment)
        #expect(run.status == 0 && run.output.contains("contains 0 entries"), "\(run)")
        #expect(start.duration(to: .now) < .seconds(120))
    }

    @Test("A program that is run again and again ends well each time")
    func manyRuns() async throws {
        try await withThrowingTaskGroup { group in
            for _ in 0..<4 {
                group.addTask {
                    // SoftHSM loses sight of a token that several processes look at.
                    let (folder, environment) = try await makeFolder(library: "/usr/lib/softhsm/libsofthsm2.so")
                    for _ in 0..<25 {
                        let run = try await Tool.serval.run("-list \(Self.token) -storepass 123456", in: folder, environment: environment)
                        #expect(run.status == 0, "\(run)")
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
