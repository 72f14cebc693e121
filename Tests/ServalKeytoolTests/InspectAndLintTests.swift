import Foundation
import Testing

/// `-inspect` and `-lint`: words, exit codes, and JSON that Python reads.
@Suite struct InspectAndLintTests {
    private let folder = Folder()

    private func serval(_ line: String, input: String = "") async throws -> ToolRun {
        try await Tool.serval.run(line, input: input, in: folder, environment: ["SSL_CERT_FILE": folder.path("none.pem")])
    }

    /// A store with a server's key and its whole chain, and nothing wrong with it.
    private func prepare() async throws -> Authorities {
        let authorities = try await Authorities(in: folder)
        try await authorities.request("server", subject: "/CN=www.example.org")
        try await authorities.sign("server", by: "middle")
        try authorities.join("server.pem", "middle.pem", "root.pem", to: "chain")
        #expect(try await serval("-importkey -alias tomcat -file server.key -certfile chain -keystore s.p12 -storepass changeit").status == 0)
        return authorities
    }

    /// What `python3` finds in the output, by an expression over `d`.
    private func python(_ expression: String, _ json: String) async throws -> String {
        try folder.write(json, to: "out.json")
        let run = try await Tool(path: "/usr/bin/env", leadingArguments: ["python3"]).run(
            ["-c", "import json; d = json.load(open('out.json')); print((\(expression)))"],
            in: folder
        )
        #expect(run.status == 0, "\(run.errors)\(json)")
        return run.output.trimmingCharacters(in: .newlines)
    }

