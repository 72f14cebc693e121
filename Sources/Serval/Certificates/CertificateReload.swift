public import ServalTLS

/// What came of loading the keys, certificates and trusted certificates of one connector again.
///
/// All of a connector's hosts change together or not at all.
public struct CertificateReload: Sendable {
    /// Why certificates were loaded.
    public enum Trigger: String, Sendable, Hashable {
        /// Somebody asked: SIGHUP, `serval reload`, ``Server/reloadCertificates()``.
        case request
        /// A file had changed.
        case fileChange = "file change"
        /// `TLSCertificateReloadListener` found a certificate whose end is near.
        case expiry
    }

    /// The connector, `https-8443`.
    public var connector: String
    /// Why certificates were loaded.
    public var trigger: Trigger
    /// Why the old ones stay in use; nil if the new ones are in use.
    public var error: TLSError?
    /// What has changed; empty if it failed, and if everything is the same.
    public var replacement: CertificateReplacement
}
