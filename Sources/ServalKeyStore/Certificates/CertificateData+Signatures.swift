extension CertificateData {
    /// Whether `issuer` signed this certificate: the names agree and the signature is right.
    ///
    /// `false` also for algorithms that cannot be computed here.
    public func isSigned(by issuer: CertificateData) -> Bool {
        guard let child = try? CertificateSkeleton(der: der), let parent = try? CertificateSkeleton(der: issuer.der) else { return false }
        return child.names(asIssuer: parent) && child.verification(by: parent) == .holds
    }

    /// Whether `issuer` signed this certificate as far as can be told: the names agree, and the signature is right or of an unknown kind.
    func mayBeSigned(by issuer: CertificateData) -> Bool {
        guard let child = try? CertificateSkeleton(der: der), let parent = try? CertificateSkeleton(der: issuer.der) else { return false }
        return child.names(asIssuer: parent) && child.verification(by: parent) != .fails
    }

    /// Whether the certificate ends a chain.
    var endsChain: Bool { mayBeSigned(by: self) }

    /// Whether the certificate signed itself.
    public var isSelfSigned: Bool { isSigned(by: self) }

    /// Whether both certificates hold the same public key, however it is encoded.
    public func hasPublicKey(of other: CertificateData) -> Bool {
        guard let mine = try? publicKeyInfo(), let others = try? other.publicKeyInfo() else { return false }
        return PublicKeyInfo.areEqual(mine, others)
    }
}

extension CertificateSkeleton {
    /// Whether the key of `issuer` made this certificate's signature.
    func verification(by issuer: CertificateSkeleton) -> SignatureAlgorithm.Verification {
        guard let signature = try? PublicKeyInfo.octets(ofBitString: signature) else { return .fails }
        return SignatureAlgorithm.verification(
            of: signature,
            message: Array(contents.encoded),
            algorithmIdentifier: Array(signatureAlgorithmIdentifier.encoded),
            publicKeyInfo: issuer.publicKeyInfo
        )
    }
}
