import CPKCS11
import ServalKeyStore

/// What a token holds, read in one go.
struct TokenContents {
    struct StoredCertificate {
        let object: CK_OBJECT_HANDLE
        let id: [UInt8]
        let label: String?
        let isTrusted: Bool
        let certificate: CertificateData
    }

    let certificates: [StoredCertificate]
    let privateKeyIDs: [[UInt8]]
    private let secretLabels: [String]

    init(_ cryptoki: Cryptoki, _ session: CK_SESSION_HANDLE) throws(CryptokiFailure) {
        var certificates: [StoredCertificate] = []
        let template = [Attribute(CKA_CLASS, CKO_CERTIFICATE), Attribute(CKA_CERTIFICATE_TYPE, CKC_X_509)]
        for object in try cryptoki.find(session, template) {
            guard let der = try cryptoki.value(session, object, CKA_VALUE), !der.isEmpty else { continue }
            certificates.append(
                StoredCertificate(
                    object: object,
                    id: try cryptoki.value(session, object, CKA_ID) ?? [],
                    label: try Self.text(cryptoki.value(session, object, CKA_LABEL)),
                    isTrusted: try cryptoki.value(session, object, CKA_TRUSTED) == [1],
                    certificate: CertificateData(der: der)
                )
            )
        }
        self.certificates = certificates
        var ids: [[UInt8]] = []
        for object in try cryptoki.find(session, [Attribute(CKA_CLASS, CKO_PRIVATE_KEY)]) {
            if let id = try cryptoki.value(session, object, CKA_ID), !id.isEmpty { ids.append(id) }
        }
        privateKeyIDs = ids
        var labels: [String] = []
        for object in try cryptoki.find(session, [Attribute(CKA_CLASS, CKO_SECRET_KEY)]) {
            if let label = try Self.text(cryptoki.value(session, object, CKA_LABEL)) { labels.append(label) }
        }
        secretLabels = labels
    }

    func entries(of token: PKCS11Token) -> [PKCS11Entry] {
        let ids = Set(privateKeyIDs)
        var used: Set<[UInt8]> = []
        let owners = certificates.filter { (ids.contains($0.id) && used.insert($0.id).inserted) || ($0.isTrusted && !ids.contains($0.id)) }
        let all = certificates.map(\.certificate)
        var entries: [PKCS11Entry] = []
        for owner in owners {
            let alias = alias(of: owner, among: owners)
            guard ids.contains(owner.id) else {
                entries.append(PKCS11Entry(alias: alias, content: .trustedCertificate(owner.certificate)))
                continue
            }
            guard let info = try? owner.certificate.publicKeyInfo() else { continue }
            let key = TokenKey(token: token, id: owner.id, alias: alias, publicKeyInfo: info)
            let chain = CertificateChain.build(leaf: owner.certificate, from: all)
            entries.append(PKCS11Entry(alias: alias, content: .privateKey(PrivateKey(external: key), chain: chain)))
        }
        let taken = Set(entries.map(\.alias))
        entries += Set(secretLabels).subtracting(taken).map { PKCS11Entry(alias: $0, content: .secretKey) }
        return entries.sorted { $0.alias.utf16.lexicographicallyPrecedes($1.alias.utf16) }
    }

    private func alias(of owner: StoredCertificate, among owners: [StoredCertificate]) -> String {
        let label = owner.label ?? Self.name(of: owner.id)
        guard owners.contains(where: { $0.object != owner.object && $0.label == owner.label }), let fields = try? owner.certificate.fields() else {
            return label
        }
        return "\(label)/\(fields.issuer)/\(Decimal.text(of: fields.serialNumber))"
    }

    /// A `CKA_ID` as text where it is text.
    private static func name(of id: [UInt8]) -> String {
        let isText = id.allSatisfy { (0x20...0x7E).contains($0) }
        return isText ? String(decoding: id, as: UTF8.self) : "0x" + id.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private static func text(_ bytes: [UInt8]?) -> String? {
        guard let bytes, !bytes.isEmpty else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Long numbers for people.
enum Decimal {
    /// The decimal digits of a non-negative big-endian number.
    static func text(of bytes: some Collection<UInt8>) -> String {
        // A serial number has 20 bytes; what is longer is not worth the time.
        var digits: [UInt8] = [0]
        for byte in bytes.prefix(64) {
            var carry = Int(byte)
            for index in digits.indices {
                let value = Int(digits[index]) * 256 + carry
                digits[index] = UInt8(value % 10)
                carry = value / 10
            }
            while carry > 0 {
                digits.append(UInt8(carry % 10))
                carry /= 10
            }
        }
        return String(decoding: digits.reversed().map { $0 + 0x30 }, as: UTF8.self)
    }
}
