public import ServalKeyStore

/// Which PKCS#11 module and which of its tokens.
public enum TLSTokenPlace: Sendable, Hashable {
    /// A `pkcs11:` URI (RFC 7512); it may name the alias and the PIN as well.
    case uri(String)
    /// Configuration files of the JDK's SunPKCS11 provider.
    ///
    /// - `paths`: files that exist, absolute.
    /// - `provider`: `SunPKCS11-NAME`: the first file with this name counts; nil = the first file.
    case configuration(paths: [String], provider: String? = nil)

    /// For logs, without what follows a question mark: a PIN may stand there.
    package var inWords: String {
        switch self {
        case .uri(let uri): "token [\(uri.prefix { $0 != "?" })]"
        case .configuration(let paths, let provider): "token [\(provider ?? paths.first ?? "PKCS11")]"
        }
    }
}

/// Where a TLS backend gets keys in tokens from.
///
/// The backends know nothing of PKCS#11; whoever puts them together gives them one of these.
public protocol TLSTokens: Sendable {
    /// The key, which stays in the token, and its certificates.
    ///
    /// Blocks until the token has answered or its time limit has passed.
    /// - Throws: what keeps the token from being used; the message names it.
    func identity(at place: TLSTokenPlace, alias: String?, pin: String?) throws(KeyStoreError) -> KeyStoreIdentity
}
