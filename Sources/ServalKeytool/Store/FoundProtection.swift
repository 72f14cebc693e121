import ServalKeyStore

extension PKCS12Protection {
    /// How a PKCS12 file that was read is protected, so that a change of one entry does not lock out the programs that read the file.
    ///
    /// A file with anything modern in it counts as modern: who reads it knows that. An older program's file stays as it is, and so does a trust
    /// store that opens without a password.
    init(foundIn bytes: [UInt8], isIntegrityVerified: Bool) {
        if !isIntegrityVerified {
            self = .keysOnly
        } else if Self.pbmac1Identifier.isContained(in: bytes) {
            self = .pbmac1
        } else if Self.pbes2Identifier.isContained(in: bytes) || !Self.oldIdentifiers.isContained(in: bytes) {
            self = .modern
        } else {
            self = .legacy
        }
    }

    // The object identifiers stand outside of everything that is encrypted. PBES2 is 1.2.840.113549.1.5.13, PBMAC1 …14, the old ciphers are
    // 1.2.840.113549.1.12.1.x.
    private static let pbes2Identifier: [UInt8] = [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0D]
    private static let pbmac1Identifier: [UInt8] = [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0E]
    private static let oldIdentifiers: [UInt8] = [0x06, 0x0A, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x0C, 0x01]
}

extension [UInt8] {
    /// Whether these bytes occur in others.
    fileprivate func isContained(in bytes: [UInt8]) -> Bool {
        guard let first, bytes.count >= count else { return false }
        return bytes.indices.dropLast(count - 1).contains { bytes[$0] == first && bytes[$0..<($0 + count)].elementsEqual(self) }
    }
}
