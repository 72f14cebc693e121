import ServalKeyStore

/// Whom a client's certificate is about, in the words in which `serval-keytool -printcert` and Tomcat have it.
///
/// What it takes is little, so that certificates with algorithms or extensions that swift-certificates does not know have names, too. Without names
/// nobody could say who a client is, so backends refuse a client one of whose certificates has none.
package struct ClientCertificateNames: Sendable, Hashable {
    /// `CN=Duke, O="Example, Inc."`.
    package let subject: String
    package let issuer: String
    /// Lower-case hexadecimal digits, with `-` before negative numbers.
    package let serialNumber: String

    /// - Throws: `.clientCertificateRejected` for bytes in which there are no names.
    package init(der: [UInt8]) throws(TLSError) {
        do throws(KeyStoreError) {
            let names = try CertificateData(der: der).names()
            subject = names.subject.description
            issuer = names.issuer.description
            serialNumber = names.serialNumberDescription
        } catch {
            throw TLSError(.clientCertificateRejected, "The client's certificate cannot be read to find out whose it is: \(error.message)")
        }
    }

    /// Whether the certificates of a client, DER, have names.
    ///
    /// - Throws: as the initializer, for the first that has none.
    package static func check(_ certificates: [[UInt8]]) throws(TLSError) {
        for der in certificates { _ = try ClientCertificateNames(der: der) }
    }
}

extension TLSClientCertificates {
    /// All certificates, verified or not.
    package var chain: [[UInt8]] {
        switch self {
        case .none: []
        case .verified(let chain), .unverified(let chain): chain
        }
    }
}
