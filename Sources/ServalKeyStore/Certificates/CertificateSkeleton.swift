/// Where the parts of a certificate are, without a look into them.
struct CertificateSkeleton {
    let version: Int
    let serialNumber: [UInt8]
    /// The part that is signed.
    let contents: ASN1Value
    let signatureAlgorithm: OID
    let signatureAlgorithmIdentifier: ASN1Value
    let signature: ASN1Value
    let issuer: ASN1Value
    let validity: ASN1Value
    let subject: ASN1Value
    let publicKey: ASN1Value
    let extensions: ASN1Value?

    var publicKeyInfo: [UInt8] { Array(publicKey.encoded) }

    init(der: [UInt8]) throws(KeyStoreError) {
        do throws(KeyStoreError) {
            var certificate = try ASN1Value(der).reader()
            contents = try certificate.next()
            var tbs = try contents.reader()
            version = try tbs.next(ifTag: 0xA0)?.explicit(0).integer() ?? 0
            let serial = try tbs.next()
            guard serial.tag == ASN1Value.integer, !serial.content.isEmpty else { throw KeyStoreError(.corrupt, "No serial number") }
            serialNumber = Array(serial.content)
            _ = try tbs.next()
            issuer = try tbs.next()
            validity = try tbs.next()
            subject = try tbs.next()
            publicKey = try tbs.next()
            _ = try issuer.reader()
            _ = try subject.reader()
            _ = try publicKey.reader()
            while !tbs.isAtEnd, tbs.nextTag != 0xA3 { _ = try tbs.next() }
            extensions = try tbs.next(ifTag: 0xA3)?.explicit(3)
            signatureAlgorithmIdentifier = try certificate.next()
            var algorithm = try signatureAlgorithmIdentifier.reader()
            signatureAlgorithm = try algorithm.next().objectIdentifier()
            signature = try certificate.next()
            guard signature.tag == ASN1Value.bitString else { throw KeyStoreError(.corrupt, "No signature") }
        } catch {
            throw error.about("Not an X.509 certificate")
        }
    }

    /// Whether the bytes have the shape of a certificate.
    static func recognizes(_ der: [UInt8]) -> Bool { (try? CertificateSkeleton(der: der)) != nil }
}

extension CertificateFields {
    init(der: [UInt8]) throws(KeyStoreError) {
        let skeleton = try CertificateSkeleton(der: der)
        let validity = try skeleton.validity.children()
        guard validity.count == 2 else { throw KeyStoreError(.corrupt, "The certificate's validity has \(validity.count) parts") }
        version = skeleton.version + 1
        serialNumber = skeleton.serialNumber
        issuer = try Name(skeleton.issuer)
        subject = try Name(skeleton.subject)
        notBefore = try ASN1Time.seconds(validity[0])
        notAfter = try ASN1Time.seconds(validity[1])
        signatureAlgorithmName = AlgorithmNames.signature(skeleton.signatureAlgorithm)
        publicKeyInfo = skeleton.publicKeyInfo
        publicKeyDescription = PublicKeyInfo.describe(skeleton.publicKey)
        var extensions: [Extension] = []
        for value in try skeleton.extensions?.children() ?? [] { extensions.append(try Extension(value)) }
        self.extensions = extensions
    }
}

extension CertificateFields.Name {
    package init(_ value: ASN1Value) throws(KeyStoreError) {
        der = Array(value.encoded)
        description = try JavaNameText.text(of: value, style: .java)
    }
}

extension CertificateFields.Extension {
    package init(_ value: ASN1Value) throws(KeyStoreError) {
        var reader = try value.reader()
        oid = try reader.next().objectIdentifier().description
        isCritical = try reader.next(ifTag: 0x01).map { $0.content.first != 0 } ?? false
        self.value = try reader.next().octets()
    }
}

package enum SerialNumberText {
    package static func hexadecimal(_ octets: [UInt8]) -> String {
        let isNegative = octets.first.map { $0 >= 0x80 } ?? false
        let digits = (isNegative ? negated(octets) : octets).map { hex($0).dropFirst(2) }.joined()
        let significant = digits.drop { $0 == "0" }
        return (isNegative ? "-" : "") + (significant.isEmpty ? "0" : significant)
    }

    private static func negated(_ octets: [UInt8]) -> [UInt8] {
        var carry: UInt8 = 1
        var result: [UInt8] = []
        for octet in octets.reversed() {
            let (sum, overflow) = (~octet).addingReportingOverflow(carry)
            result.append(sum)
            carry = overflow ? 1 : 0
        }
        return result.reversed()
    }
}
