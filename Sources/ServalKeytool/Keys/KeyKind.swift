import ServalKeyStore

/// The kind of key that `-keyalg`, `-keysize` and `-groupname` ask for.
struct KeyKind {
    let algorithm: PrivateKey.Algorithm

    /// Checks the options against each other.
    ///
    /// - Throws: With the JDK's words, except where those tell of Java's classes.
    init(algorithm name: String, size: Int?, group: String?) throws {
        if size != nil, group != nil { throw Failure.error("Cannot specify both -groupname and -keysize") }
        switch name.uppercased() {
        case "RSA", "1.2.840.113549.1.1.1": algorithm = .rsa(bits: try Self.modulus(size, group))
        case "RSASSA-PSS", "1.2.840.113549.1.1.10": algorithm = .rsaPSS(bits: try Self.modulus(size, group))
        case "DSA", "1.2.840.10040.4.1":
            guard group == nil else { throw Failure.illegalArgument("Inappropriate parameter") }
            let bits = size ?? 2048
            guard [1024, 2048, 3072].contains(bits) else { throw Failure.illegalArgument("Invalid DSA Prime Size: \(bits)") }
            algorithm = .dsa(bits: bits)
        case "EC", "ELLIPTICCURVE": algorithm = .ec(curve: try size.map(Self.curve(size:)) ?? group.map(CurveName.curve) ?? .p256)
        case "EDDSA": algorithm = try Self.edwards(size, group, ["Ed25519", "Ed448"])
        case "ED25519", "1.3.101.112": algorithm = try Self.edwards(size, group, ["Ed25519", "Ed448"], only: "Ed25519")
        case "ED448", "1.3.101.113": algorithm = try Self.edwards(size, group, ["Ed25519", "Ed448"], only: "Ed448")
        case "XDH": algorithm = try Self.edwards(size, group, ["X25519", "X448"])
        case "X25519", "1.3.101.110": algorithm = try Self.edwards(size, group, ["X25519", "X448"], only: "X25519")
        case "X448", "1.3.101.111": algorithm = try Self.edwards(size, group, ["X25519", "X448"], only: "X448")
        default: throw Failure.noSuchAlgorithm("\(name) KeyPairGenerator not available")
        }
    }

    /// Makes a key; this takes a moment for long RSA keys and for DSA.
    func generate() throws -> PrivateKey {
        do {
            return try PrivateKey.generate(algorithm)
        } catch {
            throw Failure(error)
        }
    }

    /// What the message says is being made: `2,048 bit RSA`.
    var description: String {
        switch algorithm {
        case .rsa(let bits): "\(JavaText.grouped(bits)) bit RSA"
        case .rsaPSS(let bits): "\(JavaText.grouped(bits)) bit RSASSA-PSS"
        case .dsa(let bits): "\(JavaText.grouped(bits)) bit DSA"
        case .ec(let curve): "\(Self.bits(of: curve)) bit EC (\(curve.rawValue))"
        case .ed25519: "255 bit Ed25519"
        case .ed448: "448 bit Ed448"
        case .x25519: "255 bit XDH"
        case .x448: "448 bit XDH"
        case .other(let oid): oid
        }
    }

    private static func modulus(_ size: Int?, _ group: String?) throws -> Int {
        guard group == nil else { throw Failure.illegalArgument("-groupname is for EC, EdDSA and XDH keys; use -keysize with RSA") }
        let bits = size ?? 2048
        guard (512...16384).contains(bits), bits.isMultiple(of: 2) else { throw Failure.illegalArgument("Invalid key sizes") }
        return bits
    }

    /// One of two curves, the first of which is the usual one.
    ///
    /// - Parameter only: The one that `-keyalg` has named already.
    private static func edwards(_ size: Int?, _ group: String?, _ names: [String], only: String? = nil) throws -> PrivateKey.Algorithm {
        var chosen = only ?? names[0]
        if let size {
            guard size == 255 || size == 448 else { throw Failure.illegalArgument("Unsupported size: \(size)") }
            chosen = names[size == 255 ? 0 : 1]
        } else if let group {
            guard let known = names.first(where: { $0.uppercased() == group.uppercased() }) else {
                throw Failure.illegalArgument("Unsupported name: \(group)")
            }
            chosen = known
        }
        if let only, only != chosen { throw Failure.illegalArgument("Parameters must be \(only)") }
        switch chosen {
        case "Ed25519": return .ed25519
        case "Ed448": return .ed448
        case "X25519": return .x25519
        default: return .x448
        }
    }

    private static func bits(of curve: PrivateKey.Curve) -> Int {
        switch curve {
        case .p256, .secp256k1: 256
        case .p384: 384
        case .p521: 521
        }
    }

    private static func curve(size: Int) throws -> PrivateKey.Curve {
        switch size {
        case 256: return .p256
        case 384: return .p384
        case 521: return .p521
        default: throw CurveName.refusal(size: size)
        }
    }
}

/// The curves that `-groupname` and `-keysize` name.
enum CurveName {
    /// The curve with this name or object identifier in any case.
    ///
    /// - Throws: In different words for curves that JDK 17 knows and refuses, and for all others.
    static func curve(_ name: String) throws -> PrivateKey.Curve {
        guard let named = NamedCurve.named(name) else { throw Failure.illegalArgument("Unknown curve name: \(name)") }
        switch PrivateKey.Curve(rawValue: named.name) {
        case nil, .secp256k1: throw Failure.illegalArgument("Curve not supported: \(named)")
        case let curve?: return curve
        }
    }

    /// What is said of a size for which there is no curve.
    static func refusal(size: Int) -> Failure {
        guard let named = bySize[size].flatMap(NamedCurve.named) else {
            return .exception(
                javaClass: "java.security.spec.InvalidParameterSpecException",
                message: "Not a supported curve: \(size) bits (use 256, 384 or 521)"
            )
        }
        return .exception(javaClass: "java.security.ProviderException", message: "Curve not supported:  \(named)")
    }

    /// What the JDK takes a size for.
    private static let bySize = [
        112: "secp112r1", 113: "sect113r1", 128: "secp128r1", 131: "sect131r1", 160: "secp160k1", 163: "sect163r2", 191: "X9.62 c2tnb191v1",
        192: "secp192r1", 193: "sect193r1", 224: "secp224r1", 233: "sect233k1", 239: "X9.62 prime239v1", 283: "sect283k1", 320: "brainpoolP320r1",
        359: "X9.62 c2tnb359v1", 409: "sect409k1", 431: "X9.62 c2tnb431r1", 512: "brainpoolP512r1", 571: "sect571k1",
    ]
}
