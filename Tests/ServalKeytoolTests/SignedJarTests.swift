import Foundation
import Testing

/// `-printcert -jarfile`.
@Suite struct SignedJarTests {
    private let folder = Folder()
    private var jdk: ReadingComparison { ReadingComparison(folder: folder) }

    /// Makes jar files as jarsigner does; the names of signers' keys follow.
    private static let script = """
        import base64, hashlib, subprocess, sys, zipfile
        jar, *signers = sys.argv[1:]
        digest = lambda data: base64.b64encode(hashlib.sha256(data).digest()).decode()
        contents = b"hello\\n" * 400
        main = b"Manifest-Version: 1.0\\r\\n\\r\\n"
        entry = f"Name: a.txt\\r\\nSHA-256-Digest: {digest(contents)}\\r\\n\\r\\n".encode()
        with zipfile.ZipFile(jar, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("META-INF/MANIFEST.MF", main + entry)
            for name, ending in (signer.split(".") for signer in signers):
                head = f"Signature-Version: 1.0\\r\\nSHA-256-Digest-Manifest: {digest(main + entry)}\\r\\n\\r\\n"
                file = (head + f"Name: a.txt\\r\\nSHA-256-Digest: {digest(entry)}\\r\\n\\r\\n").encode()
                command = ["openssl", "cms", "-sign", "-binary", "-noattr", "-md", "sha256", "-outform", "DER", "-signer", name + ".pem",
                    "-inkey", name + ".key", "-certfile", "chain.pem"]
                block = subprocess.run(command, input=file, stdout=subprocess.PIPE, check=True).stdout
                archive.writestr(f"META-INF/{name.upper()}.SF", file)
                kind = zipfile.ZIP_STORED if name == "leaf" else zipfile.ZIP_DEFLATED
                archive.writestr(f"META-INF/{name.upper()}.{ending}", block, kind)
            archive.writestr("a.txt", contents)
        """

    private func makeJar(_ name: String, _ signers: String = "") async throws {
        try folder.write(Self.script, to: "jar.py")
        let run = try await Tool(path: "/usr/bin/env").run("python3 jar.py \(name) \(signers)", in: folder)
        #expect(run.status == 0, "\(run.errors)")
    }

    @Test func signersAndTheirChains() async throws {
        try await folder.makeCertificate("root", key: "rsa:1024")
        try await folder.openssl("req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout leaf.key -out leaf.csr -subj /CN=leaf")
        try await folder.openssl("x509 -req -in leaf.csr -CA root.pem -CAkey root.key -CAcreateserial -out leaf.pem -days 30")
        try await folder.makeCertificate("other", key: "rsa:2048")
        try folder.copy("root.pem", to: "chain.pem")
        try await makeJar("plain.jar")
        try await makeJar("one.jar", "leaf.EC")
        try await makeJar("two.jar", "other.RSA leaf.EC")
        try await jdk.same("-printcert -jarfile plain.jar")
        try await jdk.same("-printcert -jarfile one.jar")
        try await jdk.same("-printcert -rfc -jarfile two.jar")
    }

    @Test func whatIsNoJar() async throws {
        try await folder.makeCertificate("other", key: "rsa:2048")
        try await folder.makeCertificate("chain")
        try await makeJar("one.jar", "other.RSA")
        try folder.write("", to: "empty")
        try folder.write("hello\n", to: "text")
        for file in ["empty", "text", "missing"] { try await jdk.same("-printcert -jarfile \(file)") }
        // Damage anywhere: an orderly end, never more than one line.
        let jar = [UInt8](try folder.read("one.jar"))
        for position in stride(from: 0, to: jar.count, by: 61) {
            var damaged = jar
            damaged[position] ^= 0x5A
            try folder.write(bytes: damaged, to: "damaged.jar")
            let run = try await Tool.serval.run("-printcert -jarfile damaged.jar", in: folder)
            #expect(run.status == 0 || run.output.hasPrefix("keytool error: ") && run.output.split(separator: "\n").count == 1, "\(position)")
        }
    }
}
