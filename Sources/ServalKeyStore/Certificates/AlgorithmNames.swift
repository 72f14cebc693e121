/// The JDK's names of algorithms.
package enum AlgorithmNames {
    /// The signature algorithm, or its object identifier.
    package static func signature(_ oid: OID) -> String { signatures[oid] ?? oid.description }

    /// The curve, or its object identifier.
    package static func curve(_ oid: OID) -> String { curves[oid]?.name ?? oid.description }

    /// The curve's length in bits, if known.
    package static func curveBits(_ oid: OID) -> Int? { curves[oid]?.bits }

    private static let signatures: [OID: String] = [
        "1.2.840.113549.1.1.2": "MD2withRSA", "1.2.840.113549.1.1.4": "MD5withRSA", "1.2.840.113549.1.1.5": "SHA1withRSA",
        "1.2.840.113549.1.1.10": "RSASSA-PSS", "1.2.840.113549.1.1.11": "SHA256withRSA", "1.2.840.113549.1.1.12": "SHA384withRSA",
        "1.2.840.113549.1.1.13": "SHA512withRSA", "1.2.840.113549.1.1.14": "SHA224withRSA", "1.2.840.113549.1.1.15": "SHA512/224withRSA",
        "1.2.840.113549.1.1.16": "SHA512/256withRSA", "1.2.840.10045.4.1": "SHA1withECDSA", "1.2.840.10045.4.3.1": "SHA224withECDSA",
        "1.2.840.10045.4.3.2": "SHA256withECDSA", "1.2.840.10045.4.3.3": "SHA384withECDSA", "1.2.840.10045.4.3.4": "SHA512withECDSA",
        "1.2.840.10040.4.3": "SHA1withDSA", "2.16.840.1.101.3.4.3.1": "SHA224withDSA", "2.16.840.1.101.3.4.3.2": "SHA256withDSA",
        "2.16.840.1.101.3.4.3.3": "SHA384withDSA", "2.16.840.1.101.3.4.3.4": "SHA512withDSA", "1.3.101.112": "Ed25519", "1.3.101.113": "Ed448",
        "2.16.840.1.101.3.4.3.17": "ML-DSA-44", "2.16.840.1.101.3.4.3.18": "ML-DSA-65", "2.16.840.1.101.3.4.3.19": "ML-DSA-87",
    ]

    private static let curves: [OID: (name: String, bits: Int)] = [
        .p256: ("secp256r1", 256), .p384: ("secp384r1", 384), .p521: ("secp521r1", 521), "1.3.132.0.10": ("secp256k1", 256),
        "1.2.840.10045.3.1.1": ("secp192r1", 192), "1.3.132.0.33": ("secp224r1", 224), "1.3.36.3.3.2.8.1.1.7": ("brainpoolP256r1", 256),
        "1.3.36.3.3.2.8.1.1.11": ("brainpoolP384r1", 384), "1.3.36.3.3.2.8.1.1.13": ("brainpoolP512r1", 512),
    ]
}
