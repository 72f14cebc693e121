/// Requests, revocation lists and PKCS#7 bundles.
extension FileContents {
    private typealias Detail = KeyStoreInspection.Detail

    mutating func takeBundle(_ bytes: [UInt8], line: Int?) {
        guard let content = try? ASN1Value(bytes).children().first?.objectIdentifier(), content == .signedData else {
            items.append(KeyStoreInspection.Item(.other, line: line, [Detail(name: "Content", value: "PKCS#7, but not a bundle of certificates")]))
            report(
                .unsupported,
                .warning,
                "The PKCS#7 message holds something else than certificates, perhaps encrypted mail.",
                advice: "openssl cms -cmsout -print shows what it is."
            )
            return
        }
        let certificates = (try? PEM.certificates(in: bytes)) ?? []
        if certificates.isEmpty {
            report(.corrupt, .error, "The PKCS#7 bundle has no certificates that can be read.", advice: "Ask for it again.")
        }
        for certificate in certificates { items.append(.certificate(certificate, line: line)) }
        material.certificates += certificates
    }

    mutating func takeRequest(_ value: ASN1Value, line: Int?) {
        guard let parts = try? value.children(), let info = try? parts[0].children(), let name = try? CertificateFields.Name(info[1]) else {
            report(.corrupt, .error, "The certificate request cannot be read.", advice: "Make it again (-certreq).")
            return
        }
        var details = [Detail(name: "Subject", value: name.description), Detail(name: "Key", value: PublicKeyInfo.describe(info[2]))]
        let algorithm = (try? parts[1].children().first?.objectIdentifier()).map(AlgorithmNames.signature)
        if let algorithm { details.append(Detail(name: "Signature algorithm", value: algorithm)) }
        let names = info.count > 3 ? Self.requestedNames(info[3], subject: Array(info[1].encoded)) : []
        if !names.isEmpty { details.append(Detail(name: "Alternative names", value: names.joined(separator: ", "))) }
        items.append(KeyStoreInspection.Item(.certificateRequest, line: line, details))
        let signature = (try? PublicKeyInfo.octets(ofBitString: parts[2])) ?? []
        let verification = SignatureAlgorithm.verification(
            of: signature,
            message: Array(parts[0].encoded),
            algorithmIdentifier: Array(parts[1].encoded),
            publicKeyInfo: Array(info[2].encoded)
        )
        guard verification == .fails else { return }
        report(
            .signatureMismatch,
            .error,
            "The request's signature was not made by the key in it, or the request was changed.",
            advice: "Make it again (-certreq)."
        )
    }

    /// The subject alternative names among the extensions that a request asks for.
    private static func requestedNames(_ attributes: ASN1Value, subject: [UInt8]) -> [String] {
        for attribute in (try? attributes.children(0xA0)) ?? [] {
            guard let parts = try? attribute.children(), parts.count == 2, (try? parts[0].objectIdentifier()) == .extensionRequest,
                let list = try? parts[1].children(ASN1Value.set).first?.children()
            else { continue }
            let extensions = list.compactMap { try? CertificateFields.Extension($0) }
            return CertificateTraits(subject: subject, extensions: extensions).alternativeNames
        }
        return []
    }

    mutating func takeRevocationList(_ value: ASN1Value, line: Int?) {
        guard var parts = try? value.children().first?.children() else { return }
        if parts.first?.tag == ASN1Value.integer { parts.removeFirst() }
        guard parts.count >= 3, let issuer = try? CertificateFields.Name(parts[1]), let thisUpdate = try? ASN1Time.seconds(parts[2]) else {
            report(.corrupt, .error, "The revocation list cannot be read.", advice: "Fetch it again.")
            return
        }
        var details = [Detail(name: "Issuer", value: issuer.description), Detail(name: "This update", value: ISOTime.text(thisUpdate))]
        let rest = parts.dropFirst(3)
        let nextUpdate = rest.first.flatMap { try? ASN1Time.seconds($0) }
        details.append(Detail(name: "Next update", value: nextUpdate.map(ISOTime.text) ?? "not said"))
        let revoked = rest.first { $0.tag == ASN1Value.sequence }.flatMap { try? $0.children().count } ?? 0
        details.append(Detail(name: "Revoked certificates", value: String(revoked)))
        items.append(KeyStoreInspection.Item(.revocationList, line: line, details))
        if let nextUpdate { material.lists.append((issuer.description, nextUpdate)) }
    }
}
