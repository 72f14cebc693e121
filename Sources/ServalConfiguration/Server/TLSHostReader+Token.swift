import ServalTLS

/// Keys in PKCS#11 tokens: `certificateKeystoreType="PKCS11"`.
extension TLSHostReader {
    /// Whether a `<Certificate>` means a token.
    func isToken(_ attributes: CheckedAttributes) -> Bool {
        attributes.nonEmpty("certificateKeystoreType")?.uppercased() == "PKCS11"
            || attributes.nonEmpty("certificateKeystoreFile")?.lowercased().hasPrefix("pkcs11:") == true
    }

    /// Where the key is; `nil` with an error in the log if that is not said.
    func token(_ attributes: CheckedAttributes) -> CertificateConfiguration.Source? {
        if attributes.has("certificateKeyPassword") || attributes.has("certificateKeyPasswordFile") {
            attributes.report(
                .warning,
                "keys in a token have no password of their own; the PIN is certificateKeystorePassword or certificateKeystorePasswordFile",
                attributes.has("certificateKeyPassword") ? "certificateKeyPassword" : "certificateKeyPasswordFile"
            )
        }
        if let path = attributes.path("certificateKeystorePasswordFile", base: self.context.base), !FilePath.isFile(path) {
            attributes.report(.error, "Configured file [\(path)] does not exist", "certificateKeystorePasswordFile")
        }
        return self.tokenPlace(attributes).map {
            .token(
                $0,
                alias: attributes.nonEmpty("certificateKeyAlias"),
                pin: attributes.secret("certificateKeystorePassword", file: "certificateKeystorePasswordFile", base: self.context.base)
            )
        }
    }

    private func tokenPlace(_ attributes: CheckedAttributes) -> TLSTokenPlace? {
        let file = attributes.nonEmpty("certificateKeystoreFile") ?? "NONE"
        if file.lowercased().hasPrefix("pkcs11:") { return .uri(file) }
        let provider = attributes.nonEmpty("certificateKeystoreProvider")
        if file != "NONE" {
            let path = FilePath.absolute(file, base: self.context.base)
            guard FilePath.isFile(path) else {
                attributes.report(
                    .error,
                    "Configured file [\(path)] does not exist; it may be NONE, a pkcs11: URI or a SunPKCS11 configuration file",
                    "certificateKeystoreFile"
                )
                return nil
            }
            return .configuration(paths: [path])
        }
        // Tomcat passes the name of a provider that the JVM's own configuration has set up. Without one, the provider's file is named, or lies where it
        // belongs.
        if let provider, !provider.hasPrefix("SunPKCS11-"), provider != "SunPKCS11" {
            let path = FilePath.absolute(provider, base: self.context.base)
            if FilePath.isFile(path) { return .configuration(paths: [path]) }
            attributes.report(
                .error,
                "it has to be SunPKCS11-NAME or the SunPKCS11 configuration file of the token, and there is no file [\(path)]",
                "certificateKeystoreProvider"
            )
            return nil
        }
        let name = provider.flatMap { $0.hasPrefix("SunPKCS11-") ? String($0.dropFirst("SunPKCS11-".count)) : nil }
        let places = (name.map { ["conf/\($0).cfg"] } ?? []) + ["conf/pkcs11.cfg"]
        let paths = places.map { FilePath.absolute($0, base: self.context.base) }
        let present = paths.filter(FilePath.isFile)
        guard !present.isEmpty else {
            attributes.report(
                .error,
                "a key in a PKCS#11 token needs a place: certificateKeystoreFile as a pkcs11: URI or as the path of a SunPKCS11 configuration file; "
                    + "without it, one of these files: \(paths.joined(separator: ", "))",
                "certificateKeystoreFile"
            )
            return nil
        }
        return .configuration(paths: present, provider: name.map { "SunPKCS11-\($0)" })
    }
}
