import ServalKeyStore

extension TLSIdentity {
    /// Reads the key and certificates that `source` names.
    ///
    /// - Throws: one line with the path, or the alias, and the cause.
    package static func load(_ source: CertificateConfiguration.Source, tokens: (any TLSTokens)? = nil) throws(TLSError) -> TLSIdentity {
        switch source {
        case .identity(let identity):
            return identity
        case .keyStore(let path, let type, let alias, let password, let keyPassword):
            return try load(keyStore: path, type: type, alias: alias, password: password, keyPassword: keyPassword)
        case .token(let place, let alias, let pin):
            return try load(place, alias: alias, pin: pin, from: tokens)
        case .pem(let certificate, let key, let chain, let keyPassword):
            for path in [certificate, key, chain].compactMap({ $0 }) { try checkFile(path) }
            let password = try resolve(keyPassword)
            do throws(KeyStoreError) {
                var identity = TLSIdentity(
                    try KeyStoreIdentity(certificatePath: certificate, keyPath: key, chainPath: chain, password: password)
                )
                identity.dhParameters = blockOfDHParameters(inFile: certificate)
                return identity
            } catch {
                throw TLSError(error, "The PEM files of a Certificate cannot be used (\(source.inWords)): \(error.message)")
            }
        }
    }

    private static func load(
        keyStore path: String,
        type: String?,
        alias: String?,
        password: SecretSource?,
        keyPassword: SecretSource?
    ) throws(TLSError) -> TLSIdentity {
        let what = "Failed to load keystore\(keyStoreTypeInWords(type, path)) with path [\(path)] due to"
        try checkFile(path, what: what)
        let storePassword = try resolve(password)
        let entryPassword = try resolve(keyPassword)
        do throws(KeyStoreError) {
            let store = try KeyStore(contentsOf: path, password: storePassword)
            return TLSIdentity(try store.identity(alias: alias, keyPassword: entryPassword))
        } catch {
            throw TLSError(error, "\(what) [\(error.message)]")
        }
    }

    private static func load(
        _ place: TLSTokenPlace,
        alias: String?,
        pin: SecretSource?,
        from tokens: (any TLSTokens)?
    ) throws(TLSError) -> TLSIdentity {
        guard let tokens else {
            throw TLSError(.invalidConfiguration, "Keys in PKCS#11 tokens are not available in this program (\(place.inWords))")
        }
        let pin = try resolve(pin)
        do throws(KeyStoreError) {
            return TLSIdentity(try tokens.identity(at: place, alias: alias, pin: pin))
        } catch {
            throw TLSError(error, "Failed to load keystore type [PKCS11] with path [\(place.inWords)] due to [\(error.message)]")
        }
    }

    private init(_ identity: KeyStoreIdentity) {
        let chain = identity.chain.map(\.der)
        if let external = identity.privateKey.external {
            self.init(externalKey: external, certificateChain: chain)
        } else {
            self.init(privateKeyPKCS8: identity.privateKey.plainPKCS8, certificateChain: chain)
        }
        alias = identity.alias
    }
}

extension TrustSource {
    /// The trusted certificates in DER.
    ///
    /// - Throws: the first file that cannot be read, with the cause; a source without any certificate is an error too.
    package func loadCertificates() throws(TLSError) -> [[UInt8]] {
        let certificates: [[UInt8]]
        switch self {
        case .certificates(let given):
            certificates = given
        case .all(let sources):
            var all: [[UInt8]] = []
            for source in sources { all += try source.loadCertificates() }
            certificates = all
        case .file(let path):
            try checkFile(path)
            certificates = try pemCertificates(inFile: path)
        case .directory(let path):
            var all: [[UInt8]] = []
            for file in try filesInDirectory(path) { all += try pemCertificates(inFile: file) }
            certificates = all
        case .keyStore(let path, let type, let password):
            certificates = try Self.load(trustStore: path, type: type, password: password)
        }
        guard !certificates.isEmpty else { throw TLSError(.noTrustAnchors, "There is no trusted certificate in \(inWords)") }
        return certificates
    }

    private static func load(trustStore path: String, type: String?, password: SecretSource?) throws(TLSError) -> [[UInt8]] {
        let what = "Failed to load truststore\(keyStoreTypeInWords(type, path)) with path [\(path)] due to"
        try checkFile(path, what: what)
        let resolved = try resolve(password)
        do throws(KeyStoreError) {
            let store = try KeyStore(contentsOf: path, password: resolved)
            return store.aliases.compactMap { alias in
                guard case .trustedCertificate(let certificate)? = store[alias]?.content else { return nil }
                return certificate.der
            }
        } catch {
            // Key stores know about servers' certificates only.
            let message = error.message.replacing("configure it with certificateFile and certificateKeyFile", with: "name it by caCertificateFile")
            throw TLSError(error, "\(what) [\(message)]")
        }
    }

