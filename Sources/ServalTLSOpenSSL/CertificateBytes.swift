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
    let count = serval_cert_count(stack)
    guard count > 0 else { return [] }
    return (0..<count).compactMap { serval_cert_at(stack, $0).flatMap(derBytes(of:)) }
}

/// What the client has sent besides its own certificate, as far as it is on the path that was verified, in the path's order.
///
/// A client may send others, too, of which nobody has verified anything. Empty on a connection that resumes: nothing was verified there.
func intermediatesOnPath(_ ssl: OpaquePointer) -> [[UInt8]] {
    let sent = certificates(in: SSL_get_peer_cert_chain(ssl))
    guard !sent.isEmpty else { return [] }
    return certificates(in: SSL_get0_verified_chain(ssl)).dropFirst().filter(sent.contains)
}

/// The bytes of all certificates that the client has sent, which OpenSSL keeps with the session.
func peerCertificateBytes(_ ssl: OpaquePointer) -> Int {
    let own = SSL_get0_peer_certificate(ssl).map { max(Int(i2d_X509($0, nil)), 0) } ?? 0
    return certificates(in: SSL_get_peer_cert_chain(ssl)).reduce(own) { $0 + $1.count }
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
    func digit(_ value: UInt8) -> UInt8 { value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10 }
    return String(unsafeUninitializedCapacity: bytes.count * 2) { buffer in
        for (index, byte) in bytes.enumerated() {
            buffer.initializeElement(at: index * 2, to: digit(byte >> 4))
            buffer.initializeElement(at: index * 2 + 1, to: digit(byte & 15))
        }
        return bytes.count * 2
    }
}
