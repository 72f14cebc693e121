import Foundation
import Testing

/// `-importcert` of what the JDK's tool refuses: replies in any order, format and mixture.
@Suite struct ImportReplyTests {
    private let folder = Folder()
    private let store = "-keystore s.p12 -storepass changeit"

    private func serval(_ line: String, input: String = "") async throws -> ToolRun {
        try await Tool.serval.run(line, input: input, in: folder, environment: ["SSL_CERT_FILE": folder.path("none.pem")])
    }

    /// Authorities, a key `tomcat` in the store, and the certificate for it, `tomcat.pem`.
    private func prepare() async throws -> Authorities {
        let authorities = try await Authorities(in: folder)
        #expect(try await serval("-genkey -alias tomcat -keyalg EC -dname CN=www.example.org \(store)").status == 0)
        #expect(try await serval("-certreq -alias tomcat -file tomcat.csr \(store)").status == 0)
        try await authorities.sign("tomcat", by: "middle")
        return authorities
    }

    private func chain(_ alias: String = "tomcat") async throws -> [String] {
        let list = try await serval("-list -v -nowarn -alias \(alias) \(store)").output
        return list.split(separator: "\n").filter { $0.hasPrefix("Owner: ") }.map { String($0.dropFirst(10)) }
    }

    private let fullChain = ["www.example.org", "Middle", "Root"]
    private let installed = "Certificate reply was installed in keystore\n"

