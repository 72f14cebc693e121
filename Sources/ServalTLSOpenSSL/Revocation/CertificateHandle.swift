import COpenSSL

/// A counted reference to an `X509`.
///
/// It may be used from any thread: OpenSSL counts references atomically, locks what it computes lazily, and nothing here changes a certificate.
final class CertificateHandle: @unchecked Sendable {
    let pointer: OpaquePointer

    /// Takes a reference of its own.
    init?(_ certificate: OpaquePointer?) {
        guard let certificate, X509_up_ref(certificate) == 1 else { return nil }
        pointer = certificate
    }

    /// Nil if `der` is not exactly one certificate.
    convenience init?(der: [UInt8]) {
        guard let made = parseCertificate(der) else { return nil }
        defer { X509_free(made) }
        self.init(made)
    }

    deinit { X509_free(pointer) }

    /// The subject as one line, for example `CN=client,O=Example`.
    var subject: String { Self.words(X509_get_subject_name(pointer)) }

    var issuer: String { Self.words(X509_get_issuer_name(pointer)) }

    /// From when until when it is valid, in seconds since 1970.
    var validity: (start: Int64, end: Int64) {
        (serval_seconds(X509_get0_notBefore(pointer)), serval_seconds(X509_get0_notAfter(pointer)))
    }

    /// Whether it has the same name as its issuer, as roots have.
    var isSelfIssued: Bool { X509_NAME_cmp(X509_get_subject_name(pointer), X509_get_issuer_name(pointer)) == 0 }

    var digest: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 64) { buffer, count in
            var length: UInt32 = 0
            count = X509_digest(pointer, EVP_sha256(), buffer.baseAddress, &length) == 1 ? Int(length) : 0
        }
    }

    /// The content of the serial number.
    var serial: [UInt8] {
        guard let serial = X509_get0_serialNumber(pointer) else { return [] }
        return Array(UnsafeBufferPointer(start: ASN1_STRING_get0_data(serial), count: Int(ASN1_STRING_length(serial))))
    }

    /// Whether `other` has issued this one: names, key identifiers, key usage, and the signature, because authorities may have the same name.
    func isIssued(by other: CertificateHandle) -> Bool {
        defer { ERR_clear_error() }
        guard X509_check_issued(other.pointer, pointer) == X509_V_OK, let key = X509_get0_pubkey(other.pointer) else { return false }
        return X509_verify(pointer, key) == 1
    }

    /// Whether this one has signed a revocation list (`SERVAL_SIGNED` and the like).
    func findingAbout(_ list: OpaquePointer) -> Int32 { serval_crl_is_signed_by(list, pointer) }

    /// Whether this one demands a stapled answer (RFC 7633).
    var demandsStaple: Bool { serval_must_staple(pointer) == 1 }

    /// The URLs of OCSP responders that the certificate names, in its order; at most eight.
    var responderURLs: [String] {
        guard let list = X509_get1_ocsp(pointer) else { return [] }
        defer { X509_email_free(list) }
        return (0..<min(serval_string_count(list), 8)).compactMap { serval_string_at(list, $0).map { String(cString: $0) } }
    }

    static func words(_ name: OpaquePointer?) -> String {
        guard let name, let output = BIO_new(BIO_s_mem()) else { return "?" }
        defer { BIO_free(output) }
        guard serval_print_name(output, name) >= 0 else { return "?" }
        var text = [UInt8](repeating: 0, count: 512)
        let count = BIO_read(output, &text, Int32(text.count))
        return String(decoding: text.prefix(max(Int(count), 0)), as: UTF8.self)
    }
}
