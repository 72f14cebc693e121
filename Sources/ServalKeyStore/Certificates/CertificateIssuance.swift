import Crypto

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What a certificate shall say, before it is signed.
///
/// Takes names, keys and extensions as DER, so that anything which a key store holds can be certified.
package struct CertificateIssuance: Sendable {
    /// The subject's Name as DER.
    package var subject: [UInt8]
    /// The SubjectPublicKeyInfo as DER.
    package var publicKeyInfo: [UInt8]
    /// The issuer's Name as DER.
    package var issuer: [UInt8]
    /// The serial number's content octets, big-endian, two's complement.
    package var serialNumber: [UInt8]
    /// The start of the validity, in seconds since 1970.
    package var notBefore: Int64
    /// The end of the validity, in seconds since 1970.
    package var notAfter: Int64
    /// The extensions in their order.
    package var extensions: [CertificateFields.Extension]

    /// Describes a certificate.
    ///
    /// - Parameter serialNumber: By default 16 random bytes, positive.
    package init(
        subject: [UInt8],
        publicKeyInfo: [UInt8],
        issuer: [UInt8],
        serialNumber: [UInt8] = CertificateIssuance.randomSerialNumber(),
        notBefore: Int64,
        notAfter: Int64,
        extensions: [CertificateFields.Extension] = []
    ) {
        self.subject = subject
        self.publicKeyInfo = publicKeyInfo
        self.issuer = issuer
        self.serialNumber = serialNumber
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.extensions = extensions
    }

    /// Signs the certificate (X.509 version 3).
    ///
    /// - Throws: `invalidInput` for an end before the start, years outside 0...9999, an empty serial number, an object identifier that is none, and as ``PrivateKey/sign(_:with:)``.
    package func issue(by key: PrivateKey, with algorithm: SignatureAlgorithm) throws(KeyStoreError) -> CertificateData {
        guard notBefore <= notAfter else { throw KeyStoreError(.invalidInput, "The certificate would end before it begins") }
        guard !serialNumber.isEmpty else { throw KeyStoreError(.invalidInput, "The serial number has no bytes") }
        var fields = [
            DEREncoding.explicit(0, DEREncoding.integer(2)), DEREncoding.value(ASN1Value.integer, serialNumber), algorithm.identifier, issuer,
            DEREncoding.sequence(try ASN1Time.encode(notBefore), try ASN1Time.encode(notAfter)), subject, publicKeyInfo,
        ]
        if !extensions.isEmpty { fields.append(DEREncoding.explicit(3, try CertificateFields.Extension.list(extensions))) }
        let contents = DEREncoding.sequence(of: fields)
        let signature = try key.sign(contents, with: algorithm)
        return CertificateData(der: DEREncoding.sequence(contents, algorithm.identifier, DEREncoding.bitString(signature)))
    }

    /// A serial number of 126 random bits.
    package static func randomSerialNumber() -> [UInt8] {
        var bytes = SystemRandom.bytes(16)
        bytes[0] = bytes[0] & 0x7F | 0x40
        return bytes
    }
}

/// What a certificate request (PKCS#10, RFC 2986) shall say, before it is signed.
package struct CertificateRequestIssuance: Sendable {
    /// The subject's Name as DER.
    package var subject: [UInt8]
    /// The SubjectPublicKeyInfo as DER.
    package var publicKeyInfo: [UInt8]
    /// The extensions that are asked for, in their order.
    package var extensions: [CertificateFields.Extension]

    /// Describes a request.
    package init(subject: [UInt8], publicKeyInfo: [UInt8], extensions: [CertificateFields.Extension] = []) {
        self.subject = subject
        self.publicKeyInfo = publicKeyInfo
        self.extensions = extensions
    }

    /// Signs the request with the key that it is about.
    ///
    /// - Returns: The request as DER.
    /// - Throws: `invalidInput` for an object identifier that is none, and as ``PrivateKey/sign(_:with:)``.
    package func issue(by key: PrivateKey, with algorithm: SignatureAlgorithm) throws(KeyStoreError) -> [UInt8] {
        var attributes: [UInt8] = []
        if !extensions.isEmpty {
            let list = try CertificateFields.Extension.list(extensions)
            attributes = DEREncoding.sequence(DEREncoding.oid(.extensionRequest), DEREncoding.set(of: [list]))
        }
        let contents = DEREncoding.sequence(DEREncoding.integer(0), subject, publicKeyInfo, DEREncoding.value(0xA0, attributes))
        let signature = try key.sign(contents, with: algorithm)
        return DEREncoding.sequence(contents, algorithm.identifier, DEREncoding.bitString(signature))
    }
}

extension CertificateFields.Extension {
    /// The SubjectKeyIdentifier of a public key as the JDK makes it: the SHA-1 of the key's bits.
    ///
    /// - Throws: `corrupt` when the bytes are not a SubjectPublicKeyInfo.
    package static func subjectKeyIdentifier(of publicKeyInfo: [UInt8]) throws(KeyStoreError) -> Self {
        let identifier = Array(Insecure.SHA1.hash(data: try PublicKeyInfo.keyBytes(publicKeyInfo)))
        return Self(oid: "2.5.29.14", isCritical: false, value: DEREncoding.octetString(identifier))
    }

    /// The Extensions value as DER.
    ///
    /// - Throws: `invalidInput` for an object identifier that is none.
    fileprivate static func list(_ extensions: [Self]) throws(KeyStoreError) -> [UInt8] {
        var values: [[UInt8]] = []
        for element in extensions {
            guard let oid = OID(dotted: element.oid) else {
                throw KeyStoreError(.invalidInput, "An extension's object identifier cannot be encoded: \(element.oid)")
            }
            let critical: [UInt8] = element.isCritical ? [0x01, 0x01, 0xFF] : []
            values.append(DEREncoding.sequence(DEREncoding.oid(oid), critical, DEREncoding.octetString(element.value)))
        }
        return DEREncoding.sequence(of: values)
    }
}

extension ASN1Time {
    /// UTCTime from 1950 to 2049, else GeneralizedTime, as RFC 5280 section 4.1.2.5 asks.
    ///
    /// - Throws: `invalidInput` for years outside 0...9999.
    static func encode(_ seconds: Int64) throws(KeyStoreError) -> [UInt8] {
        var moment = time_t(seconds)
        var fields = tm()
        guard gmtime_r(&moment, &fields) != nil, (-1900..<8100).contains(fields.tm_year) else {
            throw KeyStoreError(.invalidInput, "A certificate cannot tell a moment outside the years 0 to 9999")
        }
        func digits(_ number: Int32, _ count: Int = 2) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        let year = fields.tm_year + 1900
        let isShort = (1950..<2050).contains(year)
        let day = (isShort ? digits(year % 100) : digits(year, 4)) + digits(fields.tm_mon + 1) + digits(fields.tm_mday)
        let text = day + digits(fields.tm_hour) + digits(fields.tm_min) + digits(fields.tm_sec) + "Z"
        return DEREncoding.value(isShort ? 0x17 : 0x18, Array(text.utf8))
    }
}
