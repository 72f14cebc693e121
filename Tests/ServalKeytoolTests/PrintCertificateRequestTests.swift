import Foundation
import Testing

/// `-printcertreq`.
@Suite struct PrintCertificateRequestTests {
    private let folder = Folder()
    private var jdk: ReadingComparison { ReadingComparison(folder: folder) }

    private func makeRequest() async throws {
        try folder.write(
            """
            [req]
            distinguished_name=dn
            attributes=at
            req_extensions=v
            prompt=no
            [dn]
            CN=reqé
            [at]
            challengePassword=secret
            unstructuredName=Foo Bar
            unstructuredAddress=somewhere
            [v]
            basicConstraints=CA:FALSE
            subjectAltName=DNS:a.b
            inhibitAnyPolicy=3
            1.2.3.4=DER:0102

            """,
            to: "q.cnf"
        )
        try await folder.openssl("req -new -newkey rsa:1024 -sha1 -nodes -keyout q.key -out q.csr -config q.cnf -utf8")
    }

    @Test func attributesExtensionsAndWarnings() async throws {
        try await makeRequest()
        try await jdk.same("-printcertreq -file q.csr")
        try await jdk.same("-printcertreq -v -nowarn", input: "some text before\n" + folder.text("q.csr"))
        // Without a name, attributes and extensions; and names of several attributes.
        try await folder.openssl("req -new -newkey ed25519 -nodes -keyout e.key -out e.csr -subj /")
        try await folder.openssl("req -new -key q.key -sigopt rsa_padding_mode:pss -out p.csr -subj '/CN=a+O=b/OU= x' -multivalue-rdn")
        try await jdk.same("-printcertreq -file e.csr")
        try await jdk.same("-printcertreq -file p.csr")
    }

    @Test func requestsOfBothTools() async throws {
        for (index, tool) in [Tool.serval, .jdk].enumerated() {
            let store = "-keystore \(index).p12 -storepass changeit"
            #expect(try await tool.run("-genkeypair -alias a -keyalg EC -dname 'CN=a, O=\"b, c\"' \(store)", in: folder).status == 0)
            #expect(try await tool.run("-certreq -alias a -ext san=dns:a.b -ext bc:c -file \(index).csr \(store)", in: folder).status == 0)
            try await jdk.same("-printcertreq -file \(index).csr")
        }
    }

    @Test func whatIsNoRequest() async throws {
        try await makeRequest()
        try folder.write("", to: "empty")
        try folder.write("hello\n", to: "text")
        for file in ["empty", "text", "missing"] { try await jdk.same("-printcertreq -file \(file)") }
        // A request whose signature is wrong was not made by the owner of its key.
        try await folder.openssl("req -in q.csr -outform DER -out q.der")
        var der = [UInt8](try folder.read("q.der"))
        der[der.count - 5] ^= 1
        let text =
            "-----BEGIN CERTIFICATE REQUEST-----\n\(Data(der).base64EncodedString(options: .lineLength64Characters))\n-----END CERTIFICATE REQUEST-----\n"
        try folder.write(text.replacingOccurrences(of: "\r\n", with: "\n"), to: "forged.csr")
        try await jdk.same("-printcertreq -file forged.csr")
        for length in stride(from: 1, to: der.count, by: 41) {
            try folder.write(bytes: Array(der.prefix(length)), to: "cut")
            let run = try await Tool.serval.run("-printcertreq -file cut", in: folder)
            #expect(run.status == 1)
            #expect(run.output.hasPrefix("keytool error: java.io.IOException: Not a certificate request"))
        }
    }

    @Test func requestsInDER() async throws {
        try await makeRequest()
        try await folder.openssl("req -in q.csr -outform DER -out q.der")
        #expect(
            try await Tool.serval.run("-printcertreq -file q.der", in: folder) == (try await Tool.serval.run("-printcertreq -file q.csr", in: folder))
        )
    }
}
