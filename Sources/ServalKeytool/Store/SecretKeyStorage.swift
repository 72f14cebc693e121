import ServalKeyStore

/// Which secret keys a store can hold.
extension KeyStoreFormat {
    /// Why a store of this format cannot hold a secret key, in the JDK's words; nil if it can.
    func refusal(of key: SecretKey, password: String?) -> String? {
        switch self {
        case .jks: "Cannot store non-PrivateKeys"
        case .jceks: password?.utf8.allSatisfy({ $0 < 0x80 }) == false ? "Password is not ASCII" : nil
        case .pkcs12:
            key.hasPKCS12Identifier
                ? nil
                : "Key protection algorithm not found: java.security.NoSuchAlgorithmException: unrecognized algorithm name: \(key.algorithm)"
        }
    }
}

extension OpenKeyStore {
    /// Refuses a secret key that the store cannot hold.
    func check(canHold key: SecretKey, password keyPassword: String?) throws {
        guard let refusal = store.format.refusal(of: key, password: keyPassword ?? password) else { return }
        throw Failure.exception(javaClass: "java.security.KeyStoreException", message: refusal)
    }
}
