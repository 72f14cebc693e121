/// The file formats of key stores.
public enum KeyStoreFormat: String, Sendable, Hashable, CaseIterable {
    /// Java's own old format (magic `FEEDFEED`): trusted certificates and private keys, each key under its own password.
    case jks = "JKS"
    /// Java's other old format (magic `CECECECE`): as ``jks``, with secret keys and a slower protection of keys.
    case jceks = "JCEKS"
    /// RFC 7292, the default of the JDK since version 9, and what `openssl pkcs12` writes.
    case pkcs12 = "PKCS12"

    /// The format with this name in Tomcat's and keytool's spelling, in any case; `nil` for unknown names.
    public init?(name: String) {
        switch name.uppercased() {
        case "JKS": self = .jks
        case "JCEKS": self = .jceks
        case "PKCS12", "P12", "PFX": self = .pkcs12
        default: return nil
        }
    }

    /// The format of `bytes` by their first few; `nil` when they are none of these.
    ///
    /// What a configuration file declares never overrules this.
    public static func detect(_ bytes: some Collection<UInt8>) -> KeyStoreFormat? {
        let head = Array(bytes.prefix(16))
        if head.starts(with: JKSFormat.magic) { return .jks }
        if head.starts(with: JKSFormat.jceksMagic) { return .jceks }
        return PKCS12Format.recognizes(head) ? .pkcs12 : nil
    }
}
