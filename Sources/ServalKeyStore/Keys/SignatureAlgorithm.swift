/// How a signature is made: by which kind of key, with which digest.
///
/// The names are those of the JDK's `Signature` (`SHA256withRSA`, `SHA1withDSA`, `RSASSA-PSS`, `Ed448`), which `keytool -sigalg` takes.
public struct SignatureAlgorithm: Hashable, Sendable, CustomStringConvertible {
    enum Scheme: Hashable, Sendable {
        case rsa
        case rsaPSS(PSSParameters)
        case ecdsa, dsa, ed25519, ed448
    }

    /// The JDK's name, such as `SHA256withRSA`.
    public let name: String

    /// The AlgorithmIdentifier as DER, parameters included.
    public let identifier: [UInt8]

    let scheme: Scheme
    /// The digest of the message; `nil` for Ed25519 and Ed448, which have their own.
    let digest: SignatureDigest?

    private init(_ entry: Entry, parameters: [UInt8]) {
        name = entry.name
        scheme = entry.scheme
        digest = entry.digest
        identifier = DEREncoding.sequence(DEREncoding.oid(entry.oid), parameters)
    }

    /// The algorithm with this name in any case, or with this dotted object identifier.
    ///
    /// `RSASSA-PSS` means SHA-256 with a salt of 32 bytes; ``PrivateKey/signatureAlgorithm(named:)`` chooses by the key. `nil` when the name is unknown.
    public init?(named name: String) {
        let wanted = name.uppercased()
        if wanted == "RSASSA-PSS" || name == OID.rsassaPSS.description {
            self.init(pss: PSSParameters(digest: .sha256))
        } else if let entry = Self.entries.first(where: { $0.name.uppercased() == wanted || $0.oid.description == name }) {
            self.init(entry, parameters: entry.parameters)
        } else {
            return nil
        }
    }

    /// RSASSA-PSS with these parameters.
    init(pss parameters: PSSParameters) {
        name = "RSASSA-PSS"
        scheme = .rsaPSS(parameters)
        digest = parameters.digest
        identifier = DEREncoding.sequence(DEREncoding.oid(.rsassaPSS), parameters.encoded)
    }

    /// The algorithm that an AlgorithmIdentifier names; `nil` for one that cannot be computed here.
    package init?(identifier: [UInt8]) {
        guard let parts = try? ASN1Value(identifier).children(), let oid = try? parts.first?.objectIdentifier(), parts.count <= 2 else { return nil }
        if oid == .rsassaPSS {
            guard let parameters = try? PSSParameters(parts.count == 2 ? parts[1] : nil) else { return nil }
            self.init(pss: parameters)
            return
        }
        // Whether NULL stands behind the algorithm or nothing differs between authors.
        guard let entry = Self.entries.first(where: { $0.oid == oid }), parts.count == 1 || parts[1].tag == ASN1Value.null else { return nil }
        self.init(entry, parameters: parts.count == 2 ? DEREncoding.null : [])
    }

    /// The name.
    public var description: String { name }

    /// Two are equal when their identifiers are.
    public static func == (lhs: Self, rhs: Self) -> Bool { lhs.identifier == rhs.identifier }

    /// Hashes the identifier.
    public func hash(into hasher: inout Hasher) { hasher.combine(identifier) }

    /// The JDK's name of the algorithm with this object identifier.
    static func name(of oid: OID) -> String? {
        oid == .rsassaPSS ? "RSASSA-PSS" : entries.first { $0.oid == oid }?.name
    }
}

extension SignatureAlgorithm {
    private struct Entry {
        let name: String
        let oid: OID
        let scheme: Scheme
        let digest: SignatureDigest?

        /// As the JDK writes them: NULL for RSA, nothing for the others.
        var parameters: [UInt8] { scheme == .rsa ? DEREncoding.null : [] }
    }

