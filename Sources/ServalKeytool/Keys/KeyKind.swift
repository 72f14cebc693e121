import ServalKeyStore

/// The kind of key that `-keyalg`, `-keysize` and `-groupname` ask for.
struct KeyKind {
    let algorithm: PrivateKey.Algorithm

    /// Checks the options against each other.
    init(algorithm name: String, size: Int?, group: String?) throws {
        if size != nil, group != nil { throw Failure.error("Cannot specify both -groupname and -keysize") }
        switch name.uppercased() {
        case "RSA":
            guard group == nil else { throw Failure.illegalArgument("-groupname is for EC keys; use -keysize with RSA") }
            let bits = size ?? 2048
            guard (1024...16384).contains(bits), bits.isMultiple(of: 8) else {
                throw Failure.illegalArgument("Invalid key sizes: an RSA key has 1024 to 16384 bits, a multiple of 8; \(bits) were asked for")
            }
            algorithm = .rsa(bits: bits)
        case "EC": algorithm = .ec(curve: try size.map(Self.curve(size:)) ?? group.map(Self.curve(name:)) ?? .p256)
        case "ED25519", "EDDSA":
            guard size == nil || size == 255, group == nil || group?.uppercased() == "ED25519" else {
                throw Failure.illegalArgument("An Ed25519 key has no other size or group")
            }
            algorithm = .ed25519
        default: throw Failure.noSuchAlgorithm("\(name) KeyPairGenerator not available")
        }
    }

    /// Makes a key; this takes a moment for long RSA keys.
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
        case .ec(let curve): "\(Self.bits(of: curve)) bit EC (\(curve.rawValue))"
        case .ed25519: "255 bit Ed25519"
        case .ed448: "448 bit Ed448"
        case .rsaPSS(let bits): "\(JavaText.grouped(bits)) bit RSASSA-PSS"
        case .dsa(let bits): "\(JavaText.grouped(bits)) bit DSA"
        case .x25519: "255 bit XDH"
        case .x448: "448 bit XDH"
        case .other(let oid): oid
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
        default:
            throw Failure.exception(
                javaClass: "java.security.spec.InvalidParameterSpecException",
                message: "Not a supported curve: \(size) bits (use 256, 384 or 521)"
            )
        }
    }

    /// The names that the JDK knows for the three curves, and their object identifiers.
    private static func curve(name: String) throws -> PrivateKey.Curve {
        switch name.lowercased() {
        case "secp256r1", "nist p-256", "x9.62 prime256v1", "prime256v1", "1.2.840.10045.3.1.7": return .p256
        case "secp384r1", "nist p-384", "1.3.132.0.34": return .p384
        case "secp521r1", "nist p-521", "1.3.132.0.35": return .p521
        default: throw Failure.illegalArgument("Unknown curve name: \(name)")
        }
    }
}