    @Test("F14: replies in any order, format and mixture")
    func mixtures() async throws {
        let authorities = try await prepare()
        try await authorities.request("other", subject: "/CN=other")
        try await authorities.sign("other", by: "root")
        for name in ["root", "middle", "tomcat"] { try await authorities.openssl("x509 -in \(name).pem -outform DER -out \(name).der") }
        try authorities.join("root.pem", "tomcat.pem", "middle.pem", "root.pem", "other.pem", "tomcat.pem", to: "mixed")
        try folder.write("\u{FEFF}# from the CA\r\n" + folder.text("mixed").replacingOccurrences(of: "\n", with: "\r\n"), to: "windows")
        try authorities.join("other.key", "mixed", to: "withkey")
        try folder.write(bytes: ["root", "tomcat", "middle"].flatMap { try [UInt8](folder.read("\($0).der")) }, to: "der")
        try folder.write(bytes: try [UInt8](folder.read("tomcat.der")) + Array("\n# and now PEM\n".utf8) + [UInt8](folder.read("mixed")), to: "both")
        try folder.write(bytes: try [UInt8](#require(folder.text("mixed").data(using: .utf16))), to: "utf16")
        try folder.write(folder.text("mixed").replacingOccurrences(of: "\n", with: "\\n"), to: "escaped")
        try folder.write(bytes: ["tomcat.pem", "middle.der", "other.pem", "root.der"].flatMap { try [UInt8](folder.read($0)) }, to: "cat")
        for name in ["mixed", "windows", "withkey", "der", "both", "utf16", "escaped", "cat"] {
            try folder.copy("s.p12", to: "\(name).p12")
            let line = "-importcert -noprompt -alias tomcat -file \(name) -keystore \(name).p12 -storepass changeit"
            let run = try await serval(line)
            #expect(run.status == 0, "\(name): \(run.output)\(run.errors)")
            #expect(run.errors.hasPrefix(installed))
            #expect(run.errors.contains("Left out, as the chain is complete without: <CN=other>") == (name != "der"), "\(name): \(run.errors)")
            let list = try await serval("-list -v -nowarn -alias tomcat -keystore \(name).p12 -storepass changeit").output
            #expect(list.split(separator: "\n").filter { $0.hasPrefix("Owner: CN=") }.map { String($0.dropFirst(10)) } == fullChain, "\(name)")
        }
    }

    @Test func theAliasIsFoundByThePublicKey() async throws {
        let authorities = try await prepare()
        #expect(try await serval("-genkey -alias second -keyalg EC -dname CN=second \(store)").status == 0)
        try authorities.join("middle.pem", "root.pem", "tomcat.pem", to: "reply")
        let dry = try await serval("-importcert -dryrun -file reply \(store)")
        #expect(dry.errors == "The certificate belongs to the key of alias <tomcat>, and is installed there.\n")
        #expect(dry.output.contains("a chain of length 3:\n  1. CN=www.example.org  (from the reply)\n"))
        #expect(dry.output.contains("Would ask whether to trust the last one"))
        #expect(try await chain() == ["www.example.org"])
        let run = try await serval("-importcert -file reply \(store)", input: "yes\n")
        #expect(run.errors.hasPrefix("The certificate belongs to the key of alias <tomcat>"))
        #expect(run.errors.hasSuffix("Install reply anyway? [no]:  " + installed))
        #expect(try await chain() == fullChain)

        // A certificate for no key here is what it always was: trusted, under the default name.
        let root = try await serval("-importcert -noprompt -file root.pem \(store)")
        #expect(root == ToolRun(status: 0, output: "", errors: "Certificate was added to keystore\n"))
        #expect(try await chain("mykey") == ["Root"])
    }

    @Test func aRenewalUsesThePresentIssuers() async throws {
        let authorities = try await prepare()
        try authorities.join("tomcat.pem", "middle.pem", "root.pem", to: "reply")
        #expect(try await serval("-importcert -noprompt -alias tomcat -file reply \(store)").status == 0)
        try await authorities.sign("tomcat", by: "middle", as: "renewed", days: 300)
        let run = try await serval("-importcert -alias tomcat -file renewed.pem \(store)")
        #expect(run.errors == "The chain was completed with the issuers of the present certificate.\n" + installed)
        #expect(try await chain() == fullChain)
    }

    @Test func crossSignedRootsAndSeveralOfOneName() async throws {
        let authorities = try await prepare()
        // The same root key signed by an older root that is not at hand, and a stranger with the intermediate's name.
        try await authorities.root("old", subject: "/CN=Old")
        try await authorities.sign("root", by: "old", as: "cross", extensions: "ca.ext")
        try await authorities.authority("stranger", subject: "/CN=Middle", below: "root")
        try authorities.join("cross.pem", "stranger.pem", "tomcat.pem", "middle.pem", "root.pem", to: "reply")
        let run = try await serval("-importcert -noprompt -alias tomcat -file reply \(store)")
        #expect(run.errors.hasPrefix(installed), "\(run.output)\(run.errors)")
        #expect(try await chain() == fullChain)
        // The older root is the one that is trusted: the chain goes there.
        #expect(try await serval("-importcert -noprompt -alias old -file old.pem \(store)").status == 0)
        try authorities.join("root.pem", "cross.pem", "tomcat.pem", "middle.pem", to: "reply")
        #expect(try await serval("-importcert -alias tomcat -file reply \(store)").status == 0)
        #expect(try await chain() == fullChain + ["Old"])
    }

    @Test func whatIsMissingIsNamed() async throws {
        let authorities = try await prepare()
        let line = "-importcert -alias tomcat -file tomcat.pem \(store)"
        let run = try await serval(line)
        #expect(run.status == 1)
        #expect(run.output == "keytool error: java.lang.Exception: Failed to establish chain from reply\n")
        #expect(run.errors.contains("Missing:  the certificate of CN=Middle (key identifier "))
        #expect(run.errors.contains("Where:    http://ca.example/middle.crt (named in the certificate; nothing was fetched)"))
        #expect(run.errors.contains("-certfile"))
        try authorities.join("middle.pem", "root.pem", to: "system.pem")
        let hint = try await Tool.serval.run(line, in: folder, environment: ["SSL_CERT_FILE": folder.path("system.pem")])
        #expect(hint.errors.contains("repeat the command with -trustcacerts"))
        #expect(
            try await Tool.serval.run(line + " -trustcacerts -dryrun", in: folder, environment: ["SSL_CERT_FILE": folder.path("system.pem")]).output
                .contains("3. CN=Root  (from the system's authorities)")
        )
        // With the root only, the chain has a gap; with an impostor, a certificate of that name that did not sign.
        try authorities.join("tomcat.pem", "root.pem", to: "gap")
        let gap = try await serval("-importcert -alias tomcat -file gap \(store)")
        #expect(gap.output == "keytool error: java.lang.Exception: Incomplete certificate chain in reply\n")
        #expect(gap.errors.contains("Missing:  the certificate of CN=Middle"))
        try await authorities.authority("impostor", subject: "/CN=Middle", below: "root")
        let impostor = try await serval("-importcert -alias tomcat -file tomcat.pem -certfile impostor.pem -certfile root.pem \(store)")
        #expect(impostor.status == 1)
        #expect(impostor.errors.contains("its key did not make the signature"))
        // What is missing from the file may come from the store.
        #expect(try await serval("-importcert -noprompt -alias middle -file middle.pem \(store)").status == 0)
        let completed = try await serval("-importcert -noprompt -alias tomcat -file gap \(store)")
        #expect(completed.errors == installed)
        #expect(try await chain() == fullChain)
    }

    @Test func severalFiles() async throws {
        _ = try await prepare()
        let run = try await serval("-importcert -noprompt -alias tomcat -file tomcat.pem -certfile root.pem -certfile middle.pem \(store)")
        #expect(run.errors == installed, "\(run.output)")
        #expect(try await chain() == fullChain)
    }

    @Test func repliesForOtherKeysAndFilesThatAreNone() async throws {
        _ = try await prepare()
        #expect(try await serval("-genkey -alias second -keyalg EC -dname CN=second \(store)").status == 0)
        let other = try await serval("-importcert -alias second -file tomcat.pem \(store)")
        #expect(other.output == "keytool error: java.lang.Exception: Public keys in reply and keystore don't match\n")
        #expect(other.errors == "The reply belongs to the key of alias <tomcat>: use -alias.\n")
        try folder.write("<html><title>Sign in</title></html>", to: "reply.crt")
        let page = try await serval("-importcert -alias tomcat -file reply.crt \(store)")
        #expect(page.status == 1)
        #expect(page.errors.hasPrefix("reply.crt: HTML page. This is a web page"))
        // The request itself instead of the reply.
        let request = try await serval("-importcert -alias tomcat -file tomcat.csr \(store)")
        #expect(request.status == 1)
    }

    @Test func dryRunsWriteNothing() async throws {
        _ = try await prepare()
        let before = try folder.read("s.p12")
        let trusted = try await serval("-importcert -dryrun -alias root -file root.pem \(store)")
        #expect(trusted.status == 0)
        #expect(trusted.output.hasPrefix("Dry run: nothing is written.\nWould add under alias <root>"))
        #expect(try await serval("-importcert -dryrun -alias r -file root.pem -keystore new.p12 -storepass changeit").status == 0)
        #expect(!folder.exists("new.p12"))
        #expect(try folder.read("s.p12") == before)
        // Commands that know no dry run do not pretend to make one.
        let delete = try await serval("-delete -dryrun -alias tomcat \(store)")
        #expect(delete.status == 1)
        #expect(delete.errors.hasPrefix("Illegal option:  -dryrun\n"))
        #expect(try folder.read("s.p12") == before)
    }
}
