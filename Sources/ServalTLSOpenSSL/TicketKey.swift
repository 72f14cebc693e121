import COpenSSL

/// A key for session tickets of one host with its present security settings.
struct TicketKey: Sendable {
    /// Travels in the ticket; it tells the key as well as the settings, so that a ticket of other settings is nobody's.
    let name: [UInt8]
    let cipherKey: [UInt8]
    let codeKey: [UInt8]

    static let nameLength = 16

    /// Derives the key from a secret that other hosts and other nodes may have, too; nil if OpenSSL cannot.
    ///
    /// - Parameter settings: the digest of the host's security settings.
    init?(secret: [UInt8], settings: [UInt8]) {
        func derive(_ purpose: String) -> [UInt8]? {
            let message = Array("serval session tickets 1 \(purpose)".utf8) + [0] + settings
            let code = [UInt8](unsafeUninitializedCapacity: 64) { buffer, count in
                count = serval_hmac("SHA256", secret, secret.count, message, message.count, buffer.baseAddress)
            }
            return code.count == 32 ? code : nil
        }
        guard let name = derive("name"), let cipherKey = derive("cipher"), let codeKey = derive("code") else { return nil }
        self.name = Array(name.prefix(Self.nameLength))
        self.cipherKey = cipherKey
        self.codeKey = codeKey
    }
}
