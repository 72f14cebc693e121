import Foundation
import Testing

/// A certificate from an authority: request, issue with OpenSSL, import of root and reply, in every form in which replies come.
@Suite struct AuthorityWorkflowTests {
    private let folder = Folder()
    private let store = "-keystore s.p12 -storepass changeit"

    private func serval(_ line: String, input: String = "") async throws -> ToolRun {
        try await Tool.serval.run(line, input: input, in: folder)
    }

    private func openssl(_ line: String, location: SourceLocation = #_sourceLocation) async throws {
        let run = try await Tool.openssl.run(line, in: folder)
        #expect(run.status == 0, "\(line): \(run.errors)", sourceLocation: location)
    }

    /// A root, an intermediate authority below it, a key `tomcat` in the store, its request and the issued certificate `tomcat.pem`.
    private func prepare(type: String = "PKCS12") async throws {
        try await openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout root.key -out root.pem -subj /CN=Root -days 30 "
                + "-addext basicConstraints=critical,CA:TRUE"
        )
        try await openssl("req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout middle.key -out middle.csr -subj /CN=Middle")
        try folder.write("basicConstraints=critical,CA:TRUE\n", to: "ca.ext")
        try await openssl("x509 -req -in middle.csr -CA root.pem -CAkey root.key -CAcreateserial -out middle.pem -days 30 -extfile ca.ext")
        #expect(
            try await serval("-genkey -alias tomcat -keyalg RSA -dname 'CN=www.myside.org, O=Acme' -storetype \(type) -keypass changeit \(store)")
                .status == 0
        )
        let request = try await serval("-certreq -keyalg RSA -alias tomcat -file certreq.csr \(store)")
        #expect(request.status == 0)
        #expect(request.output.isEmpty)
        #expect(try folder.text("certreq.csr").hasPrefix("-----BEGIN NEW CERTIFICATE REQUEST-----\n"))
        try await openssl("req -in certreq.csr -verify -noout")
        try await openssl("x509 -req -in certreq.csr -CA middle.pem -CAkey middle.key -CAcreateserial -out tomcat.pem -days 30")
        let subject = try await Tool.openssl.run("x509 -in tomcat.pem -noout -subject -nameopt RFC2253", in: folder)
        #expect(subject.output == "subject=CN=www.myside.org,O=Acme\n")
    }

    private func chain() async throws -> [String] {
        let list = try await serval("-list -v -nowarn -alias tomcat \(store)").output
        return list.split(separator: "\n").filter { $0.hasPrefix("Owner: ") }.map { String($0.dropFirst(7)) }
    }

    private let fullChain = ["CN=www.myside.org, O=Acme", "CN=Middle", "CN=Root"]

    @Test(arguments: ["PKCS12", "JKS"])
    func rootThenIntermediateThenReply(type: String) async throws {
        try await prepare(type: type)
        let reply = "-import -nowarn -alias tomcat -file tomcat.pem \(store)"
        func expectMissing(_ issuer: String, location: SourceLocation = #_sourceLocation) async throws {
            let run = try await serval(reply)
            #expect(run.status == 1, sourceLocation: location)
            #expect(run.output == "keytool error: java.lang.Exception: Failed to establish chain from reply\n", sourceLocation: location)
            #expect(run.errors.contains("Missing:  the certificate of \(issuer)"), "\(run.errors)", sourceLocation: location)
        }
        try await expectMissing("CN=Middle")
        #expect(
            try await serval("-import -nowarn -noprompt -alias middle -trustcacerts -file middle.pem \(store)").errors
                == "Certificate was added to keystore\n"
        )
        try await expectMissing("CN=Root")
        let root = try await serval("-import -nowarn -alias root -trustcacerts -file root.pem \(store)", input: "yes\n")
        #expect(root.errors == "Trust this certificate? [no]:  Certificate was added to keystore\n")
        #expect(try await serval(reply) == ToolRun(status: 0, output: "", errors: "Certificate reply was installed in keystore\n"))
        #expect(try await chain() == fullChain)
        let again = try await serval(reply)
        #expect(again.output == "keytool error: java.lang.Exception: Certificate reply and certificate in keystore are identical\n")
        // The key still opens, and OpenSSL sees the same chain.
        #expect(try await serval("-certreq -alias tomcat -file again.csr \(store)").status == 0)
        try await openssl("req -in again.csr -verify -noout")
        if type == "PKCS12" {
            try await openssl("pkcs12 -in s.p12 -passin pass:changeit -nodes -out all.pem")
            #expect(try folder.text("all.pem").components(separatedBy: "BEGIN CERTIFICATE").count == 6)
            try await openssl("verify -CAfile root.pem -untrusted middle.pem all.pem")
        }
    }

    @Test func theSystemsAuthoritiesCountOnlyWhenAskedFor() async throws {
        try await prepare()
        try folder.write(try folder.text("root.pem") + folder.text("middle.pem"), to: "system.pem")
        let environment = ["SSL_CERT_FILE": folder.path("system.pem")]
        let line = "-import -alias tomcat -file tomcat.pem \(store)"
        #expect(try await Tool.serval.run(line, in: folder, environment: environment).status == 1)
        #expect(try await Tool.serval.run(line + " -trustcacerts", in: folder, environment: environment).status == 0)
        #expect(try await chain() == fullChain)
    }

    @Test(arguments: ["bundle", "reversed", "pkcs7", "pkcs7der"])
    func bundles(form: String) async throws {
        try await prepare()
        let parts = try ["tomcat.pem", "middle.pem", "root.pem"].map(folder.text)
        try folder.write(parts.joined(separator: "# a comment between\n"), to: "bundle")
        try folder.write(parts.reversed().joined(), to: "reversed")
        try await openssl("crl2pkcs7 -nocrl -certfile reversed -out pkcs7")
        try await openssl("crl2pkcs7 -nocrl -certfile reversed -outform DER -out pkcs7der")
        let question = "\nTop-level certificate in reply:\n\n... is not trusted. Install reply anyway? [no]:  "
        let line = "-import -alias tomcat -file \(form) \(store)"
        let refused = try await serval(line, input: "no\n")
        #expect(refused.errors == question + "Certificate reply was not installed in keystore\n")
        #expect(refused.output.hasPrefix("Owner: CN=Root\n"))
        #expect(try await chain() == [fullChain[0]])
        #expect(try await serval(line, input: "yes\n").errors == question + "Certificate reply was installed in keystore\n")
        #expect(try await chain() == fullChain)
        #expect(try await serval("-import -noprompt -alias tomcat -file \(form) \(store)").errors == "Certificate reply was installed in keystore\n")
    }

    @Test func aBundleWithoutItsRootIsCompletedFromTheStore() async throws {
        try await prepare()
        try folder.write(try folder.text("middle.pem") + folder.text("tomcat.pem"), to: "bundle")
        #expect(try await serval("-import -noprompt -alias root -file root.pem \(store)").status == 0)
        #expect(try await serval("-import -alias tomcat -file bundle \(store)").errors == "Certificate reply was installed in keystore\n")
        #expect(try await chain() == fullChain)
    }

    @Test func repliesForOtherKeysAreRefused() async throws {
        try await prepare()
        #expect(try await serval("-genkey -alias other -keyalg EC -dname CN=other \(store)").status == 0)
        let single = try await serval("-import -alias other -file tomcat.pem \(store)")
        #expect(single.output == "keytool error: java.lang.Exception: Public keys in reply and keystore don't match\n")
        try folder.write(try folder.text("tomcat.pem") + folder.text("middle.pem"), to: "bundle")
        let bundle = try await serval("-import -alias other -file bundle \(store)")
        #expect(bundle.output == "keytool error: java.lang.Exception: Certificate reply does not contain public key for <other>\n")
        // Two certificates of which neither signed the other.
        try folder.write(try folder.text("tomcat.pem") + folder.text("root.pem"), to: "gap")
        let gap = try await serval("-import -alias tomcat -file gap \(store)")
        #expect(gap.output == "keytool error: java.lang.Exception: Incomplete certificate chain in reply\n")
    }

    @Test func textAroundCertificatesAndDER() async throws {
        try await prepare()
        try await openssl("x509 -in root.pem -text -out text.pem")
        try await openssl("x509 -in root.pem -outform DER -out root.der")
        try folder.write("# before\n\n" + folder.text("root.pem") + "after\n", to: "commented.pem")
        for (index, name) in ["text.pem", "root.der", "commented.pem"].enumerated() {
            let run = try await serval("-import -noprompt -alias r\(index) -file \(name) \(store)")
            #expect(run == ToolRun(status: 0, output: "", errors: "Certificate was added to keystore\n"), "\(name)")
        }
        // From standard input, and out again.
        #expect(try await serval("-import -noprompt -alias piped \(store)", input: folder.text("root.pem")).status == 0)
        #expect(try await serval("-exportcert -rfc -alias piped \(store)").output == folder.text("root.pem"))
        #expect(try await serval("-export -alias piped -file out.der \(store)").errors == "Certificate stored in file <out.der>\n")
        #expect(try folder.read("out.der") == folder.read("root.der"))
    }

    @Test func aFileOfSeveralTrustedCertificatesIsNotTakenSilently() async throws {
        try await prepare()
        try folder.write(try folder.text("root.pem") + folder.text("middle.pem"), to: "two.pem")
        let run = try await serval("-import -noprompt -alias both -file two.pem \(store)")
        #expect(
            run.errors == """
                Certificate was added to keystore

                Warning:
                The file holds 2 certificates. Only the first one was imported; import the others under aliases of their own.

                """
        )
    }

    @Test func theHostNameBecomesASubjectAlternativeName() async throws {
        try await prepare()
        try await openssl("pkcs12 -in s.p12 -passin pass:changeit -nokeys -out own.pem")
        let names = try await Tool.openssl.run("x509 -in own.pem -noout -ext subjectAltName", in: folder)
        #expect(names.output.contains("DNS:www.myside.org\n"))

        for (index, line) in ["-dname CN=www.a.org -ext san=dns:other.org", "-dname CN=Duke", "-dname CN=10.0.0.1", "-dname 'CN=John B. Doe'"]
            .enumerated()
        {
            let run = try await serval("-genkey -alias n\(index) -keyalg EC \(line) \(store)")
            #expect(run.status == 0)
            #expect(!run.errors.contains("Added"))
            #expect(try await serval("-list -v -alias n\(index) \(store)").output.contains("DNSName: ") == (index == 0))
        }
    }

    @Test func openSSLReadsOurStores() async throws {
        try await prepare()
        let info = try await Tool.openssl.run("pkcs12 -info -in s.p12 -passin pass:changeit -nodes", in: folder)
        #expect(info.status == 0)
        #expect(info.errors.contains("MAC: sha256, Iteration 10000"))
        #expect(info.output.contains("friendlyName: tomcat"))
        #expect(info.output.contains("BEGIN PRIVATE KEY"))
        let attributes = try FileManager.default.attributesOfItem(atPath: folder.path("s.p12"))
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
    }

    @Test func theDocumentsOpenSSLExportIsReadWithItsChain() async throws {
        try await prepare()
        try await openssl("req -newkey rsa:2048 -nodes -keyout mykey.key -out my.csr -subj /CN=localhost")
        try await openssl("x509 -req -in my.csr -CA root.pem -CAkey root.key -CAcreateserial -out mycert.crt -days 30")
        try await openssl(
            "pkcs12 -export -in mycert.crt -inkey mykey.key -out mycert.p12 -name tomcat -CAfile root.pem -caname root -chain -passout pass:changeit"
        )
        let list = try await serval("-list -v -keystore mycert.p12 -storepass changeit")
        #expect(list.output.contains("Alias name: tomcat\n"))
        #expect(list.output.contains("Certificate chain length: 2\n"))
        #expect(list.output.contains("Owner: CN=localhost\nIssuer: CN=Root\n"))
    }
}