    @Test func aCleanStore() async throws {
        _ = try await prepare()
        let run = try await serval("-lint -keystore s.p12 -storepass changeit")
        #expect(run == ToolRun(status: 0, output: "s.p12: nothing found\n", errors: ""))
        let json = try await serval("-lint -json -keystore s.p12 -storepass changeit")
        #expect(json.status == 0)
        #expect(
            try await python(
                "d['version'], d['worst'], d['days'], d['files'][0]['file'], d['files'][0]['format'], d['files'][0]['findings']",
                json.output
            ) == "(1, None, 30, 's.p12', 'pkcs12', [])"
        )
    }

    @Test func exitCodesAndFindings() async throws {
        let authorities = try await prepare()
        // The certificates are closed without the password: a warning.
        #expect(try await serval("-lint s.p12").status == 2)
        #expect(try await serval("-lint -keystore s.p12 -storepass wrong1").status == 3)
        #expect(try await serval("-lint missing.p12").status == 3)
        #expect(try await serval("-lint -bogus").status == 1)
        #expect(try await serval("-lint -days x s.p12").status == 1)
        #expect(try await serval("-lint -days 365 -keystore s.p12 -storepass changeit").status == 2)
        try await authorities.sign("server", by: "middle", as: "old", days: 1)
        let soon = try await serval("-lint -json old.pem")
        #expect(soon.status == 2)
        #expect(
            try await python("[(f['code'], f['severity'], f['alias']) for f in d['files'][0]['findings']]", soon.output)
                == "[('expires-soon', 'warning', None), ('chain-incomplete', 'warning', None)]"
        )
        // A self-signed certificate of the JDK's kind is fine.
        #expect(try await serval("-genkey -alias a -keyalg EC -dname CN=www.example.org -keystore own.p12 -storepass changeit").status == 0)
        let own = try await serval("-lint -keystore own.p12 -storepass changeit")
        #expect(own.status == 0)
        #expect(own.output.contains("info: self-signed (<a>)"))
        // Several files, the worst decides; and one alias of several.
        let several = try await serval("-lint old.pem own.p12 missing -storepass changeit")
        #expect(several.status == 3)
        #expect(several.output.components(separatedBy: "\n").filter { !$0.hasPrefix(" ") && !$0.isEmpty }.count == 3)
        // Monitoring that watches a misspelt alias must not be told that nothing was found.
        let misspelt = try await serval("-lint -alias nobody -keystore own.p12 -storepass changeit")
        #expect(misspelt == ToolRun(status: 1, output: "keytool error: java.lang.Exception: Alias <nobody> does not exist\n", errors: ""))
    }

    @Test func whatTheJDKWrote() async throws {
        let genkey = "-genkey -alias k -keyalg RSA -keysize 1024 -sigalg SHA1withRSA -dname CN=www.example.org -storepass changeit -keypass changeit"
        #expect(try await Tool.jdk.run("\(genkey) -keystore weak.jks -storetype JKS", in: folder).status == 0)
        let run = try await serval("-lint -json -keystore weak.jks -storepass changeit")
        #expect(run.status == 3)
        let codes = try await python("sorted(set(f['code'] for f in d['files'][0]['findings']))", run.output)
        for code in ["weak-key", "weak-signature", "missing-san", "proprietary-format", "self-signed"] {
            #expect(codes.contains("'\(code)'"), "\(code)")
        }
        let inspect = try await serval("-inspect weak.jks -storepass changeit")
        #expect(inspect.status == 0)
        #expect(inspect.output.hasPrefix("weak.jks: JKS key store (Java's old format), "))
        #expect(inspect.output.contains("  Checksum: SHA-1 with the password, correct\n"))
        #expect(inspect.output.contains("  1. Private key <k>\n"))
    }

    @Test func inspectSaysWhatAFileIs() async throws {
        _ = try await prepare()
        try folder.write("<html><title>404</title>", to: "page.crt")
        try folder.write("", to: "empty")
        let run = try await serval("-inspect page.crt")
        #expect(run.status == 0)
        #expect(
            run.output.hasPrefix(
                "page.crt: HTML page, 24 bytes\n  Title: 404\n\nFindings: 1 error\n  error: not-key-material\n    This is a web page"
            )
        )
        #expect(try await serval("-inspect empty").output.hasPrefix("empty: empty file, 0 bytes\n"))
        #expect(try await serval("-inspect .").output.hasPrefix(".: directory, "))
        let missing = try await serval("-inspect missing")
        #expect(missing.status == 1)
        #expect(missing.output.contains("No such file or directory"))
        #expect(try await serval("-inspect").status == 1)
        let json = try await serval("-inspect -json -storepass changeit s.p12 page.crt")
        #expect(
            try await python(
                "[(f['format'], len(f['items'])) for f in d['files']], d['files'][0]['items'][0]['certificates'][0]['details']['subject']",
                json.output
            )
                == "([('pkcs12', 1), ('html', 0)], 'CN=www.example.org')"
        )
        #expect(try await python("d['files'][0]['details']['mac']", json.output) == "HMAC-SHA256, 10000 rounds, 20 bytes of salt")
    }

    @Test func hostileNames() async throws {
        // Control characters, quotes, line ends and text that turns around, in a name and in a file's name.
        let authorities = try await prepare()
        let name = "a\u{1B}[31m\"\\\n{\u{202E}\u{85}é"
        try await authorities.request("evil", subject: "/CN=x")
        let run = try await Tool.openssl.run(
            [
                "req", "-x509", "-utf8", "-new", "-key", "evil.key", "-subj", "/CN=\(name.replacingOccurrences(of: "\\", with: "\\\\"))", "-out",
                "evil.pem", "-days", "90",
            ],
            in: folder
        )
        #expect(run.status == 0, "\(run.errors)")
        let file = "e\"\\\u{1B}\nvil.pem"
        try folder.copy("evil.pem", to: file)
        for command in ["-lint", "-inspect"] {
            let json = try await Tool.serval.run([command, "-json", file], in: folder)
            #expect(!json.output.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" || (0x7F...0x9F).contains($0.value) || $0.value == 0x202E })
            #expect(try await python("d['files'][0]['file'] == 'e\"\\\\\\x1b\\nvil.pem'", json.output) == "True")
            let text = try await Tool.serval.run([command, file], in: folder)
            #expect(!text.output.contains("\u{1B}"))
        }
        let inspect = try await Tool.serval.run(["-inspect", "-json", "evil.pem"], in: folder)
        #expect(try await python("'\\x1b' in d['files'][0]['items'][0]['details']['subject']", inspect.output) == "True")
    }

    @Test(arguments: ["\n", "\r\n"]) func anAliasMakesNoLineOfItsOwn(_ lineEnd: String) async throws {
        let alias = "a\(lineEnd)forged"
        let made = try await Tool.serval.run(
            ["-genkeypair", "-alias", alias, "-keyalg", "EC", "-dname", "CN=x", "-keystore", "k.jks", "-storetype", "JKS", "-storepass", "changeit"],
            in: folder
        )
        #expect(made.status == 0, "\(made.errors)")
        for command in ["-lint", "-inspect"] {
            let run = try await serval("\(command) -storepass changeit k.jks")
            #expect(run.output.contains("a forged"))
            #expect(!run.output.unicodeScalars.split(separator: "\n").contains { String($0).hasPrefix("forged") })
        }
    }

    @Test func usageAndHelp() async throws {
        let lint = try await serval("-lint -help")
        #expect(lint.status == 0)
        #expect(lint.errors.hasPrefix("keytool -lint [OPTION]... FILE...\n\nFinds what is wrong"))
        #expect(lint.errors.contains(" -json "))
        // The JDK's own commands take neither the new options nor bare words.
        #expect(try await serval("-list -json -keystore s.p12").errors.hasPrefix("Illegal option:  -json\n"))
        #expect(try await serval("-list s.p12").errors.hasPrefix("Illegal option:  s.p12\n"))
        let help = try await serval("-help").errors
        for command in ["-importkey", "-exportkey", "-inspect", "-lint"] { #expect(help.contains("\n \(command) ")) }
    }
}
