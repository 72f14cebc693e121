import Glibc
import ServalKeyStore

/// The key store of a new base directory: a self-signed certificate for `localhost`, good for trying things out.
enum InitialKeyStore {
    /// Writes `localhost.p12`, its password to `keystore.pass` (mode 0600), and the certificate to `localhost.pem` for clients that shall trust it.
    static func make(in directory: String) throws {
    }
}
