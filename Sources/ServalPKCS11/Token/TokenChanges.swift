import CPKCS11
import ServalKeyStore

/// Changes of a token's objects, on one of its threads.
struct TokenChanges {
    private let cryptoki: Cryptoki
    private let session: CK_SESSION_HANDLE
    private let place: String

    init(_ cryptoki: Cryptoki, _ session: CK_SESSION_HANDLE, place: String) {
        self.cryptoki = cryptoki
        self.session = session
        self.place = place
    }

    // MARK: Keys

    func generateKeyPair(_ algorithm: PrivateKey.Algorithm, alias: String, token: PKCS11Token) throws -> PrivateKey {
        let id = try newID(for: alias)
        var publicTemplate = [
            Attribute(CKA_TOKEN, true), Attribute(CKA_PRIVATE, false), Attribute(CKA_ID, id), Attribute(CKA_LABEL, alias),
            Attribute(CKA_VERIFY, true),
        ]
        var privateTemplate = Self.privateKeyTemplate(id: id, alias: alias)
        let mechanism: CK_MECHANISM_TYPE
        switch algorithm {
        case .rsa(let bits):
            mechanism = CKM_RSA_PKCS_KEY_PAIR_GEN
            publicTemplate += [Attribute(CKA_ENCRYPT, true), Attribute(CKA_MODULUS_BITS, CK_ULONG(bits)), Attribute(CKA_PUBLIC_EXPONENT, [1, 0, 1])]
            privateTemplate.append(Attribute(CKA_DECRYPT, true))
        case .ec(let curve):
            guard let oid = TokenPublicKey.curves.first(where: { $0.curve == curve })?.oid else { fallthrough }
            mechanism = CKM_EC_KEY_PAIR_GEN
            publicTemplate.append(Attribute(CKA_EC_PARAMS, DEREncoding.oid(oid)))
        default:
            throw KeyStoreError(.unsupportedAlgorithm, "\(place): only RSA and EC keys (P-256, P-384, P-521) can be made in a token")
        }
        let pair = try cryptoki.generateKeyPair(
            session,
            mechanism: mechanism,
            publicTemplate: publicTemplate,
            privateTemplate: privateTemplate
        )
        let info = try publicKeyInfo(of: pair.publicKey, isRSA: mechanism == CKM_RSA_PKCS_KEY_PAIR_GEN)
        return PrivateKey(external: TokenKey(token: token, id: id, alias: alias, publicKeyInfo: info))
    }

    func importKey(_ key: PrivateKey, chain: [CertificateData], alias: String) throws {
        switch key.algorithm {
        case .rsa, .ec: break
        default: throw KeyStoreError(.unsupportedAlgorithm, "\(place): only RSA and EC keys can be put into a token; [\(alias)] is a \(key)")
        }
        let id = try newID(for: alias)
        var template = Self.privateKeyTemplate(id: id, alias: alias) + [Attribute(CKA_CLASS, CKO_PRIVATE_KEY)]
        let parts = try ASN1Value(key.plainPKCS8).children()
        guard parts.count >= 3, let subject = try chain.first?.fields().subject.der else {
            throw KeyStoreError(.corrupt, "The private key of [\(alias)] cannot be read")
        }
        let inner = try ASN1Value(Array(parts[2].content)).children()
        switch key.algorithm {
        case .rsa where inner.count >= 9:
            let types = [
                CKA_MODULUS, CKA_PUBLIC_EXPONENT, CKA_PRIVATE_EXPONENT, CKA_PRIME_1, CKA_PRIME_2, CKA_EXPONENT_1, CKA_EXPONENT_2, CKA_COEFFICIENT,
            ]
            template += [Attribute(CKA_KEY_TYPE, CKK_RSA), Attribute(CKA_DECRYPT, true)]
            template += zip(types, inner.dropFirst()).map { Attribute($0, Array($1.content.drop { $0 == 0 })) }
        case .ec where inner.count >= 2:
            let parameters = try parts[1].children().dropFirst().first.map { Array($0.encoded) } ?? []
            template += [Attribute(CKA_KEY_TYPE, CKK_EC), Attribute(CKA_EC_PARAMS, parameters), Attribute(CKA_VALUE, Array(inner[1].content))]
        default:
            throw KeyStoreError(.corrupt, "The private key of [\(alias)] is not complete")
        }
        template.append(Attribute(CKA_SUBJECT, Array(subject)))
        try cryptoki.create(session, template)
        do {
            try replaceChain(of: id, with: chain, alias: alias)
        } catch {
            try? deleteKeyPair(id)
            throw error
        }
    }

    private static func privateKeyTemplate(id: [UInt8], alias: String) -> [Attribute] {
        [
            Attribute(CKA_TOKEN, true), Attribute(CKA_PRIVATE, true), Attribute(CKA_ID, id), Attribute(CKA_LABEL, alias), Attribute(CKA_SIGN, true),
            Attribute(CKA_SENSITIVE, true), Attribute(CKA_EXTRACTABLE, false),
        ]
    }

    /// The alias, as the JDK does it, unless that is in use.
    private func newID(for alias: String) throws -> [UInt8] {
        let id = Array(alias.utf8)
        guard try !id.isEmpty && cryptoki.find(session, [Attribute(CKA_ID, id)]).isEmpty else {
            var random = SystemRandomNumberGenerator()
            return (0..<16).map { _ in UInt8.random(in: 0...255, using: &random) }
        }
        return id
    }

