public import Logging
import ServalHTTP
public import ServalServlet
import SwiftASN1

/// Takes what a proxy in front says about TLS from header fields, and shows it as if TLS ended here.
///
/// The fields decide who a client is: whoever may send them may be anybody. They count only in requests that come directly from an address in
/// ``Configuration/trustedProxies``, and the proxy has to remove what clients send under these names. Requests from elsewhere pass as they are. The
/// proxy has verified the certificates; what it sends is taken for verified.
///
/// The session's id is known before a session is looked up, so tracking by TLS sessions works behind a proxy, on a connector with `secure="true"`.
///
/// Behind a trusted proxy the TLS connection is the proxy's: where the fields name no certificate or no session, there is none, and the proxy's own, with which
/// it may have signed in to this server, is not taken for the client's.
///
/// Source: Tomcat's `SSLValve`; its attributes and defaults. Other fields that are absent or `(null)` are left alone. A field that comes more than once
/// counts as absent, with a warning: somebody has sent one of them past the proxy.
public struct SSLValve: Valve {
    /// The names of the fields.
    public struct Configuration: Sendable, Hashable {
        /// The certificate in PEM, in one line or folded.
        ///
        /// Attribute `sslClientCertHeader`.
        public var clientCertificateHeader = "ssl_client_cert"
        /// The certificate in PEM, encoded as in URLs (nginx's `$ssl_client_escaped_cert`); wins.
        ///
        /// Attribute `sslClientEscapedCertHeader`.
        public var escapedClientCertificateHeader = "ssl_client_escaped_cert"
        /// The protocol.
        ///
        /// Attribute `sslSecureProtocolHeader`.
        public var secureProtocolHeader = "ssl_secure_protocol"
        /// The cipher suite.
        ///
        /// Attribute `sslCipherHeader`.
        public var cipherHeader = "ssl_cipher"
        /// The session's id.
        ///
        /// Attribute `sslSessionIdHeader`.
        public var sessionIDHeader = "ssl_session_id"
        /// The length of the cipher's key in bits.
        ///
        /// Attribute `sslCipherUserKeySizeHeader`.
        public var cipherKeySizeHeader = "ssl_cipher_usekeysize"
        /// Whose fields count: ranges of addresses, separated by commas.
        ///
        /// Attribute `serval.trustedProxies`. Default: private networks and this machine. Tomcat trusts everybody.
        public var trustedProxies = AddressRanges.internalText

        /// Tomcat's names.
        public init() {}
    }

    private let configuration: Configuration
    private let proxies: AddressRanges
    private let logger: Logger

    /// A valve.
    ///
    /// - Throws: ``ConfigurationError`` for ranges of addresses that are none.
    public init(_ configuration: Configuration = Configuration(), logger: Logger) throws(ConfigurationError) {
        self.configuration = configuration
        self.proxies = try AddressRanges(configuration.trustedProxies)
        self.logger = logger
    }

    /// Notes what the proxy says, and passes the request on.
    public func respond(to request: Request, next: ValveChain) async throws -> Response {
        // The address of the connection, whatever other fields say about the client.
        guard self.proxies.contains(request.state.connection.remoteAddress) else { return try await next(request) }
        self.noteCertificate(request)
        if let value = self.value(of: self.configuration.secureProtocolHeader, in: request) { request[.secureProtocol] = value }
        if let value = self.value(of: self.configuration.cipherHeader, in: request) { request[.cipherSuite] = value }
        if let value = self.value(of: self.configuration.sessionIDHeader, in: request) {
            request[.sslSessionID] = value
        } else {
            request.withhold(.sslSessionID)
        }
        if let value = self.value(of: self.configuration.cipherKeySizeHeader, in: request) {
            if let size = Int(value) {
                request[.keySize] = size
            } else {
                self.logger.warning("The proxy's field \(self.configuration.cipherKeySizeHeader) is no number and is ignored")
            }
        }
        return try await next(request)
    }

    private func noteCertificate(_ request: Request) {
        // Until there is another one.
        request.withhold(.x509Certificate)
        var text: String?
        let names = [self.configuration.escapedClientCertificateHeader, self.configuration.clientCertificateHeader]
        guard !names.contains(where: { self.isRepeated($0, in: request) }) else { return }
        if let escaped = self.value(of: self.configuration.escapedClientCertificateHeader, in: request) {
            guard let decoded = Self.unescaped(escaped) else {
                return self.warn(of: self.configuration.escapedClientCertificateHeader, "it is not encoded as in URLs")
            }
            text = decoded
        } else {
            text = self.value(of: self.configuration.clientCertificateHeader, in: request)
        }
        guard let text else { return }
        do {
            request[.x509Certificate] = [try PeerCertificate(derEncoded: PEMDocument(pemString: Self.folded(text)).derBytes)]
        } catch {
            self.warn(of: self.configuration.clientCertificateHeader, "\(error)")
        }
    }

    private func warn(of header: String, _ cause: String) {
        self.logger.warning("The client certificate in the proxy's field \(header) cannot be read: \(LogText.escaped(cause))")
    }

    /// Whether a field comes more than once, which no proxy sends.
    private func isRepeated(_ name: String, in request: Request) -> Bool {
        guard let fieldName = HTTPField.Name(name), request.headers[values: fieldName].count > 1 else { return false }
        self.logger.warning("The proxy's field \(name) comes more than once in a request and is ignored: does the proxy remove what clients send?")
        return true
    }

    private func value(of name: String, in request: Request) -> String? {
        guard !self.isRepeated(name, in: request), let fieldName = HTTPField.Name(name), let value = request.headers[fieldName] else { return nil }
        let trimmed = value.drop { $0 == " " || $0 == "\t" }
        guard !trimmed.isEmpty, trimmed != "(null)" else { return nil }
        return String(trimmed)
    }

    /// PEM as it was before a proxy made one line of it: the label, the digits in lines of 64, the label.
    private static func folded(_ text: String) -> String {
        let begin = "-----BEGIN CERTIFICATE-----"
        let end = "-----END CERTIFICATE-----"
        // As in Tomcat, the first 27 characters are the label, whatever they are.
        let bytes = Array(text.utf8)
        guard bytes.count > begin.utf8.count else { return text }
        let rest = String(decoding: bytes[begin.utf8.count...], as: UTF8.self)
        let body = rest.firstRange(of: end).map { rest[..<$0.lowerBound] } ?? rest[...]
        let digits = body.utf8.filter { $0 > 0x20 }
        var lines = [begin]
        for start in stride(from: 0, to: digits.count, by: 64) {
            lines.append(String(decoding: digits[start..<min(start + 64, digits.count)], as: UTF8.self))
        }
        return (lines + [end]).joined(separator: "\n") + "\n"
    }

    private static func unescaped(_ text: String) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let high = Character(Unicode.Scalar(rest[rest.startIndex])).hexDigitValue,
                let low = Character(Unicode.Scalar(rest[rest.startIndex + 1])).hexDigitValue
            else { return nil }
            bytes.append(UInt8(high << 4 | low))
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
