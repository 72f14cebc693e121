import ServalKeyStore

/// What a PKCS#7 SignedData (RFC 5652) holds besides what it signs.
struct SignedDataParts {
    /// As DER.
    let certificates: [[UInt8]]
    /// As DER.
    let revocationLists: [[UInt8]]
    /// Issuer and serial number of each signer's certificate, as DER.
    let signers: [(issuer: [UInt8], serialNumber: [UInt8])]

    init(_ bytes: [UInt8]) throws {
        var info = try ASN1Value(bytes).reader()
        guard try info.next().objectIdentifier() == OID("1.2.840.113549.1.7.2") else { throw KnownExtension.Malformed("not PKCS#7 signed data") }
        var signedData = try info.next().explicit(0).reader()
        for _ in 0..<3 { _ = try signedData.next() }
        certificates = try signedData.next(ifTag: 0xA0)?.children(0xA0).map { Array($0.encoded) } ?? []
        revocationLists = try signedData.next(ifTag: 0xA1)?.children(0xA1).map { Array($0.encoded) } ?? []
        var signers: [(issuer: [UInt8], serialNumber: [UInt8])] = []
        for signer in try signedData.next(ifTag: ASN1Value.set)?.children(ASN1Value.set) ?? [] {
            var fields = try signer.reader()
            _ = try fields.next()
            var identifier = try fields.next().reader()
            signers.append((Array(try identifier.next().encoded), Array(try identifier.next().content)))
        }
        self.signers = signers
    }
}
