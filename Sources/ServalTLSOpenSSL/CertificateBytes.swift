import COpenSSL

/// The certificate in DER.
func derBytes(of certificate: OpaquePointer) -> [UInt8]? {
    var start: UnsafeMutablePointer<UInt8>?
    let count = i2d_X509(certificate, &start)
    guard count > 0, let start else { return nil }
    defer { serval_free(start) }
    return Array(UnsafeBufferPointer(start: start, count: Int(count)))
}

/// The certificates of an OpenSSL stack in DER.
func certificates(in stack: OpaquePointer?) -> [[UInt8]] {
    (0..<max(serval_cert_count(stack), 0)).compactMap { serval_cert_at(stack, $0).flatMap(derBytes(of:)) }
}

/// Parses one certificate, which the caller frees; nil if `der` is not exactly one.
func parseCertificate(_ der: [UInt8]) -> OpaquePointer? {
    der.withUnsafeBufferPointer { bytes in
        var position = bytes.baseAddress
        guard let certificate = d2i_X509(nil, &position, bytes.count) else { return nil }
        guard let position, let start = bytes.baseAddress, position - start == bytes.count else {
            X509_free(certificate)
            return nil
        }
        return certificate
    }
}

/// Lower-case hexadecimal digits.
func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(unsafeUninitializedCapacity: bytes.count * 2) { buffer in
        for (index, byte) in bytes.enumerated() {
            buffer[index * 2] = digits[Int(byte >> 4)]
            buffer[index * 2 + 1] = digits[Int(byte & 15)]
        }
        return bytes.count * 2
    }
}
