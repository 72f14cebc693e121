/// The attributes of a PKCS12 bag.
struct PKCS12Attributes {
    var friendlyName: String?
    var localKeyID: [UInt8]?
    /// Whether Java's mark says that the certificate is trusted.
    var isTrusted = false
    /// Other attributes as found.
    var others: [[UInt8]] = []

    init() {}

    init(_ set: ASN1Value) throws(KeyStoreError) {
        for attribute in try set.children(ASN1Value.set) {
            var reader = try attribute.reader()
            let type = try reader.next().objectIdentifier()
            let value = try reader.next().children(ASN1Value.set).first
            switch type {
            case .friendlyName: friendlyName = value.flatMap { JavaNameText.string($0) }
            // What cannot be understood names nothing, and is no reason to refuse the key.
            case .localKeyID: localKeyID = try? value?.octets()
            case .javaTrustedKeyUsage: isTrusted = true
            default: others.append(Array(attribute.encoded))
            }
        }
    }

    /// The JDK's key ids are `Time` and the milliseconds of the entry's date.
    var creationDate: Int64? {
        guard let localKeyID, localKeyID.starts(with: "Time ".utf8) else { return nil }
        return Int64(String(decoding: localKeyID.dropFirst(5), as: UTF8.self))
    }

    static func keyID(_ creationDate: Int64) -> [UInt8] { Array("Time \(creationDate)".utf8) }

    /// The attributes as a SET; empty bytes when there are none.
    var der: [UInt8] {
        var attributes = others
        if let friendlyName {
            attributes.append(PKCS12Attributes.attribute(.friendlyName, DEREncoding.value(0x1E, JavaText.utf16(friendlyName))))
        }
        if let localKeyID { attributes.append(PKCS12Attributes.attribute(.localKeyID, DEREncoding.octetString(localKeyID))) }
        if isTrusted { attributes.append(PKCS12Attributes.attribute(.javaTrustedKeyUsage, DEREncoding.oid(.anyExtendedKeyUsage))) }
        return attributes.isEmpty ? [] : DEREncoding.set(of: attributes)
    }

    private static func attribute(_ type: OID, _ value: [UInt8]) -> [UInt8] {
        DEREncoding.sequence(DEREncoding.oid(type), DEREncoding.set(of: [value]))
    }
}
