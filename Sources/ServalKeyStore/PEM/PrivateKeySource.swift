/// A private key as it stands in a file, not opened yet.
///
/// A file may hold several; each keeps the text that it needs to be read by itself.
package struct PrivateKeySource: Sendable {
    /// The line where it begins in a PEM text; `nil` in DER.
    package let line: Int?
    /// Whether a password is needed.
    package let isEncrypted: Bool
    private let bytes: [UInt8]

    /// All private keys of a file in PEM or DER, also in text that lost its form (UTF-16, base64 without BEGIN lines).
    package static func all(in bytes: [UInt8]) -> [PrivateKeySource] {
        if bytes.first == ASN1Value.sequence, let value = try? ASN1Value(bytes) {
            switch DERKind(value) {
            case .pkcs8, .pkcs1, .sec1, .dsaKey: return [PrivateKeySource(line: nil, isEncrypted: false, bytes: bytes)]
            case .encryptedPKCS8: return [PrivateKeySource(line: nil, isEncrypted: true, bytes: bytes)]
            default: return []
            }
        }
        guard !PEM.looksLikePEM(bytes) || WrappedText.lacksLineEnds(bytes) else { return blocks(of: bytes) }
        guard let inner = WrappedText.unwrap(bytes)?.bytes, inner.count < bytes.count * 2 else { return [] }
        return PEM.looksLikePEM(inner) && !WrappedText.lacksLineEnds(inner) || inner.first == ASN1Value.sequence ? all(in: inner) : []
    }

    /// Opens the key.
    ///
    /// - Throws: `wrongKeyPassword`, `unsupportedAlgorithm`, `unsupportedFormat`, `corrupt`, `invalidInput`.
    package func privateKey(password: String?) throws(KeyStoreError) -> PrivateKey {
        try PEM.privateKey(in: bytes, password: password)
    }

    private static func blocks(of bytes: [UInt8]) -> [PrivateKeySource] {
        var sources: [PrivateKeySource] = []
        var parameters: [UInt8] = []
        for segment in PEMSegments.split(bytes) {
            let text = String(decoding: segment.bytes.prefix(512), as: UTF8.self)
            guard let label = text.split(whereSeparator: \.isNewline).first?.dropFirst(11).prefix(while: { $0 != "-" }) else { continue }
            if label == "EC PARAMETERS" { parameters = segment.bytes }
            guard label.hasSuffix("PRIVATE KEY") else { continue }
            let isEncrypted = label == "ENCRYPTED PRIVATE KEY" || text.contains("Proc-Type: 4,ENCRYPTED")
            sources.append(PrivateKeySource(line: segment.line, isEncrypted: isEncrypted, bytes: parameters + segment.bytes))
        }
        return sources
    }
}

extension PrivateKey {
    /// The key as PKCS#8 in PEM, encrypted under a password (PBES2 with AES-256 and PBKDF2, as in a key store), or in the clear for `nil`.
    ///
    /// This is the secret itself: write it to files that only its owner can read.
    public func pemText(password: String?) throws(KeyStoreError) -> String {
        guard let password else { return PEM.encode(pkcs8, label: "PRIVATE KEY") }
        return PEM.encode(
            try ProtectedKey.seal(pkcs8, .aes256(PasswordBasedEncryption.newDerivation()), password: PasswordBytes(password)),
            label: "ENCRYPTED PRIVATE KEY"
        )
    }
}
