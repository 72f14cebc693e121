import Foundation
import Testing

/// `-printcrl`.
@Suite struct PrintRevocationListTests {
    private let folder = Folder()
    private var jdk: ReadingComparison { ReadingComparison(folder: folder) }

    private static let configuration = """
        [ca]
        default_ca=c
        [c]
        database=index.txt
        crlnumber=number
        default_md=sha256
        default_crl_days=30
        [full]
        authorityKeyIdentifier=keyid:always,issuer:always
        issuingDistributionPoint=critical,@idp
        issuerAltName=DNS:ca.example
        2.5.29.27=critical,ASN1:INTEGER:5
        freshestCRL=URI:http://fresh/
        1.2.3.4=DER:0102
        [idp]
        fullname=URI:http://x/y.crl
        onlyCA=TRUE
        onlysomereasons=keyCompromise,CACompromise
        indirectCRL=TRUE

        """

    private func makeLists() async throws {
        try folder.write(Self.configuration, to: "ca.cnf")
        try folder.write("1000\n", to: "number")
        try folder.write("", to: "index.txt")
        try await folder.makeCertificate("root")
        try await folder.makeCertificate("weak", key: "rsa:1024", "-sha1")
        let sign = "ca -config ca.cnf -gencrl"
        try await folder.openssl("\(sign) -keyfile root.key -cert root.pem -out empty.crl")
        let entries = [
            "260101000000Z,keyCompromise\t01", "260102000000Z\tFF02", "260103000000Z,holdInstruction,holdInstructionReject\t03",
            "260104000000Z,keyTime,20250101000000Z\t04", "260105000000Z,removeFromCRL\t05", "260106000000Z,unspecified\t00",
        ]
        try folder.write(entries.map { "R\t300101000000Z\t\($0)\tunknown\t/CN=a\n" }.joined(), to: "index.txt")
        try await folder.openssl("\(sign) -keyfile root.key -cert root.pem -crlexts full -out full.crl")
        try await folder.openssl("\(sign) -keyfile weak.key -cert weak.pem -md sha1 -out weak.crl")
        for name in ["root", "weak"] {
            let line = "-import -noprompt -alias \(name) -file \(name).pem -keystore t.p12 -storepass changeit"
            #expect(try await Tool.serval.run(line, in: folder).status == 0)
        }
    }

    @Test func listsAndTheirSigners() async throws {
        try await makeLists()
        try await jdk.same("-printcrl -file empty.crl")
        try await jdk.same("-printcrl -file full.crl -trustcacerts")
        try await jdk.same("-printcrl -file full.crl -keystore t.p12 -storepass changeit")
        try await jdk.same("-printcrl -file weak.crl -keystore t.p12 -storepass changeit")
        try await jdk.same("-printcrl -file weak.crl -keystore t.p12")
        try await folder.openssl("crl -in full.crl -outform DER -out full.der")
        try await jdk.same("-printcrl -rfc -file full.der")
        try folder.write(folder.text("weak.crl") + folder.text("empty.crl"), to: "two.crl")
        try await jdk.same("-printcrl -v", input: folder.text("two.crl"))
        try await folder.openssl("crl2pkcs7 -in full.crl -out full.p7")
        try await jdk.same("-printcrl -file full.p7")
    }

    @Test func theSystemsAuthorities() async throws {
        try await makeLists()
        let environment = ["SSL_CERT_FILE": folder.path("root.pem")]
        let run = try await Tool.serval.run("-printcrl -file empty.crl -trustcacerts", in: folder, environment: environment)
        #expect(run.output.hasSuffix("\nVerified by CN=root in cacerts with a 256-bit EC (secp256r1) key\n"))
    }

    @Test func whatIsNoList() async throws {
        try await folder.makeCertificate("a")
        try folder.write("", to: "empty")
        try folder.write("hello\n", to: "text")
        for file in ["empty", "text", "missing"] { try await jdk.same("-printcrl -file \(file)") }
        try await jdk.same("-printcrl -bogus")
        let run = try await Tool.serval.run("-printcrl -file a.pem", in: folder)
        #expect(run.status == 1)
        #expect(run.output.hasPrefix("keytool error: java.security.cert.CRLException: Not a certificate revocation list: "))
    }

    @Test func aHundredThousandEntries() async throws {
        try folder.write(Self.configuration, to: "ca.cnf")
        try folder.write("1000\n", to: "number")
        try await folder.makeCertificate("root")
        var index = ""
        for number in 0x100000..<0x100000 + 100_000 {
            index += "R\t300101000000Z\t260101000000Z,keyCompromise\t\(String(number, radix: 16, uppercase: true))\tunknown\t/CN=a\(number)\n"
        }
        try folder.write(index, to: "index.txt")
        try await folder.openssl("ca -config ca.cnf -gencrl -keyfile root.key -cert root.pem -out large.crl")
        // Four seconds of computing in a debug build. The clock on the wall says nothing on a busy machine, so the computing is what is limited.
        let run = try await Tool(path: "/bin/sh").run(["-c", "ulimit -t 30; exec '\(Tool.serval.path)' -printcrl -file large.crl"], in: folder)
        #expect(run.status == 0)
        #expect(run.output.contains("\nRevoked Certificates: 100000\n[1] SerialNumber: 10:00:00  On: Thu Jan 01 00:00:00 UTC 2026\n"))
        #expect(run.output.contains("\n[100000] SerialNumber: 11:86:9f  On: "))
    }
}
