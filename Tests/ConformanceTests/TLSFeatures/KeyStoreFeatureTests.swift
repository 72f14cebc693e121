import Foundation
import Testing

/// Key stores as Tomcat's documents describe them (features B01 to B10), served by the real server.
@Suite("Key stores in Tomcat's documents") struct KeyStoreFeatureTests {
    private static func connector(_ attributes: String) -> String {
        "<Connector port=\"0\" address=\"127.0.0.1\" SSLEnabled=\"true\"><SSLHostConfig><Certificate \(attributes)/></SSLHostConfig></Connector>"
    }

    @Test("B01 B02 B04 B05: JKS and PKCS12, each entry by its alias, in any case; another type is an error that names it")
    func typesAndAliases() async throws {
        let folder = try TemporaryFolder()
        for (type, tool) in [("JKS", Command.keytool), ("PKCS12", Command.keytool), ("JKS", "keytool"), ("PKCS12", "keytool")] {
            let store = folder.path + "/\(type)-\(tool == "keytool" ? "jdk" : "own")"
            for alias in ["one", "two"] {
                let made = try await Command.run(
                    tool,
                    "-genkeypair -alias \(alias) -keyalg RSA -dname CN=\(alias) -storetype \(type) -storepass changeit -keypass changeit -keystore \(store)"
                        .split(separator: " ").map(String.init)
                )
                #expect(made.exitCode == 0, "\(made.output)\(made.errors)")
            }
            let bytes = try Data(contentsOf: URL(fileURLWithPath: store)).prefix(4)
            #expect(bytes.elementsEqual([0xFE, 0xED, 0xFE, 0xED]) == (type == "JKS"))
            let places = "certificateKeystoreFile=\"\(store)\" certificateKeystorePassword=\"changeit\" certificateKeystoreType=\"\(type)\""
            let server = try await ServalProcess.start(
                serverXML: FeatureSite.xml(["one", "two", "TWO"].map { Self.connector("\(places) certificateKeyAlias=\"\($0)\"") })
            )
            #expect(server.ports().count == 3, "\(server.errors)")
            for (port, name) in zip(server.ports(), ["one", "two", "two"]) {
                #expect(try await server.handshake(port).contains("subject=CN = \(name)\n"), "\(store)")
            }
            let wrong = FeatureSite.xml([Self.connector(places.replacingOccurrences(of: "Type=\"\(type)\"", with: "Type=\"KS9\""))])
            #expect(try await FeatureSite.check(wrong, fails: true).contains("KS9"))
        }
        // The type PKCS11 needs to know which module; a file is none.
        let token = FeatureSite.xml([Self.connector("certificateKeystoreType=\"PKCS11\" certificateKeystoreFile=\"\(folder.path)/no-such.cfg\"")])
        #expect(try await FeatureSite.check(token, fails: true).contains("no-such.cfg"))
    }
}