    private static let entries: [Entry] =
        [
            Entry(name: "Ed25519", oid: .ed25519, scheme: .ed25519, digest: nil),
            Entry(name: "Ed448", oid: .ed448, scheme: .ed448, digest: nil),
        ]
        + group(
            .rsa,
            "RSA",
            "1.2.840.113549.1.1.",
            [
                (.md5, 4), (.sha1, 5), (.sha256, 11), (.sha384, 12), (.sha512, 13), (.sha224, 14), (.sha512_224, 15), (.sha512_256, 16),
            ]
        )
        + group(.rsa, "RSA", nistSignatures, [(.sha3_224, 13), (.sha3_256, 14), (.sha3_384, 15), (.sha3_512, 16)])
        + group(.ecdsa, "ECDSA", "1.2.840.10045.4.", [(.sha1, 1)])
        + group(.ecdsa, "ECDSA", "1.2.840.10045.4.3.", [(.sha224, 1), (.sha256, 2), (.sha384, 3), (.sha512, 4)])
        + group(.ecdsa, "ECDSA", nistSignatures, [(.sha3_224, 9), (.sha3_256, 10), (.sha3_384, 11), (.sha3_512, 12)])
        + group(.dsa, "DSA", "1.2.840.10040.4.", [(.sha1, 3)])
        + group(
            .dsa,
            "DSA",
            nistSignatures,
            [
                (.sha224, 1), (.sha256, 2), (.sha384, 3), (.sha512, 4), (.sha3_224, 5), (.sha3_256, 6), (.sha3_384, 7), (.sha3_512, 8),
            ]
        )

    private static let nistSignatures = "2.16.840.1.101.3.4.3."

    private static func group(_ scheme: Scheme, _ suffix: String, _ prefix: String, _ digests: [(SignatureDigest, Int)]) -> [Entry] {
        digests.map { Entry(name: "\($0.name)with\(suffix)", oid: OID(stringLiteral: prefix + String($1)), scheme: scheme, digest: $0) }
    }
}

/// A digest inside a signature.
enum SignatureDigest: String, Sendable, CaseIterable {
    case md5 = "MD5"
    case sha1 = "SHA1"
    case sha224 = "SHA224"
    case sha256 = "SHA256"
    case sha384 = "SHA384"
    case sha512 = "SHA512"
    case sha512_224 = "SHA512-224"
    case sha512_256 = "SHA512-256"
    case sha3_224 = "SHA3-224"
    case sha3_256 = "SHA3-256"
    case sha3_384 = "SHA3-384"
    case sha3_512 = "SHA3-512"

    /// OpenSSL's name.
    var openSSLName: String { rawValue }

    /// As in the JDK's names of signatures: `SHA512/256`.
    var name: String {
        switch self {
        case .sha512_224: "SHA512/224"
        case .sha512_256: "SHA512/256"
        default: rawValue
        }
    }

    /// As the standards write it: `SHA-256`.
    var standardName: String {
        switch self {
        case .md5, .sha3_224, .sha3_256, .sha3_384, .sha3_512: rawValue
        default: "SHA-" + name.dropFirst(3)
        }
    }

    /// The length of the DER that names the digest and holds it, in bytes.
    var namedLength: Int { length + (self == .sha1 ? 15 : self == .md5 ? 18 : 19) }

    /// The digest's length in bytes.
    var length: Int {
        switch self {
        case .md5: 16
        case .sha1: 20
        case .sha224, .sha512_224, .sha3_224: 28
        case .sha256, .sha512_256, .sha3_256: 32
        case .sha384, .sha3_384: 48
        case .sha512, .sha3_512: 64
        }
    }

    var oid: OID {
        switch self {
        case .md5: "1.2.840.113549.2.5"
        case .sha1: "1.3.14.3.2.26"
        case .sha256: .sha256
        case .sha384: "2.16.840.1.101.3.4.2.2"
        case .sha512: "2.16.840.1.101.3.4.2.3"
        case .sha224: "2.16.840.1.101.3.4.2.4"
        case .sha512_224: "2.16.840.1.101.3.4.2.5"
        case .sha512_256: "2.16.840.1.101.3.4.2.6"
        case .sha3_224: "2.16.840.1.101.3.4.2.7"
        case .sha3_256: "2.16.840.1.101.3.4.2.8"
        case .sha3_384: "2.16.840.1.101.3.4.2.9"
        case .sha3_512: "2.16.840.1.101.3.4.2.10"
        }
    }

    init?(oid: OID) {
        guard let found = Self.allCases.first(where: { $0.oid == oid }) else { return nil }
        self = found
    }
}
