import ServalKeyStore
import Testing

@Suite struct SecretKeyTests {
    /// A secret key made by the JDK survives a change of the store's password and is still the JDK's to use.
    @Test func secretKeysAreKept() throws {
        let folder = try Folder()
        try Tool.keytool(
            "-genseckey",
            "-alias",
            "aes",
            "-keyalg",
            "AES",
            "-keysize",
            "256",
            "-keystore",
            folder("s.p12"),
            "-storepass",
            "changeit",
            "-storetype",
            "PKCS12"
        )
        let store = try KeyStore(contentsOf: folder("s.p12"), password: "changeit")
        guard case .secretKey? = store["aes"]?.content else {
            Issue.record("The secret key was not read: \(store.aliases)")
            return
        }
        try store.write(to: folder("t.p12"), password: "another")
        // Converting opens the key, so the password of its own encryption has to be the new one.
        let text = try Tool.keytool(
            "-importkeystore",
            "-srckeystore",
            folder("t.p12"),
            "-srcstorepass",
            "another",
            "-destkeystore",
            folder("u.p12"),
            "-deststorepass",
            "changeit",
            "-deststoretype",
            "PKCS12"
        )
        #expect(text.contains("1 entries successfully imported"))
        var jks = KeyStore(format: .jks)
        if let entry = store["aes"] { jks.set(entry, alias: "aes") }
        #expect(code { try jks.serialized(password: "changeit") } == .unsupportedFormat)
    }
}
