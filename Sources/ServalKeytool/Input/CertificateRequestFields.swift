import ServalKeyStore

/// A certificate request (PKCS #10, RFC 2986), read with as little judgement as possible.
struct CertificateRequestFields {
    struct Attribute {
        let oid: OID
        /// The values of the attribute's SET.
        let values: [ASN1Value]
    }

    let subject: CertificateFields.Name
    let publicKeyInfo: [UInt8]
    /// The key as the tool prints it: `2048-bit RSA key`.
    let keyDescription: String
    let attributes: [Attribute]
    /// The JDK's name of the signature's algorithm.
    let signatureAlgorithmName: String

    private let information: [UInt8]
    private let algorithmIdentifier: [UInt8]
    private let signature: [UInt8]

    init(der: [UInt8]) throws {
        var outer = try ASN1Value(der).reader()
        let information = try outer.next()
        let algorithm = try outer.next()
        let signature = try outer.next()
        var fields = try information.reader()
        guard try fields.next().integer() == 0 else { throw Failure.illegalArgument("not PKCS #10 v1") }
        subject = try CertificateFields.Name(fields.next())
        let key = try fields.next()
        publicKeyInfo = Array(key.encoded)
        keyDescription = PublicKeyInfo.describe(key)
        attributes =
            try fields.next(ifTag: 0xA0)?.children(0xA0).map { attribute in
                var parts = try attribute.reader()
                return Attribute(oid: try parts.next().objectIdentifier(), values: try parts.next().children(ASN1Value.set))
            } ?? []
        var identifier = try algorithm.reader()
        signatureAlgorithmName = AlgorithmNames.signature(try identifier.next().objectIdentifier())
        guard signature.tag == ASN1Value.bitString, signature.content.first == 0 else { throw KnownExtension.Malformed("no signature") }
        self.information = Array(information.encoded)
        algorithmIdentifier = Array(algorithm.encoded)
        self.signature = Array(signature.content.dropFirst())
    }

    /// The extensions that the request asks for.
    var requestedExtensions: [CertificateFields.Extension] {
        get throws {
            guard let value = attributes.last(where: { $0.oid == Self.extensionRequest })?.values.first else { return [] }
            return try value.children().map { try CertificateFields.Extension($0) }
        }
    }

    static let extensionRequest: OID = "1.2.840.113549.1.9.14"
}

// MARK: Reading

extension CertificateRequestFields {
    /// The largest request that is read, in bytes.
    static let sizeLimit = 16 << 20

    /// The bytes of a file.
    static func bytes(of path: String) throws -> [UInt8] { try InputFile(path: path).read(limit: sizeLimit) }

    /// Reads a request in PEM or DER and checks that its key signed it.
    ///
    /// - Parameters:
    ///   - bytes: What a file or standard input holds.
    ///   - needsLabel: Whether blocks whose label does not say that they are requests are passed over.
    static func parse(_ bytes: [UInt8], needsLabel: Bool) throws -> CertificateRequestFields {
        let der: [UInt8]
        do {
            der = bytes.first == ASN1Value.sequence ? bytes : try block(bytes, needsLabel: needsLabel)
        } catch let error as KeyStoreError {
            throw Failure.input(error.message)
        }
        let request: CertificateRequestFields
        do {
            request = try CertificateRequestFields(der: der)
        } catch let error as Failure {
            throw error
        } catch let error as KeyStoreError {
            throw Failure.input("Not a certificate request: \(error.message)")
        } catch {
            throw Failure.input("Not a certificate request")
        }
        guard request.isSignedByItsKey else {
            throw Failure.exception(javaClass: "java.security.SignatureException", message: "Invalid PKCS #10 signature")
        }
        return request
    }

    private static func block(_ bytes: [UInt8], needsLabel: Bool) throws -> [UInt8] {
        let blocks = try PEM.blocks(in: bytes)
        guard let block = blocks.first(where: { !needsLabel || $0.label.contains("REQUEST") }) else { throw Failure.input("Too short") }
        return block.bytes
    }

    private var isSignedByItsKey: Bool {
        SignatureAlgorithm.isValid(signature, of: information, algorithmIdentifier: algorithmIdentifier, publicKeyInfo: publicKeyInfo)
    }
}
