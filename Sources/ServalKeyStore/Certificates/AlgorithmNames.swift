/// The JDK's names of algorithms.
package enum AlgorithmNames {
    /// The signature algorithm, or its object identifier.
    package static func signature(_ oid: OID) -> String { SignatureAlgorithm.name(of: oid) ?? others[oid] ?? oid.description }

    /// The curve, or its object identifier.
    package static func curve(_ oid: OID) -> String { NamedCurve.identified(by: oid)?.name ?? oid.description }

    /// The curve's length in bits, if known.
    package static func curveBits(_ oid: OID) -> Int? { NamedCurve.identified(by: oid)?.bits }

    /// Algorithms that have a name here and are not computed with.
    private static let others: [OID: String] = [
        "1.2.840.113549.1.1.2": "MD2withRSA", "2.16.840.1.101.3.4.3.17": "ML-DSA-44", "2.16.840.1.101.3.4.3.18": "ML-DSA-65",
        "2.16.840.1.101.3.4.3.19": "ML-DSA-87",
    ]
}
