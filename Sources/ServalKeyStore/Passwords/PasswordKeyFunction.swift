/// The keyDerivationFunc of PBES2 and PBMAC1 as it stands in a file.
struct PasswordKeyFunction {
    private let function: KeyDerivation.Function
    private let salt: [UInt8]
    private let iterations: Int
    /// The key's length in bytes, if the file says.
    let keyLength: Int?

    init(_ identifier: ASN1Value) throws(KeyStoreError) {
        var reader = try identifier.reader()
        let oid = try reader.next().objectIdentifier()
        switch oid {
        case .pbkdf2:
            var parameters = try reader.next().reader()
            salt = try parameters.next().octets()
            iterations = try parameters.next().integer()
            keyLength = try parameters.next(ifTag: ASN1Value.integer)?.integer()
            var prf = OID.hmacSHA1
            if let identifier = try parameters.next(ifTag: ASN1Value.sequence) {
                var reader = try identifier.reader()
                prf = try reader.next().objectIdentifier()
            }
            guard let digest = PasswordAlgorithms.hmacDigests[prf] else { throw PasswordAlgorithms.unsupported(prf) }
            function = .pbkdf2(digest: digest)
        case .scrypt:
            var parameters = try reader.next().reader()
            salt = try parameters.next().octets()
            iterations = try parameters.next().integer()
            function = .scrypt(blockSize: try parameters.next().integer(), parallelization: try parameters.next().integer())
            keyLength = try parameters.next(ifTag: ASN1Value.integer)?.integer()
        default: throw PasswordAlgorithms.unsupported(oid)
        }
    }

    func derivation(length: Int) -> KeyDerivation {
        KeyDerivation(function, salt: salt, iterations: iterations, length: length)
    }
}
