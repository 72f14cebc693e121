import Foundation
import ServalKeyStore
import SwiftASN1
import X509

/// Certificates with any validity and any extensions, signed in a moment.
struct Issuer {
    let key: PrivateKey
    let certificate: CertificateData
    let name: DistinguishedName

    static let now = KeyStore.millisecondsNow() / 1000
    static let day: Int64 = 86_400

    /// An authority, signed by itself or by another one.
    init(_ name: String, by parent: Issuer? = nil, key: PrivateKey? = nil, days: Range<Int64> = -10..<3650, extensions: [Extension] = .authority)
        throws
    {
        let key = try key ?? PrivateKey.generate(.ec(curve: .p256))
        self.key = key
        self.name = try DistinguishedName(dname: name)
        certificate = try Self.issue(name, key, by: (parent?.name ?? self.name, parent?.key ?? key), days: days, extensions, nil)
    }

    typealias Extension = CertificateFields.Extension

    /// A certificate for a key.
    func issue(
        _ name: String,
        _ key: PrivateKey,
        days: Range<Int64> = -1..<90,
        _ extensions: [Extension] = [.names("www.example.org")],
        signature: String? = nil
    ) throws -> CertificateData {
        try Self.issue(name, key, by: (self.name, self.key), days: days, extensions, signature)
    }

    private static func issue(
        _ name: String,
        _ key: PrivateKey,
        by issuer: (name: DistinguishedName, key: PrivateKey),
        days: Range<Int64>,
        _ extensions: [Extension],
        _ signature: String?
    ) throws -> CertificateData {
        try CertificateIssuance(
            subject: DistinguishedName(dname: name).encoded,
            publicKeyInfo: key.publicKeyInfo,
            issuer: issuer.name.encoded,
            notBefore: now + days.lowerBound * day,
            notAfter: now + days.upperBound * day + 60,
            extensions: extensions
        ).issue(by: issuer.key, with: signature.flatMap(SignatureAlgorithm.init) ?? issuer.key.defaultSignatureAlgorithm())
    }
}

extension DistinguishedName {
    fileprivate var encoded: [UInt8] {
        get throws {
            var serializer = DER.Serializer()
            try serializer.serialize(self)
            return serializer.serializedBytes
        }
    }
}

extension CertificateFields.Extension {
    static let authority = Self.basicConstraints(isAuthority: true)

    static func basicConstraints(isAuthority: Bool) -> Self {
        Self(oid: "2.5.29.19", isCritical: true, value: isAuthority ? [0x30, 3, 1, 1, 0xFF] : [0x30, 0])
    }

    static func names(_ names: String...) -> Self {
        let values = names.flatMap { name -> [UInt8] in [0x82, UInt8(name.utf8.count)] + Array(name.utf8) }
        return Self(oid: "2.5.29.17", isCritical: false, value: [0x30, UInt8(values.count)] + values)
    }

    /// The last number of 1.3.6.1.5.5.7.3.n: 1 for servers, 2 for clients.
    static func purpose(_ number: UInt8) -> Self {
        Self(oid: "2.5.29.37", isCritical: false, value: [0x30, 10, 6, 8, 0x2B, 6, 1, 5, 5, 7, 3, number])
    }

    static func keyUsage(_ bits: UInt8) -> Self { Self(oid: "2.5.29.15", isCritical: true, value: [3, 2, 0, bits]) }

    /// Where the issuer's certificate is.
    static func issuer(at url: String) -> Self {
        let location: [UInt8] = [6, 8, 0x2B, 6, 1, 5, 5, 7, 0x30, 2, 0x86, UInt8(url.utf8.count)] + Array(url.utf8)
        return Self(oid: "1.3.6.1.5.5.7.1.1", isCritical: false, value: [0x30, UInt8(location.count + 2), 0x30, UInt8(location.count)] + location)
    }
}

extension [CertificateFields.Extension] {
    static var authority: Self { [.authority] }
}
