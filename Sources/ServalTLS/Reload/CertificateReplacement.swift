public import ServalKeyStore

/// What a reload changes about the certificates that clients see.
public struct CertificateReplacement: Sendable {
    /// Certificates that are presented now and were not before.
    public var added: [PresentedCertificate]
    /// Certificates that are not presented any more.
    public var removed: [PresentedCertificate]

    /// Compares what two contexts present.
    public init(from old: [TLSHostDescription], to new: [TLSHostDescription]) {
        let before = old.flatMap(\.certificates)
        let after = new.flatMap(\.certificates)
        added = after.filter { certificate in !before.contains { $0.hostName == certificate.hostName && $0.chain == certificate.chain } }
        removed = before.filter { certificate in !after.contains { $0.hostName == certificate.hostName && $0.chain == certificate.chain } }
    }

    /// Refuses to replace certificates that clients accept by some that they will not.
    ///
    /// - Parameter time: in seconds since 1970.
    /// - Throws: `.certificateNotValid` if a new certificate has expired, or is not valid yet, while the old one of its host is valid.
    public func check(at time: Int64 = KeyStore.millisecondsNow() / 1000) throws(TLSError) {
        for certificate in added where !certificate.isValid(at: time) {
            let old = removed.filter { $0.hostName == certificate.hostName }
            guard old.contains(where: { $0.isValid(at: time) }) else { continue }
            let state = certificate.notAfter < time ? "has expired" : "is not valid yet"
            throw TLSError(
                .certificateNotValid,
                "SSLHostConfig [\(certificate.hostName)]: the new certificate \(state) (\(certificate.source), serial number \(certificate.serialNumber)); the one in use is valid"
            )
        }
    }
}
