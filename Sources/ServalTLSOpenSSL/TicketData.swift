import COpenSSL
import ServalTLS

/// What Serval puts into the resumption state beside OpenSSL's own: the session's id and the client's intermediate certificates.
///
/// It travels in the encrypted ticket, so the same id comes back on every connection that resumes the session, in TLS 1.2 and 1.3 alike.
struct TicketData: Equatable {
    var id: [UInt8]
    /// When the full handshake was, in seconds since 1970.
    var begun: Int
    var intermediates: [[UInt8]] = []

    static let idLength = 32
    private static let headerLength = 1 + idLength + 8
    private static let version: UInt8 = 1
    /// Tickets have a length of 16 bits, and OpenSSL needs room for the client's own certificate.
    private static let longestIntermediates = 16384

    static func newID() -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: idLength) { buffer, count in
            // OpenSSL's generator only fails when the system has no entropy source; then there was no handshake either.
            count = RandomBytes.fill(UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<idLength])) ? idLength : 0
        }
    }

    init(id: [UInt8], begun: Int, intermediates: [[UInt8]] = []) {
        self.id = id
        self.begun = begun
        self.intermediates = intermediates
    }

    /// Reads what `encoded` wrote; nil for anything else.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= Self.headerLength, bytes[0] == Self.version else { return nil }
        id = Array(UnsafeRawBufferPointer(rebasing: bytes[1..<1 + Self.idLength]))
        begun = Int(truncatingIfNeeded: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 1 + Self.idLength, as: UInt64.self)))
        guard bytes.count > Self.headerLength else { return }
        var rest = bytes[Self.headerLength...]
        while !rest.isEmpty {
            guard rest.count >= 2 else { return nil }
            let length = Int(rest[rest.startIndex]) << 8 | Int(rest[rest.startIndex + 1])
            guard rest.count >= 2 + length else { return nil }
            intermediates.append(Array(rest.dropFirst(2).prefix(length)))
            rest = rest.dropFirst(2 + length)
        }
    }

    init?(session: OpaquePointer) {
        var start: UnsafeMutableRawPointer?
        var length = 0
        guard SSL_SESSION_get0_ticket_appdata(session, &start, &length) == 1, let start else { return nil }
        self.init(UnsafeRawBufferPointer(start: start, count: length))
    }

    var encoded: [UInt8] {
        var bytes = [Self.version] + id
        for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: begun >> shift)) }
        guard intermediates.reduce(0, { $0 + 2 + $1.count }) <= Self.longestIntermediates else { return bytes }
        for certificate in intermediates {
            bytes += [UInt8(certificate.count >> 8), UInt8(certificate.count & 255)]
            bytes += certificate
        }
        return bytes
    }

    // MARK: OpenSSL's callbacks

    /// Called before a ticket is made: gives a new session its id, and notes the chain of a client that has shown one.
    ///
    /// After an authentication that came later than the handshake the session keeps its id and gets the chain.
    static func stamp(_ ssl: OpaquePointer?) -> Int32 {
        guard let ssl, let session = SSL_get_session(ssl) else { return 0 }
        // Empty on a connection that resumes: then what the session has is right.
        let intermediates = intermediatesOnPath(ssl)
        guard var data = TicketData(session: session) else {
            if intermediates.isEmpty { return stampNew(session) }
            let bytes = TicketData(id: newID(), begun: currentSecond(), intermediates: intermediates).encoded
            return SSL_SESSION_set1_ticket_appdata(session, bytes, bytes.count)
        }
        if intermediates.isEmpty || data.intermediates == intermediates { return 1 }
        data.intermediates = intermediates
        let bytes = data.encoded
        return SSL_SESSION_set1_ticket_appdata(session, bytes, bytes.count)
    }

    /// Gives a session an id and nothing else, which is all that most get.
    private static func stampNew(_ session: OpaquePointer) -> Int32 {
        withUnsafeTemporaryAllocation(byteCount: headerLength, alignment: 1) { bytes in
            bytes[0] = version
            guard RandomBytes.fill(UnsafeMutableRawBufferPointer(rebasing: bytes[1..<1 + idLength])) else { return 0 }
            bytes.storeBytes(of: UInt64(currentSecond()).bigEndian, toByteOffset: 1 + idLength, as: UInt64.self)
            return SSL_SESSION_set1_ticket_appdata(session, bytes.baseAddress, headerLength)
        }
    }

    /// Called with a ticket that has been decrypted: says whether it may be used.
    static func decide(_ session: OpaquePointer?, status: SSL_TICKET_STATUS, host: OpenSSLHostContext) -> SSL_TICKET_RETURN {
        guard status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW, let session, let ticket = TicketData(session: session),
            host.mayResume(session, ticket)
        else { return SSL_TICKET_RETURN_IGNORE_RENEW }
        return status == SSL_TICKET_SUCCESS_RENEW ? SSL_TICKET_RETURN_USE_RENEW : SSL_TICKET_RETURN_USE
    }
}
