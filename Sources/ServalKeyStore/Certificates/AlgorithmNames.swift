/// The JDK's names of algorithms.
package enum AlgorithmNames {
    /// The signature algorithm, or its object identifier.
    package static func signature(_ oid: OID) -> String { SignatureAlgorithm.name(of: oid) ?? others[oid] ?? oid.description }

    /// The curve, or its object identifier.
    package static func curve(_ oid: OID) -> String { curves[oid]?.name ?? oid.description }

    /// The curve's length in bits, if known.
    package static func curveBits(_ oid: OID) -> Int? { curves[oid]?.bits }

    /// Algorithms that have a name here and are not computed with.
    private static let others: [OID: String] = [
        "1.2.840.113549.1.1.2": "MD2withRSA", "2.16.840.1.101.3.4.3.17": "ML-DSA-44", "2.16.840.1.101.3.4.3.18": "ML-DSA-65",
        "2.16.840.1.101.3.4.3.19": "ML-DSA-87",
    ]

    private static let curves: [OID: (name: String, bits: Int)] = [
        .p256: ("secp256r1", 256), .p384: ("secp384r1", 384), .p521: ("secp521r1", 521), .secp256k1: ("secp256k1", 256),
        "1.2.840.10045.3.1.1": ("secp192r1", 192), "1.3.132.0.33": ("secp224r1", 224), "1.3.36.3.3.2.8.1.1.7": ("brainpoolP256r1", 256),
        "1.3.36.3.3.2.8.1.1.11": ("brainpoolP384r1", 384), "1.3.36.3.3.2.8.1.1.13": ("brainpoolP512r1", 512),
    ]
}
