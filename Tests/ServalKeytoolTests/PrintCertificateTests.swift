import Foundation
import Testing

/// `-printcert` of files; servers and jar files have tests of their own.
@Suite struct PrintCertificateTests {
    private let folder = Folder()
    private var jdk: ReadingComparison { ReadingComparison(folder: folder) }

    @Test func filesOfEveryForm() async throws {
        try await folder.makeCertificate("root")
        try await folder.makeCertificate("weak", key: "rsa:1024", "-sha1")
        try await folder.openssl("req -new -key weak.key -out leaf.csr -subj /CN=leaf")
        try await folder.openssl("x509 -req -in leaf.csr -CA root.pem -CAkey root.key -CAcreateserial -out leaf.pem -days 30")
        try folder.write(["root", "leaf", "weak"].map { try folder.text("\($0).pem") }.joined(separator: "a comment\n"), to: "three.pem")
        try await folder.openssl("crl2pkcs7 -nocrl -certfile three.pem -out three.p7")
        try await folder.openssl("crl2pkcs7 -nocrl -certfile three.pem -outform DER -out three.p7d")
        try await folder.openssl("x509 -in root.pem -outform DER -out root.der")
        try folder.write(bytes: Array(folder.read("root.der")) + Array(folder.read("leaf.pem")), to: "mixed")

        try await jdk.same("-printcert -file three.pem")
        try await jdk.same("-printcert -rfc -file three.p7")
        try await jdk.same("-printcert -file three.p7d -nowarn")
        try await jdk.same("-printcert -v -file root.der")
        try await jdk.same("-printcert -file mixed")
        try await jdk.same("-printcert", input: folder.text("leaf.pem"))
        // Whoever is trusted needs no good signature; the key counts all the same.
        #expect(try await Tool.serval.run("-import -noprompt -alias w -file weak.pem -keystore t -storepass changeit", in: folder).status == 0)
        try await jdk.same("-printcert -file weak.pem -keystore t -storepass changeit")
        try await jdk.same("-printcert -file weak.pem -keystore t")
        try await jdk.same("-printcert -file weak.pem -keystore t -storepass wrong1")
    }

    @Test func weakAndRareAlgorithms() async throws {
        let kinds = [
            ("md5", "rsa:2048", "-md5"), ("r512", "rsa:512", "-sha256"), ("pss", "rsa:2048", "-sigopt rsa_padding_mode:pss"),
            ("psskey", "rsa-pss", ""), ("ed448", "ed448", ""), ("k163", "ec -pkeyopt ec_paramgen_curve:sect163k1", ""),
            ("p192", "ec -pkeyopt ec_paramgen_curve:prime192v1", "-sha1"), ("bp", "ec -pkeyopt ec_paramgen_curve:brainpoolP512r1", "-sha512"),
            ("p224", "ec -pkeyopt ec_paramgen_curve:secp224r1", "-sha224"), ("k256", "ec -pkeyopt ec_paramgen_curve:secp256k1", ""),
            ("dsa", "dsa:parameters", "-sha1"), ("sha3", "rsa:2048", "-sha3-256"),
        ]
        try await folder.openssl("dsaparam -out parameters 1024")
        for (name, key, options) in kinds { try await folder.makeCertificate(name, key: key, options) }
        try folder.write(kinds.map { try folder.text("\($0.0).pem") }.joined(), to: "all.pem")
        try await jdk.same("-printcert -file all.pem")
    }

    @Test func whatIsNoCertificate() async throws {
        try await folder.makeCertificate("a")
        try await folder.openssl("req -new -key a.key -out a.csr -subj /CN=a")
        try await folder.openssl("crl2pkcs7 -nocrl -out none.p7")
        try folder.write("", to: "empty")
        try folder.write("hello\n", to: "text")
        try folder.write(String(folder.text("a.pem").prefix(200)), to: "cut.pem")
        for file in ["empty", "text", "cut.pem", "none.p7", "a.key", "a.csr", "missing", "."] { try await jdk.same("-printcert -file \(file)") }
        try await jdk.same("-printcert")
        try await jdk.same("-printcert -bogus")
    }

    /// Data of others may be wrong in any way: one message, soon.
    @Test func hostileInput() async throws {
        try await folder.makeCertificate("a")
        try await folder.openssl("x509 -in a.pem -outform DER -out a.der")
        let der = [UInt8](try folder.read("a.der"))
        let deep = (0..<1 << 16).flatMap { _ -> [UInt8] in [0x30, 0x80] }
        var inputs: [[UInt8]] = [
            deep, [0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF], [0x30, 0x88] + [UInt8](repeating: 0xFF, count: 8), [0x30], [0xFF, 0xFE],
        ]
        inputs += stride(from: 1, to: der.count, by: 37).map { Array(der.prefix($0)) }
        for (index, bytes) in inputs.enumerated() {
            try folder.write(bytes: bytes, to: "bad\(index)")
            let run = try await Tool.serval.run("-printcert -file bad\(index)", in: folder)
            #expect(run.output == "keytool error: java.lang.Exception: Failed to parse input\n", "\(index)")
            #expect(run.status == 1)
        }
        // Every damaged byte of the head leaves a program that ends in an orderly way.
        for position in stride(from: 0, to: min(der.count, 300), by: 7) {
            var damaged = der
            damaged[position] ^= 0xFF
            try folder.write(bytes: damaged, to: "damaged")
            #expect([0, 1].contains(try await Tool.serval.run("-printcert -file damaged", in: folder).status))
        }
    }

    @Test func junkWithoutEnd() async throws {
        let file = folder.path("junk")
        #expect(try await Tool(path: "/bin/sh").run(["-c", "yes junk | head -c 50000000 > \(file)"], in: folder).status == 0)
        let run = try await Tool(path: "/bin/sh").run(["-c", "\(Tool.serval.path) -printcert < \(file)"], in: folder)
        #expect(run.status == 1)
        #expect(run.output == "keytool error: java.io.IOException: standard input: more than 16777216 bytes\n")
    }

    /// A name may hold anything; what it prints is one line, and no command to the terminal.
    @Test func namesCannotForgeLines() async throws {
        let name = "a\nOwner: CN=Bob\u{1B}[2J\u{202E}x"
        try await folder.makeCertificate("plain")
        let run = try await Tool.openssl.run(
            ["req", "-x509", "-key", "plain.key", "-out", "forged.pem", "-subj", "/CN=\(name)", "-utf8", "-days", "30"],
            in: folder
        )
        #expect(run.status == 0, "\(run.errors)")
        let text = try await Tool.serval.run("-printcert -file forged.pem", in: folder).output
        #expect(text.split(separator: "\n").filter { $0.hasPrefix("Owner: ") } == ["Owner: CN=\"a?Owner: CN=Bob?[2J?x\""])
        #expect(!text.contains("\u{1B}"))
    }
}
