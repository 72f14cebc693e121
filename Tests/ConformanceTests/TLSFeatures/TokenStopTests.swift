import Foundation
import TestPrograms
import Testing

/// Servers that stop while a token makes a signature for them.
@Suite("Stopping while a token signs") struct TokenStopTests {
    /// A server whose key is in a token of SoftHSM, seen through the module that watches, with a handshake that waits for its signature.
    private struct Site {
        let server: ServalProcess
        let folder: TemporaryFolder
        private let client: Task<CommandResult, any Error>

        init(signatureMilliseconds: Int) async throws {
            let folder = try TemporaryFolder()
            self.folder = folder
            try folder.write("directories.tokendir = \(folder.path)/tokens\nobjectstore.backend = file\nlog.level = ERROR\n", to: "softhsm2.conf")
            try folder.write("name = Soft\nlibrary = \(WatchfulModule.path)\nslotListIndex = 0\n", to: "p11.cfg")
            try FileManager.default.createDirectory(atPath: folder.path + "/tokens", withIntermediateDirectories: true)
            let settings = "SOFTHSM2_CONF=\(folder.path)/softhsm2.conf"
            let token = "-keystore NONE -storetype PKCS11 -addprovider SunPKCS11 -providerarg \(folder.path)/p11.cfg -storepass 123456"
            for line in [
                "softhsm2-util --init-token --free --label token --so-pin 12345678 --pin 123456",
                "\(Command.keytool) -genkeypair \(token) -alias web -keyalg EC -dname CN=localhost",
            ] {
                let made = try await Command.run("env", [settings] + line.split(separator: " ").map(String.init))
                try #require(made.exitCode == 0, "\(made.output)\(made.errors)")
            }
            let certificate =
                "<Certificate certificateKeystoreType=\"PKCS11\" certificateKeystoreFile=\"\(folder.path)/p11.cfg\" certificateKeystorePassword=\"123456\"/>"
            let slow = folder.path + "/slow"
            let server = try await ServalProcess.start(
                serverXML: FeatureSite.xml([
                    "<Connector port=\"0\" address=\"127.0.0.1\" SSLEnabled=\"true\"><SSLHostConfig>\(certificate)</SSLHostConfig></Connector>"
                ]),
                environment: ["SOFTHSM2_CONF": folder.path + "/softhsm2.conf", "WATCHFUL_SIGN": slow]
            )
            self.server = server
            // Not before the start, which tries the key.
            try folder.write("\(signatureMilliseconds)", to: "slow")
            let port = try server.port("https")
            self.client = Task { try await Command.run("openssl", ["s_client", "-connect", "127.0.0.1:\(port)"]) }
            for _ in 0..<3000 where !FileManager.default.fileExists(atPath: slow + ".mark") { try await Task.sleep(for: .milliseconds(10)) }
            try #require(FileManager.default.fileExists(atPath: slow + ".mark"), "\(server.errors)")
        }

        func end() async throws {
            _ = try await self.client.value
            #expect(!self.server.errors.contains("watchful"), "\(self.server.errors)")
        }
    }

    @Test("The module is finalized when the signature has been made") func slowSignature() async throws {
        let site = try await Site(signatureMilliseconds: 1500)
        site.server.signal(SIGTERM)
        #expect(try await site.server.waitForExit() == 0)
        try await site.end()
    }

    @Test("A signature that is never made does not keep the server from ending") func stuckSignature() async throws {
        let site = try await Site(signatureMilliseconds: 600_000)
        site.server.signal(SIGTERM)
        #expect(try await site.server.waitForExit(seconds: 60) == 0)
        try await site.end()
    }

    @Test("A second signal ends the server at once, whatever is under way") func secondSignal() async throws {
        let site = try await Site(signatureMilliseconds: 600_000)
        for _ in 0..<100 where (try? await site.server.waitForExit(seconds: 0.1)) == nil { site.server.signal(SIGTERM) }
        // Whether the first stop was done when the second signal came is a matter of time.
        #expect([0, 143].contains(try await site.server.waitForExit()))
        try await site.end()
    }
}