    private func publicKeyInfo(of object: CK_OBJECT_HANDLE, isRSA: Bool) throws -> [UInt8] {
        if isRSA, let modulus = try cryptoki.value(session, object, CKA_MODULUS),
            let exponent = try cryptoki.value(session, object, CKA_PUBLIC_EXPONENT)
        {
            return TokenPublicKey.rsa(modulus: modulus, exponent: exponent)
        }
        if !isRSA, let parameters = try cryptoki.value(session, object, CKA_EC_PARAMS), let point = try cryptoki.value(session, object, CKA_EC_POINT)
        {
            return TokenPublicKey.ec(parameters: parameters, point: point)
        }
        throw KeyStoreError(.tokenFailed, "\(place) does not tell the public key that it has made")
    }

    // MARK: Certificates

    /// Puts the chain of the key with this `CKA_ID` in the place of the one it has.
    func replaceChain(of id: [UInt8], with chain: [CertificateData], alias: String) throws {
        let contents = try TokenContents(cryptoki, session)
        let old = contents.certificates.filter { $0.id == id }
        var new: [CK_OBJECT_HANDLE] = []
        for (index, certificate) in chain.enumerated() {
            let isLeaf = index == 0
            let present = contents.certificates.first { $0.certificate == certificate && ($0.id == id) == isLeaf }
            if let present {
                if isLeaf, present.label != alias { try cryptoki.set(session, present.object, [Attribute(CKA_LABEL, alias)]) }
                new.append(present.object)
            } else {
                try create(certificate, id: isLeaf ? id : certificate.sha1Fingerprint, label: isLeaf ? alias : certificate.subjectDescription)
            }
        }
        for certificate in old where !new.contains(certificate.object) { try cryptoki.destroy(session, certificate.object) }
        // The labels of the keys are for people; a token that does not let them be changed is none the worse.
        for keyClass in [CKO_PRIVATE_KEY, CKO_PUBLIC_KEY] {
            for object in try cryptoki.find(session, [Attribute(CKA_CLASS, keyClass), Attribute(CKA_ID, id)]) {
                try? cryptoki.set(session, object, [Attribute(CKA_LABEL, alias)])
            }
        }
        try removeOrphans(of: contents, formerly: old.map(\.certificate))
    }

    private func create(_ certificate: CertificateData, id: [UInt8], label: String) throws {
        let fields = try certificate.fields()
        try cryptoki.create(
            session,
            [
                Attribute(CKA_CLASS, CKO_CERTIFICATE), Attribute(CKA_CERTIFICATE_TYPE, CKC_X_509), Attribute(CKA_TOKEN, true),
                Attribute(CKA_PRIVATE, false), Attribute(CKA_ID, id), Attribute(CKA_LABEL, label), Attribute(CKA_SUBJECT, Array(fields.subject.der)),
                Attribute(CKA_ISSUER, Array(fields.issuer.der)),
                Attribute(CKA_SERIAL_NUMBER, TokenPublicKey.unsigned(Array(fields.serialNumber))), Attribute(CKA_VALUE, certificate.der),
            ]
        )
    }

    // MARK: Deleting

    func delete(_ entry: PKCS11Entry) throws {
        let contents = try TokenContents(cryptoki, session)
        switch entry.content {
        case .privateKey(let key, let chain):
            guard let id = (key.external as? TokenKey)?.id else { return }
            try deleteKeyPair(id)
            for certificate in contents.certificates where certificate.id == id { try cryptoki.destroy(session, certificate.object) }
            try removeOrphans(of: contents, formerly: chain)
        case .trustedCertificate(let certificate):
            for stored in contents.certificates where stored.isTrusted && stored.certificate == certificate {
                try cryptoki.destroy(session, stored.object)
            }
        case .secretKey:
            for object in try cryptoki.find(session, [Attribute(CKA_CLASS, CKO_SECRET_KEY), Attribute(CKA_LABEL, entry.alias)]) {
                try cryptoki.destroy(session, object)
            }
        }
    }

    func deleteKeyPair(_ id: [UInt8]) throws {
        for keyClass in [CKO_PRIVATE_KEY, CKO_PUBLIC_KEY] {
            for object in try cryptoki.find(session, [Attribute(CKA_CLASS, keyClass), Attribute(CKA_ID, id)]) {
                try cryptoki.destroy(session, object)
            }
        }
    }

    /// Removes the issuers in the former chains of `certificates` that no remaining key's chain passes through.
    private func removeOrphans(of before: TokenContents, formerly certificates: [CertificateData]) throws {
        let all = before.certificates.map(\.certificate)
        let issuers = Set(certificates.flatMap { CertificateChain.build(leaf: $0, from: all).dropFirst() })
        guard !issuers.isEmpty else { return }
        let now = try TokenContents(cryptoki, session)
        let ids = Set(now.privateKeyIDs)
        let remaining = now.certificates.map(\.certificate)
        let needed = Set(
            now.certificates.filter { ids.contains($0.id) }.flatMap { CertificateChain.build(leaf: $0.certificate, from: remaining) }
        )
        for stored in now.certificates where issuers.contains(stored.certificate) && !needed.contains(stored.certificate) {
            guard !stored.isTrusted, !ids.contains(stored.id) else { continue }
            try cryptoki.destroy(session, stored.object)
        }
    }
}
