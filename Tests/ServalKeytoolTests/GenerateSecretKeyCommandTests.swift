import ServalKeyStore
import Testing

/// `-genseckey` beside the JDK's: kinds and sizes of keys, formats, complaints.
@Suite struct GenerateSecretKeyCommandTests {
    private let pair = ToolPair()

    @Test func usage() async throws {
        try await pair.compare("-genseckey -bogus")
    }

    @Test(arguments: [
        ("aes -keysize 256", 32), ("DES", 8), ("DESede", 24), ("TripleDES -keysize 112", 24),
        ("hmacsha256 -keysize 41", 6), ("HmacSHA512/256 -keysize 256", 32), ("RC4 -keysize 128", 16),
    ])
    func intoPKCS12(algorithm: String, length: Int) async throws {
        try await pair.compare("-genseckey -alias Key -keyalg \(algorithm) -keystore s -storepass changeit")
        let list = try await Tool.serval.run("-list -v -keystore s -storepass changeit", in: pair.ours)
        #expect(list.output.contains("Entry type: SecretKeyEntry\n"))
        let store = try KeyStore(contentsOf: pair.ours.path("s"), password: "changeit")
        guard case .secretKey(let entry)? = store["key"]?.content else {
            Issue.record("no secret key")
            return
        }
        #expect(try entry.secretKey().bytes.count == length)
        // The JDK opens what ours made: it decrypts the key to put it into a store of its own.
        let copy = "-importkeystore -srckeystore s -srcstorepass changeit -destkeystore jck -deststoretype JCEKS -deststorepass changeit -nowarn"
        let run = try await Tool.jdk.run(copy, in: pair.ours)
        #expect(run.errors.contains("Entry for alias key successfully imported."), "\(run)")
    }

    @Test func refusals() async throws {
        for algorithm in [
            "AES", "AES -keysize 100", "AES -keysize -1", "AES -keysize abc", "DES -keysize 64", "DESede -keysize 128", "TripleDES",
            "HmacSHA256 -keysize 39", "HmacSHA1 -keysize 0", "Blowfish -keysize 127", "RC2 -keysize 1025", "RC4 -keysize 39", "ChaCha20 -keysize 128",
            "FOO -keysize 256", "HmacMD5 -keysize 128", "pbefoo",
        ] { try await pair.compare("-genseckey -alias k -keyalg \(algorithm) -keystore s -storepass changeit", input: "secret\n") }
        try await pair.compare("-genseckey -alias k -keysize 128 -keystore s -storepass changeit")
        #expect(!pair.ours.exists("s"))
        try await pair.compare("-genseckey -keyalg AES -keysize 128 -keypass another -keystore s -storepass changeit")
        try await pair.compare("-genseckey -alias MyKey -keyalg AES -keysize 128 -keystore s -storepass changeit")
        try await pair.compare("-exportcert -alias mykey -keystore s -storepass changeit")
        try await pair.compare("-genseckey -alias k -keyalg AES -keysize 128 -storetype JKS -keystore j -storepass changeit", input: "\n")
    }

    @Test func intoJCEKS() async throws {
        let store = "-storetype JCEKS -keystore s -storepass changeit"
        try await pair.compare("-genseckey -alias A -keyalg AES -keysize 192 \(store)", input: "\n")
        try await pair.compare("-genseckey -alias B -keyalg Blowfish -keysize 128 \(store)", input: "keypass1\nkeypass1\n")
        try await pair.compare("-genseckey -alias c -keyalg HmacMD5 -keysize 8 -keypass abc \(store)")
        try await pair.compare("-genseckey -alias d -keyalg AES -keysize 128 \(store)", input: "abc\nabc\nabc\n")
        try await pair.compare("-genseckey -alias e -keyalg PBEWithMD5AndDES -keypass changeit \(store)", input: "secret\n")
        try await pair.compare("-genseckey -alias f -keyalg AES -keysize 128 -storetype JCEKS -keystore new", input: "changeit\nchangeit\n\n")
        try await pair.compare("-list \(store)")
        try await pair.compare("-list -keystore s", input: "\n")
        try await pair.compare("-list -keystore s -storepass wrongpw")
        // The JDK opens all three with their own passwords.
        for (alias, password) in [("a", "changeit"), ("b", "keypass1"), ("c", "abc")] {
            let run = try await Tool.jdk.run("-keypasswd -alias \(alias) -keypass \(password) -new changed1 -nowarn \(store)", in: pair.ours)
            #expect(run == ToolRun(status: 0, output: "", errors: ""))
        }
    }
}
