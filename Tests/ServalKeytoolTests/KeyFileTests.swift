import Foundation
import Testing

/// `-importkey` and `-exportkey`, checked with the JDK's tool and OpenSSL.
@Suite struct KeyFileTests {
    private let folder = Folder()
    private let store = "-keystore s.p12 -storepass changeit"

    private func serval(_ line: String, input: String = "") async throws -> ToolRun {
        try await Tool.serval.run(line, input: input, in: folder, environment: ["SSL_CERT_FILE": folder.path("none.pem")])
    }

    /// A server's key and certificate, `server.key` and `server.pem`, with their authorities.
    private func prepare() async throws -> Authorities {
        let authorities = try await Authorities(in: folder)
        try await authorities.request("server", subject: "/CN=www.example.org")
        try await authorities.sign("server", by: "middle")
        try authorities.join("root.pem", "server.pem", "middle.pem", to: "chain")
        return authorities
    }

    private let imported = "Private key was imported into keystore under alias <tomcat>, with a chain of length 3\n"

    @Test func keysOfEveryKind() async throws {
        let authorities = try await prepare()
        let conversions = [
            "sec1": "ec -in server.key -out sec1", "sec1der": "ec -in server.key -outform DER -out sec1der",
            "pkcs8der": "pkcs8 -topk8 -nocrypt -in server.key -outform DER -out pkcs8der",
            "aes": "pkey -in server.key -aes256 -passout pass:keypass -out aes",
            "aesder": "pkcs8 -topk8 -in server.key -outform DER -passout pass:keypass -out aesder",
            "old": "ec -in server.key -aes128 -passout pass:keypass -out old",
        ]
        for (name, line) in conversions {
            try await authorities.openssl(line)
            let run = try await serval("-importkey -alias \(name) -file \(name) -srckeypass keypass -certfile chain \(store)")
            #expect(run.status == 0, "\(name): \(run.output)")
            #expect(run.errors == imported.replacingOccurrences(of: "tomcat", with: name), "\(name)")
        }
        try authorities.join("chain", "server.key", to: "all")
        #expect(try await serval("-importkey -alias all -file all \(store)").status == 0)
        #expect(try await serval("-importkey -alias piped \(store)", input: folder.text("all")).status == 0)
        let list = try await Tool.jdk.run("-list -v \(store)", in: folder)
        #expect(list.output.contains("Your keystore contains 8 entries"))
        #expect(list.output.components(separatedBy: "Certificate chain length: 3\n").count == 9)
        // The key in the store is the one of the file.
        #expect(try await serval("-exportkey -alias aes -nocrypt -file out.key \(store)").status == 0)
        try await authorities.openssl("pkey -in out.key -pubout -out out.pub")
        try await authorities.openssl("pkey -in server.key -pubout -out server.pub")
        #expect(try folder.text("out.pub") == folder.text("server.pub"))
    }

