import ServalKeyStore
import SwiftASN1
import Testing
import X509

@Suite struct DistinguishedNameTests {
    static let names: [(text: String, printed: String)] = [
        ("CN=Duke, OU=Java, O=Oracle, C=US", "CN=Duke, OU=Java, O=Oracle, C=US"),
        ("cn=Duke;ou = Java ,O=\"Example, Inc.\"", "CN=Duke, OU=Java, O=\"Example, Inc.\""),
        ("CN=a\\, b\\+c, L=\\ lead", "CN=\"a, b+c\", L=\" lead\""),
        ("CN=\"say \\\"hi\\\" now\"", "CN=\"say \\\"hi\\\" now\""),
        ("CN=J\\C3\\BCrgen, ST=a  b, S=c", "CN=Jürgen, ST=\"a  b\", ST=c"),
        ("EMAILADDRESS=a@b.c, DC=example, T=Dr, SERIALNUMBER=5, STREET=x y", "EMAILADDRESS=a@b.c, DC=example, T=Dr, SERIALNUMBER=5, STREET=x y"),
        ("OID.1.2.3=zz, 1.2.4=yy, UID=u, GIVENNAME=g", "OID.1.2.3=zz, OID.1.2.4=yy, UID=u, GIVENNAME=g"),
        ("CN=#0C024142", "CN=AB"), ("", ""), ("CN=東京", "CN=東京"), ("CN=Unknown, OU=\"\\\\\"", "CN=Unknown, OU=\"\\\\\""),
        ("CN=a+OU=b, O=c", "CN=a + OU=b, O=c"), ("OU=\"x+y\" + CN=a;C=US", "CN=a + OU=\"x+y\", C=US"), ("CN=, O=x", "CN=, O=x"),
    ]

    @Test(arguments: names)
    func namesAreReadAndPrintedAsByTheJDK(_ text: String, _ printed: String) throws {
        #expect(try DistinguishedName(dname: text).dname == printed)
        #expect(try DistinguishedName(dname: printed).dname == printed)
    }

    @Test func whatSeparatesIsQuotedWhateverStandsOnIt() throws {
        for value in ["a,\u{301}b", "a\r\nb", "a+\u{308}"] {
            let name = DistinguishedName([.init([.init(type: .RDNAttributeType.commonName, utf8String: value)])])
            #expect(name.dname == "CN=\"\(value)\"")
            #expect(try DistinguishedName(dname: name.dname).dname == name.dname)
        }
    }

    /// The same names through the JDK: its encoding and its printing are the measure.
    @Test func theJDKAgrees() throws {
        let folder = try Folder()
        let text = "CN=\"a, b\", OU=J\\C3\\BCrgen, OID.1.2.3=zz, EMAILADDRESS=a@b.c, DC=example, L=\\ lead, ST=a  b, O=\"q\\\"q\"+T=t, S=, C=US"
        try Tool.keytool(
            "-genkeypair",
            "-alias",
            "a",
            "-keyalg",
            "EC",
            "-groupname",
            "secp256r1",
            "-dname",
            text,
            "-keystore",
            folder("a.p12"),
            "-storepass",
            "changeit"
        )
        let certificate = try #require(try KeyStore(contentsOf: folder("a.p12"), password: "changeit").key("a").certificateChain.first)
        var serializer = DER.Serializer()
        try serializer.serialize(DistinguishedName(dname: text))
        #expect(try certificate.fields().subject.der == serializer.serializedBytes)
        let list = try Tool.keytool("-list", "-v", "-keystore", folder("a.p12"), "-storepass", "changeit")
        #expect(try list.contains("Owner: \(certificate.fields().subject.description)\n"))
    }

    @Test(arguments: [
        "Duke", "=x", "CN=a, ", "CN=a+", "+CN=a", "CN=a\\xb", "CN=a<b", "FOO=x", "CN=\"open", "CN=\"a\" b", "CN=a\\", "CN=#0", "CN=#FFFF", "CN=a\"b",
        "OID.x=1",
        "CN=\\FF",
        "EMAILADDRESS=ü", "1=x", "CN=a,,O=b", "1.+2=x",
        // To Java a comma with an accent is a comma, and only ASCII digits are hexadecimal.
        "CN=a,\u{301}b", "CN=\\\u{FF21}\u{FF22}",
    ])
    func mistakesAreRefused(_ text: String) {
        #expect(code { try DistinguishedName(dname: text) } == .invalidInput)
    }
}
