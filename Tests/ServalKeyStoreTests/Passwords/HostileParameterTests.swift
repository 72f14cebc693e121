import ServalKeyStore
import Testing

/// Parameters of encrypted keys that ask for more than there is.
@Suite struct HostileParameterTests {
    private func encrypted(keyLength: Int, bits: Int?) -> [UInt8] {
        let salt = DEREncoding.octetString([UInt8](repeating: 1, count: 8))
        let derivation = DEREncoding.sequence(
            DEREncoding.oid("1.2.840.113549.1.5.12"),
            DEREncoding.sequence(salt, DEREncoding.integer(1), DEREncoding.integer(keyLength))
        )
        let vector = DEREncoding.octetString([UInt8](repeating: 2, count: 8))
        let parameters = bits.map { DEREncoding.sequence(DEREncoding.integer($0), vector) } ?? vector
        let cipher = DEREncoding.sequence(DEREncoding.oid("1.2.840.113549.3.2"), parameters)
        let scheme = DEREncoding.sequence(DEREncoding.oid("1.2.840.113549.1.5.13"), DEREncoding.sequence(derivation, cipher))
        return DEREncoding.sequence(scheme, DEREncoding.octetString([UInt8](repeating: 3, count: 64)))
    }

    /// RC2 alone takes its key length from the file.
    @Test(arguments: [0, 129, 1 << 20, 1 << 54], [nil, 58, 256] as [Int?])
    func keysOfRC2HaveALimit(_ length: Int, _ bits: Int?) {
        #expect(code { try PEM.privateKey(in: encrypted(keyLength: length, bits: bits), password: "x") } == .corrupt)
    }

    @Test(arguments: [5, 16, 128])
    func possibleLengthsAreTried(_ length: Int) {
        #expect(code { try PEM.privateKey(in: encrypted(keyLength: length, bits: 58), password: "x") } == .wrongKeyPassword)
    }
}
