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

extension RequestAttributeKey where Value == [PeerCertificate] {
    /// The client's certificates, leaf first, if they were verified.
    ///
    /// By the TLS host, or by a proxy that `SSLValve` trusts.
    public static var x509Certificate: Self { .init("jakarta.servlet.request.X509Certificate") }
}

extension RequestAttributeKey where Value == UnverifiedCertificates {
    /// The client's certificates where nobody known has issued them (`optionalNoCA`).
    ///
    /// The attribute's name is the one of ``x509Certificate``, as in Tomcat; only the type differs.
    public static var unverifiedX509Certificate: Self { .init("jakarta.servlet.request.X509Certificate") }
}

extension RequestAttributeKey where Value == TLSSessionManager {
    /// What ends the TLS session.
    public static var sslSessionManager: Self { .init("jakarta.servlet.request.ssl_session_mgr") }
}

/// The names under which requests have their TLS attributes: those of Jakarta EE, those of Java EE before, and Tomcat's own.
enum TLSAttributeNames {
    static let prefix = "jakarta.servlet.request."
    private static let formerPrefix = "javax.servlet.request."

    /// Whether a name may be one of these; cheap, and true for some that are not.
    static func mayContain(_ name: String) -> Bool {
        guard let first = name.utf8.first else { return false }
        return first == UInt8(ascii: "j") || first == UInt8(ascii: "o")
    }

    /// The one name that stands for all names of an attribute.
    static func canonical(_ name: String) -> String {
        if name.hasPrefix(self.formerPrefix) { return self.prefix + name.dropFirst(self.formerPrefix.count) }
        return name == "org.apache.tomcat.util.net.secure_protocol_version" ? self.prefix + "secure_protocol" : name
    }
}