    @Test(arguments: ["PKCS12", "JKS", "JCEKS"])
    func storesOfEveryKind(type: String) async throws {
        _ = try await prepare()
        let line = "-importkey -alias tomcat -file server.key -certfile chain -keystore s -storetype \(type) -storepass changeit"
        #expect(try await serval(line + (type == "PKCS12" ? "" : " -keypass keypass")).errors.hasPrefix(imported))
        let request = try await Tool.jdk.run(
            "-certreq -alias tomcat -keystore s -storetype \(type) -storepass changeit -keypass \(type == "PKCS12" ? "changeit" : "keypass") -file out.csr",
            in: folder
        )
        #expect(request.status == 0, "\(request.output)")
        // There already: asked, refused, or replaced.
        let kept = try await serval(line, input: "no\n")
        #expect(
            kept
                == ToolRun(
                    status: 0,
                    output: "",
                    errors: "Existing entry alias tomcat exists, overwrite? [no]:  Private key was not imported into keystore\n"
                )
        )
        #expect(
            try await serval(line + " -noprompt -keypass changeit").errors.hasPrefix(
                "Warning: Overwriting existing alias tomcat in destination keystore\n"
            )
        )
    }

    @Test func passwordsAreAskedFor() async throws {
        let authorities = try await prepare()
        try await authorities.openssl("pkey -in server.key -aes256 -passout pass:keypass -out aes")
        let question = "Enter password of the private key in <aes>:  "
        let run = try await serval("-importkey -alias tomcat -file aes -certfile chain \(store)", input: "wrong\nkeypass\n")
        #expect(run.errors == question + "This password does not open the private key. Try again\n" + question + imported)
        let failed = try await serval("-importkey -alias x -file aes -certfile chain \(store)", input: "a\nb\nc\n")
        #expect(failed.output == "keytool error: java.lang.Exception: Too many failures - key not added to keystore\n")
        let wrong = try await serval("-importkey -alias x -file aes -srckeypass wrong -certfile chain \(store)")
        #expect(wrong.output == "keytool error: java.security.UnrecoverableKeyException: Cannot recover key\n")
    }

    @Test func onATerminal() async throws {
        let authorities = try await prepare()
        try await authorities.openssl("pkey -in server.key -aes256 -passout pass:keypass -out aes")
        let (status, screen) = try await Terminal.talk(
            to: .serval,
            ["-importkey", "-alias", "tomcat", "-file", "aes", "-certfile", "chain", "-keystore", "t.p12"],
            in: folder,
            [
                .init(awaited: "Enter keystore password:  ", typed: "changeit"), .init(awaited: "Re-enter new password: ", typed: "changeit"),
                .init(awaited: "password of the private key in <aes>:  ", typed: "keypass"),
            ]
        )
        #expect(status == 0)
        #expect(screen.hasSuffix(imported))
        #expect(!screen.contains("keypass") && !screen.contains("changeit"))
    }

    @Test func whatDoesNotBelongTogether() async throws {
        let authorities = try await prepare()
        try await authorities.request("other", subject: "/CN=other")
        let mismatch = try await serval("-importkey -alias tomcat -file other.key -certfile chain \(store)")
        #expect(mismatch.status == 1)
        #expect(mismatch.output.contains("does not belong to any of the certificates given"))
        #expect(mismatch.errors.contains("certificate of <CN=www.example.org>: 256-bit EC (secp256r1) key, another key"))
        let alone = try await serval("-importkey -alias tomcat -file server.key \(store)")
        #expect(alone.output == "keytool error: java.lang.Exception: No certificate for the private key in server.key\n")
        #expect(alone.errors.contains("-certfile FILE") && alone.errors.contains("-dname"))
        let certificate = try await serval("-importkey -alias tomcat -file server.pem \(store)")
        #expect(certificate.output == "keytool error: java.lang.Exception: No private key in server.pem\n")
        #expect(!folder.exists("s.p12"))
        // Of several keys the one that has a certificate is meant.
        try authorities.join("other.key", "server.key", "chain", to: "several")
        #expect(try await serval("-importkey -alias tomcat -file several \(store)").errors == imported)
        let keyStore = try await serval("-importkey -alias x -file s.p12 \(store)")
        #expect(keyStore.output.contains("s.p12 is a key store: use -importkeystore -srckeystore s.p12"))
    }

    @Test func incompleteChainsAreImportedAndExplained() async throws {
        _ = try await prepare()
        let run = try await serval("-importkey -alias tomcat -file server.key -certfile server.pem \(store)")
        #expect(run.status == 0)
        #expect(run.errors.contains("Missing:  the certificate of CN=Middle"))
        #expect(run.errors.contains("with a chain of length 1\n"))
        #expect(run.errors.contains("The chain is incomplete."))
        // The store has the rest.
        #expect(try await serval("-importcert -noprompt -alias middle -file middle.pem \(store)").status == 0)
        #expect(try await serval("-importcert -noprompt -alias root -file root.pem \(store)").status == 0)
        let dry = try await serval("-importkey -dryrun -alias tomcat -file server.key -certfile server.pem \(store)")
        #expect(dry.output.contains("Would ask whether to overwrite the entry <tomcat>."))
        #expect(dry.output.hasSuffix("with a chain of length 3:\n  1. CN=www.example.org\n  2. CN=Middle\n  3. CN=Root\n"))
        #expect(try await serval("-importkey -noprompt -alias tomcat -file server.key -certfile server.pem \(store)").errors.hasSuffix(imported))
    }

    @Test func aKeyWithoutCertificateGetsOne() async throws {
        _ = try await prepare()
        let run = try await serval("-importkey -alias tomcat -file server.key -dname CN=www.example.org -validity 30 \(store)")
        #expect(run.status == 0, "\(run.output)")
        #expect(run.errors.hasPrefix("Generated a self-signed certificate with a validity of 30 days\n\tfor: CN=www.example.org\n"))
        #expect(try await Tool.jdk.run("-list -v -alias tomcat \(store)", in: folder).output.contains("DNSName: www.example.org"))
        #expect(try await serval("-certreq -alias tomcat -file out.csr \(store)").status == 0)
    }

    @Test func exportedKeys() async throws {
        let authorities = try await prepare()
        #expect(try await serval("-importkey -alias tomcat -file server.key -certfile chain \(store)").status == 0)
        let run = try await serval("-exportkey -alias tomcat -file out.key -destkeypass outpass -chain \(store)")
        #expect(run == ToolRun(status: 0, output: "", errors: "Private key stored in file <out.key>\n"))
        #expect(try folder.text("out.key").hasPrefix("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"))
        #expect(try folder.text("out.key").components(separatedBy: "BEGIN CERTIFICATE").count == 4)
        try await authorities.openssl("pkey -in out.key -passin pass:outpass -out plain.key")
        #expect(try folder.text("plain.key") == folder.text("server.key"))
        let attributes = try FileManager.default.attributesOfItem(atPath: folder.path("out.key"))
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        // Asked for twice, as every new password.
        let asked = try await serval("-exportkey -alias tomcat \(store)", input: "short\noutpass\noutpass\n")
        #expect(asked.status == 0)
        #expect(asked.output.hasPrefix("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"))
        #expect(asked.errors.contains("Key password is too short"))
        #expect(try await serval("-exportkey -alias tomcat -nocrypt \(store)").output == folder.text("server.key"))
        // A file that others could read is closed before the key goes there.
        try folder.write("", to: "open.key")
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: folder.path("open.key"))
        #expect(try await serval("-exportkey -alias tomcat -nocrypt -file open.key \(store)").status == 0)
        #expect(
            try (FileManager.default.attributesOfItem(atPath: folder.path("open.key"))[.posixPermissions] as? NSNumber)?.intValue == 0o600
        )
        let missing = try await serval("-exportkey -alias nobody -nocrypt \(store)")
        #expect(missing.output == "keytool error: java.lang.Exception: Alias <nobody> does not exist\n")
    }
}
