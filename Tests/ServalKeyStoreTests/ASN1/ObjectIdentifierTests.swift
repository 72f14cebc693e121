import ServalKeyStore
import Testing

/// Object identifiers as text, also those whose numbers fit into no machine word.
@Suite struct ObjectIdentifierTests {
    /// ITU-T X.667: a UUID as a number below 2.25.
    private static let uuid = "2.25.329800735698586629295641978511506172918"

    @Test(arguments: [
        "1.2.840.113549.1.1.11", "0.0", "0.39", "1.39.1", "2.0", "2.39", "2.40", "2.47", "2.48", "2.999.1", "2.25.0", uuid,
        "1.3.18446744073709551615",
        "1.3.18446744073709551616", "1.3.340282366920938463463374607431768211455.7", "2.340282366920938463463374607431768211455",
        "1.2.72057594037927936",
        "1.2.1000000000", "1.2.1000000000000000000.1",
    ])
    func textAndBytesAgree(_ text: String) throws {
        let oid = try #require(OID(dotted: text))
        #expect(oid.description == text)
        let folder = try Folder()
        try folder.write(DEREncoding.oid(oid), "oid")
        let printed = try Tool.openssl("asn1parse", "-inform", "DER", "-in", folder("oid"))
        let known = try Tool.openssl("asn1parse", "-genstr", "OID:\(text)", "-noout", "-out", folder("same"))
        #expect(try folder.bytes("same") == DEREncoding.oid(oid), "\(printed) \(known)")
    }

    @Test(arguments: ["", "1", "1.", ".1", "3.1", "1.40", "1.+2", "1.2.-3", "1.2. 3", "1.2.３", "1.2.x", "+1.2"])
    func whatIsNoneIsRefused(_ text: String) {
        #expect(OID(dotted: text) == nil)
    }

    /// What a file may say must not cost more than reading it.
    @Test func longNumbersHaveALimit() throws {
        let bytes = [UInt8](repeating: 0xFF, count: 4_000_000) + [0x7F]
        let elapsed = ContinuousClock().measure { #expect(OID(content: [0x2A] + bytes).description == "(object identifier too large)") }
        #expect(elapsed < .seconds(5))
        #expect(OID(dotted: "1.2." + String(repeating: "9", count: 100_000)) == nil)
    }

    /// An extension is not lost on its way from a request to a certificate because its number is long.
    @Test func extensionsWithLongNumbersAreIssued() throws {
        let issuer = try Issuer("CN=Authority")
        let certificate = try issuer.issue("CN=Leaf", issuer.key, [CertificateFields.Extension(oid: Self.uuid, isCritical: true, value: [5, 0])])
        #expect(try certificate.fields().extensions.map(\.oid) == [Self.uuid])
        #expect(throws: KeyStoreError(.invalidInput, "")) {
            try issuer.issue("CN=Leaf", issuer.key, [CertificateFields.Extension(oid: "one.two", isCritical: true, value: [5, 0])])
        }
    }
}
