/// Gets certificates out of whatever a CA sends.
enum PEMCertificates {
    static func certificates(in bytes: [UInt8]) throws(KeyStoreError) -> [CertificateData] {
        guard !bytes.isEmpty else { throw KeyStoreError(.empty, "Empty input") }
        if bytes[0] == ASN1Value.sequence, let found = try? binary(bytes), !found.isEmpty { return found }
        var found: [CertificateData] = []
        for block in try PEM.blocks(in: bytes) {
            do throws(KeyStoreError) {
                found += try certificates(in: block)
            } catch {
                throw KeyStoreError(.invalidInput, "The \(block.label) block of line \(block.line): \(error.message)")
            }
        }
        guard !found.isEmpty else { throw KeyStoreError(.invalidInput, "Input not an X.509 certificate") }
        return found
    }

    private static func certificates(in block: PEM.Block) throws(KeyStoreError) -> [CertificateData] {
        switch block.label {
        case "CERTIFICATE", "X509 CERTIFICATE", "CERTIFICATE CHAIN":
            // Some authorities send a bundle under the name of a certificate.
            if let bundled = try? bundle(block.bytes), !bundled.isEmpty { return bundled }
            return [try certificate(block.bytes)]
        case "TRUSTED CERTIFICATE":
            // OpenSSL's own kind: settings of trust follow the certificate.
            return [try certificate(Array(ASN1Value(block.bytes, allowingTrailing: true).encoded))]
        case "PKCS7", "CMS", "PKCS #7 SIGNED DATA": return try bundle(block.bytes)
        default: return []
        }
    }

    private static func certificate(_ der: [UInt8]) throws(KeyStoreError) -> CertificateData {
        _ = try CertificateSkeleton(der: der)
        return CertificateData(der: der)
    }

    /// Certificates in DER one after the other, or a PKCS#7 bundle.
    private static func binary(_ bytes: [UInt8]) throws(KeyStoreError) -> [CertificateData] {
        if let bundled = try? bundle(bytes) { return bundled }
        var reader = ASN1Reader(bytes[...])
        var found: [CertificateData] = []
        while !reader.isAtEnd { found.append(try certificate(Array(reader.next().encoded))) }
        return found
    }

    /// The certificates of a SignedData (RFC 5652), which for a bundle signs nothing.
    private static func bundle(_ bytes: [UInt8]) throws(KeyStoreError) -> [CertificateData] {
        var info = try ASN1Value(bytes).reader()
        guard try info.next().objectIdentifier() == .signedData else { throw KeyStoreError(.invalidInput, "Not a PKCS#7 bundle of certificates") }
        var signedData = try info.next().explicit(0).reader()
        _ = try signedData.next()
        _ = try signedData.next()
        _ = try signedData.next()
        var found: [CertificateData] = []
        guard let certificates = try signedData.next(ifTag: 0xA0) else { return found }
        for value in try certificates.children(0xA0) where value.tag == ASN1Value.sequence {
            found.append(try certificate(Array(value.encoded)))
        }
        return found
    }
}
