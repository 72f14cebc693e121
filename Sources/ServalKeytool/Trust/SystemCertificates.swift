import ServalKeyStore

/// The certificate authorities that the operating system trusts, which stand in for the JDK's `cacerts`.
enum SystemCertificates {
    /// Reads the bundle that `SSL_CERT_FILE` names, as OpenSSL does, else the one of the system.
    ///
    /// None if there is no such file.
    static func load(_ environment: ProcessEnvironment) -> [CertificateData] {
        let path = environment.variables["SSL_CERT_FILE"] ?? "/etc/ssl/certs/ca-certificates.crt"
        return (try? PEM.certificates(contentsOf: path)) ?? []
    }
}