    /// Where a certificate stands, as file and line; nil for trust stores and memory.
    ///
    /// Reads the files again.
    package func place(of certificate: [UInt8]) -> String? {
        switch self {
        case .file(let path):
            guard let bytes = try? readFile(path, limit: 16 << 20), let blocks = try? PEM.blocks(in: bytes) else { return nil }
            return blocks.first { $0.bytes == certificate }.map { "[\(path)] line \($0.line)" }
        case .directory(let path):
            return (try? filesInDirectory(path))?.lazy.compactMap { TrustSource.file($0).place(of: certificate) }.first
        case .all(let sources): return sources.lazy.compactMap { $0.place(of: certificate) }.first
        case .keyStore, .certificates: return nil
        }
    }
}

extension CertificateConfiguration.Source {
    /// What is to be said about the rights of the file with the key, if others than its owner and group have some; nil if there is nothing.
    package var openness: String? {
        switch self {
        case .pem(let certificate, let key, _, _):
            let path = key ?? certificate
            guard let mode = fileMode(path), mode & 0o006 != 0 else { return nil }
            return "The key file [\(path)] can be \(mode & 0o002 != 0 ? "changed" : "read") by every user of this computer; chmod o-rwx"
        case .keyStore(let path, _, _, _, _):
            guard let mode = fileMode(path), mode & 0o002 != 0 else { return nil }
            return "The key store [\(path)] can be changed by every user of this computer; chmod o-rwx"
        case .token, .identity: return nil
        }
    }

    /// Where this is, for logs.
    package var inWords: String {
        switch self {
        case .keyStore, .token: description(alias: nil)
        case .pem(let certificate, let key, let chain, _):
            "certificate file [\(certificate)], key file [\(key ?? certificate)]" + (chain.map { ", chain file [\($0)]" } ?? "")
        case .identity: "memory"
        }
    }

    /// Where this is, in the words of Tomcat's log, with the alias that was found if none was asked for.
    package func description(alias found: String?) -> String {
        switch self {
        case .keyStore(let path, _, let alias, _, _): "keystore [\(path)] using alias [\(found ?? alias ?? "the first key entry")]"
        case .token(let place, let alias, _): "\(place.inWords) using alias [\(found ?? alias ?? "the first key entry")]"
        case .pem(let certificate, let key, let chain, _):
            "key [\(key ?? certificate)], certificate [\(certificate)] and certificate chain [\(chain ?? "none")]"
        case .identity: "memory"
        }
    }

    /// The attribute of `<Certificate>` that an error of this kind is most likely about, likeliest first.
    package func attributes(for code: TLSError.Code) -> [String] {
        switch code {
        case .wrongPassword, .secretUnavailable:
            [
                "certificateKeystorePasswordFile", "certificateKeystorePassword", "certificateKeyPasswordFile", "certificateKeyPassword",
                "certificateKeystoreFile", "certificateKeyFile", "certificateFile",
            ]
        case .aliasNotFound: ["certificateKeyAlias", "certificateKeystoreFile"]
        case .keyMismatch: ["certificateKeyFile", "certificateFile", "certificateKeystoreFile"]
        default: ["certificateFile", "certificateKeyFile", "certificateKeystoreFile"]
        }
    }
}

extension TrustSource {
    /// Where this is, for logs.
    package var inWords: String {
        switch self {
        case .file(let path): "file [\(path)]"
        case .directory(let path): "directory [\(path)]"
        case .keyStore(let path, _, _): "trust store [\(path)]"
        case .certificates(let given): "memory (\(given.count) certificates)"
        case .all(let sources): sources.map(\.inWords).joined(separator: ", ")
        }
    }
}

extension TLSError {
    fileprivate init(_ error: KeyStoreError, _ message: String) {
        switch error.code {
        case .fileNotFound, .unreadable: self.init(.fileNotFound, message)
        case .wrongPassword, .wrongKeyPassword: self.init(.wrongPassword, message)
        case .aliasNotFound, .notAKeyEntry, .noKeyEntry: self.init(.aliasNotFound, message)
        case .keyMismatch: self.init(.keyMismatch, message)
        case .pinLocked: self.init(.wrongPassword, message)
        case .moduleUnavailable, .tokenNotFound, .tokenNotResponding, .tokenFailed: self.init(.keyUnavailable, message)
        default: self.init(.invalidKeyMaterial, message)
        }
    }
}

/// The first block of Diffie-Hellman parameters in a file that has been read as a certificate already.
private func blockOfDHParameters(inFile path: String) -> [UInt8]? {
    guard let bytes = try? readFile(path, limit: 16 << 20), let blocks = try? PEM.blocks(in: bytes) else { return nil }
    return blocks.first { $0.label == "DH PARAMETERS" || $0.label == "X9.42 DH PARAMETERS" }?.bytes
}

private func resolve(_ secret: SecretSource?) throws(TLSError) -> String? {
    guard let secret else { return nil }
    return try secret.resolve()
}
