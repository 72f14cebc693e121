public import X509

/// A typed name for a request attribute, with the name the Servlet specification gives it.
public struct RequestAttributeKey<Value: Sendable>: Sendable {
    /// The attribute's name.
    public let name: String
    /// A key for attributes of this name and type.
    public init(_ name: String) { self.name = name }
}

extension RequestAttributeKey where Value == String {
    /// The id of the TLS session, in hexadecimal.
    public static var sslSessionID: Self { .init("jakarta.servlet.request.ssl_session_id") }
    /// The IANA name of the cipher suite.
    public static var cipherSuite: Self { .init("jakarta.servlet.request.cipher_suite") }
    /// The TLS protocol version.
    ///
    /// Source: Tomcat's `org.apache.tomcat.util.net.secure_protocol_version`.
    public static var secureProtocol: Self { .init("jakarta.servlet.request.secure_protocol") }
}

extension RequestAttributeKey where Value == Int {
    /// The strength of the symmetric key, in bits.
    public static var keySize: Self { .init("jakarta.servlet.request.key_size") }
}

extension RequestAttributeKey where Value == [Certificate] {
    /// The client's certificates, leaf first.
    public static var x509Certificate: Self { .init("jakarta.servlet.request.X509Certificate") }
}
