import SwiftASN1

/// The names of extensions in `-ext` options.
enum ExtensionName: CaseIterable {
    case basicConstraints, keyUsage, extendedKeyUsage, subjectAlternativeName, issuerAlternativeName, subjectInformationAccess
    case authorityInformationAccess, distributionPoints

    /// The extension that a name means: the whole name, its beginning, or its capitals (`san`); nil if it is none of them.
    init?(_ name: String) throws {
        // The last one is not listed when a name is ambiguous, and yields to the others.
        guard let index = try Abbreviation.match(name, in: Self.allCases.map(\.longName), hidden: 1) else { return nil }
        self = Self.allCases[index]
    }

    /// The object identifier of an extension, which may be given as such.
    static func oid(_ name: String) throws -> String {
        if let known = try ExtensionName(name) { return known.oid }
        guard name.contains("."), let identifier = ASN1ObjectIdentifier(argument: name) else { throw unknown(name) }
        return identifier.description
    }

    static func unknown(_ name: String) -> Failure {
        .error("Unknown extension type: \(name) (known are bc, ku, eku, san, ian, sia, aia, crldp, or an object identifier)")
    }

    private var longName: String {
        switch self {
        case .basicConstraints: "BasicConstraints"
        case .keyUsage: "KeyUsage"
        case .extendedKeyUsage: "ExtendedKeyUsage"
        case .subjectAlternativeName: "SubjectAlternativeName"
        case .issuerAlternativeName: "IssuerAlternativeName"
        case .subjectInformationAccess: "SubjectInfoAccess"
        case .authorityInformationAccess: "AuthorityInfoAccess"
        case .distributionPoints: "CRLDistributionPoints"
        }
    }

    var oid: String {
        switch self {
        case .basicConstraints: "2.5.29.19"
        case .keyUsage: "2.5.29.15"
        case .extendedKeyUsage: "2.5.29.37"
        case .subjectAlternativeName: "2.5.29.17"
        case .issuerAlternativeName: "2.5.29.18"
        case .subjectInformationAccess: "1.3.6.1.5.5.7.1.11"
        case .authorityInformationAccess: "1.3.6.1.5.5.7.1.1"
        case .distributionPoints: "2.5.29.31"
        }
    }
}
