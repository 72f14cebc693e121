import ServalKeyStore

@testable import ServalKeytool

/// Certificates: the fields that are shown, and how they are shown.
enum CertificateFuzzing {
    static func certificate(_ bytes: [UInt8]) {
        look(at: CertificateData(der: bytes))
    }

    static func look(at certificate: CertificateData) {
        _ = certificate.subjectDescription
        _ = try? certificate.publicKeyInfo()
        _ = try? certificate.parsed()
        guard let fields = try? certificate.fields() else { return }
        expect(!fields.serialNumberDescription.isEmpty, "a serial number has digits")
        _ = CertificateBlock.text(certificate)
    }
}
