import NIOCore
import ServalTLS

/// What is said to a client whose ClientHello OpenSSL never sees.
extension OpenSSLServerHandler {
    static func tooLarge(_ limit: Int) -> TLSError {
        TLSError(.clientHelloTooLarge, "The ClientHello is longer than sniParseLimit [\(limit)]")
            .because(.clientHelloTooLarge, decidedBy: "Connector sniParseLimit")
    }

    /// A record with the fatal alert decode_error, for a ClientHello that OpenSSL never sees.
    static let decodeErrorAlert = ByteBuffer(bytes: [21, 3, 3, 0, 2, 2, 50])
}
