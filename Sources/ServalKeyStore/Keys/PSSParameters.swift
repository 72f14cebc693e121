/// RSASSA-PSS-params (RFC 8017 appendix A.2.3).
struct PSSParameters: Hashable, Sendable {
    private(set) var digest: SignatureDigest
    private(set) var maskDigest: SignatureDigest
    /// In bytes.
    private(set) var saltLength: Int

    /// The usual choice: one digest for both, and a salt as long as it.
    init(digest: SignatureDigest) {
        self.digest = digest
        maskDigest = digest
        saltLength = digest.length
    }

    /// Reads the parameters; where something is missing the RFC's defaults hold (SHA-1, a salt of 20 bytes).
    ///
    /// - Throws: `unsupportedAlgorithm`, `corrupt`.
    init(_ value: ASN1Value?) throws(KeyStoreError) {
        self.init(digest: .sha1)
        guard let value else { return }
        var reader = try value.reader()
        if let hash = try reader.next(ifTag: 0xA0) { digest = try Self.digest(hash.explicit(0)) }
        if let mask = try reader.next(ifTag: 0xA1) {
            let parts = try mask.explicit(1).children()
            guard parts.count == 2, try parts[0].objectIdentifier() == .mgf1 else {
                throw KeyStoreError(.unsupportedAlgorithm, "RSASSA-PSS with a mask other than MGF1")
            }
            maskDigest = try Self.digest(parts[1])
        }
        if let salt = try reader.next(ifTag: 0xA2) { saltLength = try salt.explicit(2).integer() }
        if let trailer = try reader.next(ifTag: 0xA3) {
            guard try trailer.explicit(3).integer() == 1 else { throw KeyStoreError(.unsupportedAlgorithm, "RSASSA-PSS with another trailer than 1") }
        }
        // The salt stands inside the signature, which is at most as long as the longest modulus.
        guard reader.isAtEnd, saltLength <= 2048 else { throw KeyStoreError(.corrupt, "The parameters of RSASSA-PSS cannot be read") }
    }

    /// As DER, in the JDK's form: what has its default value is left out, digests have NULL as parameters.
    var encoded: [UInt8] {
        var fields: [[UInt8]] = []
        if digest != .sha1 { fields.append(DEREncoding.explicit(0, DEREncoding.algorithm(digest.oid))) }
        if maskDigest != .sha1 {
            fields.append(DEREncoding.explicit(1, DEREncoding.sequence(DEREncoding.oid(.mgf1), DEREncoding.algorithm(maskDigest.oid))))
        }
        if saltLength != 20 { fields.append(DEREncoding.explicit(2, DEREncoding.integer(saltLength))) }
        return DEREncoding.sequence(of: fields)
    }

    private static func digest(_ algorithm: ASN1Value) throws(KeyStoreError) -> SignatureDigest {
        var reader = try algorithm.reader()
        let oid = try reader.next().objectIdentifier()
        guard let digest = SignatureDigest(oid: oid) else { throw KeyStoreError(.unsupportedAlgorithm, "RSASSA-PSS with the digest \(oid)") }
        return digest
    }
}
