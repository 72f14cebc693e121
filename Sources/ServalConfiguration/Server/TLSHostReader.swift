import ServalTLS

/// Reads `<SSLHostConfig>`, new or translated from older attributes of the connector.
///
/// No key store and no certificate is opened.
struct TLSHostReader {
    let context: LoadingContext
    let scope: FileScope

    /// The host; `nil` if it has errors, which are in the log.
    func read(_ element: XMLElement) -> TLSHostConfiguration? {
        let errorsBefore = self.scope.log.errorCount
        let attributes = CheckedAttributes(element, table: .sslHostConfig, scope: self.scope)
        self.scope.checkChildren(of: element, known: ["Certificate", "OpenSSLConf"])
        self.refuseEmpty(attributes)
        let name = attributes.nonEmpty("hostName") ?? TLSHostConfiguration.defaultHostName
        var children = element.children("Certificate")
        // Without <Certificate>, Tomcat takes the default key store.
        if children.isEmpty { children = [XMLElement(name: "Certificate", position: element.position)] }
        let certificates = children.compactMap { child in
            self.readCertificate(child).map { certificate in
                var certificate = certificate
                certificate.origin = self.scope.origin(of: child)
                return certificate
            }
        }
        self.warnOfMixture(attributes, certificates: children)
        var host = TLSHostConfiguration(hostName: name, certificates: certificates)
        host.origin = self.scope.origin(of: element)
        host.clientAuthentication = self.clientAuthentication(attributes)
        host.openSSLCommands = self.commands(element)
        self.applyRevocation(attributes, to: &host)
        self.applyNegotiation(attributes, to: &host)
        return self.scope.log.errorCount == errorsBefore ? host : nil
    }

    /// Attributes that decide about security, and whose emptiness is more likely a property without a value than the wish for the default.
    private func refuseEmpty(_ attributes: CheckedAttributes) {
        for name in ["certificateVerification", "protocols", "ciphers", "cipherSuites", "groups", "hostName"] {
            guard let attribute = attributes.element.attribute(name), attributes.text(name)?.trimmingWhitespace().isEmpty == true else { continue }
            attributes.report(.error, "the attribute \"\(attribute.writtenName)\" is empty; give it a value, or leave it out for its default", name)
        }
    }

    // MARK: Clients

    private func clientAuthentication(_ attributes: CheckedAttributes) -> ClientAuthentication {
        guard let word = attributes.nonEmpty("certificateVerification") else { return self.onDemand(attributes) }
        let verification: CertificateVerification
        do {
            verification = try CertificateVerification(attribute: word.trimmingWhitespace())
        } catch {
            let words = ["none", "optional", "optionalNoCA", "required"]
            attributes.report(.error, error.message, "certificateVerification", suggestion: NearestName.find(word, among: words))
            return .none
        }
        guard verification != .none else { return self.onDemand(attributes) }
        if attributes.has("trustManagerClassName") {
            attributes.report(
                .error,
                "trustManagerClassName cannot be obeyed, and it decides which clients are let in; name them by caCertificateFile or truststoreFile",
                "trustManagerClassName"
            )
        }
        let errorsBefore = self.scope.log.errorCount
        guard let trust = self.trust(attributes) else {
            // A file that is named and does not exist has been told of.
            if self.scope.log.errorCount > errorsBefore { return .none }
            if verification == .optionalNoCA { return .optionalNoCA(trust: nil) }
            if verification == .optional, !attributes.has("trustManagerClassName") {
                // Tomcat asks OpenSSL, which trusts nobody then, and serves clients without a certificate; the outcome is the same.
                attributes.report(
                    .warning,
                    "certificateVerification \"\(word)\" without caCertificateFile, caCertificatePath or truststoreFile trusts nobody, "
                        + "so clients are not asked for a certificate",
                    "certificateVerification"
                )
                return .none
            }
            attributes.report(
                .error,
                "certificateVerification \"\(word)\" needs a caCertificateFile, caCertificatePath or truststoreFile that says which clients are trusted; "
                    + "the system's authorities are never taken for that",
                "certificateVerification"
            )
            return .none
        }
        switch verification {
        case .required: return .required(trust: trust)
        case .optionalNoCA: return .optionalNoCA(trust: trust)
        case .optional, .none: return .optional(trust: trust)
        }
    }

    /// Without verification in the handshake, whoever is trusted counts for applications that ask for certificates themselves (`CLIENT-CERT`).
    private func onDemand(_ attributes: CheckedAttributes) -> ClientAuthentication {
        // What Java trusts as a whole says nothing about this host; only its own attributes do.
        guard ["caCertificateFile", "caCertificatePath", "truststoreFile"].contains(where: { attributes.has($0) }) else { return .none }
        return self.trust(attributes).map { .onDemand(trust: $0) } ?? .none
    }

    private func trust(_ attributes: CheckedAttributes) -> TrustSource? {
        var sources: [TrustSource] = []
        if let path = self.existing("caCertificateFile", attributes) { sources.append(.file(path)) }
        if let path = attributes.path("caCertificatePath", base: self.context.base) {
            self.requireDirectory(path, "caCertificatePath", attributes)
            sources.append(.directory(path))
        }
        let property = self.context.properties.value(of: "javax.net.ssl.trustStore")
        if let path = self.existing("truststoreFile", attributes) ?? (attributes.has("truststoreFile") ? nil : property) {
            let type = attributes.nonEmpty("truststoreType").map { $0.uppercased() }
            let password =
                attributes.secret("truststorePassword", file: "serval.truststorePasswordFile", base: self.context.base)
                ?? self.context.properties.value(of: "javax.net.ssl.trustStorePassword").map { .literal($0) }
            sources.append(.keyStore(path: FilePath.absolute(path, base: self.context.base), type: type, password: password))
        }
        if sources.count > 1 { return .all(sources) }
        return sources.first
    }

    private func applyRevocation(_ attributes: CheckedAttributes, to host: inout TLSHostConfiguration) {
        if let path = self.existing("certificateRevocationListFile", attributes) { host.revocationListFiles = [path] }
        if let path = attributes.path("certificateRevocationListPath", base: self.context.base) {
            self.requireDirectory(path, "certificateRevocationListPath", attributes)
            host.revocationListDirectories = [path]
        }
        self.applyOCSP(attributes, to: &host)
        guard host.clientAuthentication != .none else { return }
        if attributes.boolean("revocationEnabled") == true, host.revocationListFiles.isEmpty, host.revocationListDirectories.isEmpty {
            attributes.report(.error, "revocationEnabled needs a certificateRevocationListFile or certificateRevocationListPath", "revocationEnabled")
        }
    }

    private func applyOCSP(_ attributes: CheckedAttributes, to host: inout TLSHostConfiguration) {
        host.staplesOCSP = attributes.boolean("serval.ocspStapling") ?? host.staplesOCSP
        var settings = OCSPSettings()
        if let timeout = attributes.milliseconds("ocspTimeout") { settings.timeout = timeout }
        // Tomcat's documents and its program have different names for this one.
        settings.verifyFlags = attributes.integer("ocspVerifyFlags") ?? attributes.integer("ocspVerify") ?? 0
        guard attributes.boolean("ocspEnabled") == true else { return }
        host.revocation = attributes.boolean("ocspSoftFail") == false ? .hardFail(settings) : .softFail(settings)
        do {
            _ = try host.resolvedRevocation()
        } catch {
            attributes.report(.error, error.message, "ocspEnabled")
        }
    }

    // MARK: Negotiation

    private func applyNegotiation(_ attributes: CheckedAttributes, to host: inout TLSHostConfiguration) {
        if let text = attributes.nonEmpty("protocols") {
            do {
                let list = try TLSProtocolVersion.parse(text)
                host.protocols = list.versions
                for warning in list.warnings { attributes.report(.warning, warning, "protocols") }
            } catch {
                attributes.report(
                    .error,
                    error.message,
                    "protocols",
                    suggestion: NearestName.find(text, among: TLSProtocolVersion.allCases.map(\.rawValue))
                )
            }
        }
        if let depth = attributes.integer("certificateVerificationDepth") { host.verificationDepth = depth < 0 ? 100 : depth }
        host.ciphers = attributes.nonEmpty("ciphers") ?? host.ciphers
        host.cipherSuites = attributes.nonEmpty("cipherSuites") ?? host.cipherSuites
        if let groups = attributes.nonEmpty("groups") { host.groups = groups.splitTrimming { $0 == "," || $0 == ":" } }
        host.honorsCipherOrder = attributes.boolean("honorCipherOrder") ?? host.honorsCipherOrder
        host.disablesSessionTickets = attributes.boolean("disableSessionTickets") ?? host.disablesSessionTickets
        host.sessionCacheSize = attributes.integer("sessionCacheSize") ?? host.sessionCacheSize
        host.sessionTimeout = attributes.seconds("sessionTimeout") ?? host.sessionTimeout
        host.ticketKeyFile = self.existing("serval.sessionTicketKeyFile", attributes)
        host.ticketKeyRotation = attributes.seconds("serval.sessionTicketKeyRotation") ?? host.ticketKeyRotation
        if attributes.boolean("disableCompression") == false {
            attributes.report(.warning, "TLS compression is never used, because it gives secrets away", "disableCompression")
        }
        if attributes.boolean("insecureRenegotiation") == true {
            attributes.report(.warning, "insecure renegotiation is never allowed", "insecureRenegotiation")
        }
    }

    private func commands(_ element: XMLElement) -> [TLSHostConfiguration.OpenSSLCommand] {
        var commands: [TLSHostConfiguration.OpenSSLCommand] = []
        for child in element.children("OpenSSLConf") {
            self.scope.checkChildren(of: child, known: ["OpenSSLConfCmd"])
            for element in child.children("OpenSSLConfCmd") {
                let attributes = CheckedAttributes(element, table: .openSSLConfCmd, scope: self.scope)
                guard let name = attributes.nonEmpty("name"), let value = attributes.text("value") else { continue }
                var command = TLSHostConfiguration.OpenSSLCommand(name: name, value: value)
                command.origin = self.scope.origin(of: element)
                commands.append(command)
            }
        }
        return commands
    }

    // MARK: Certificates

    private func readCertificate(_ element: XMLElement) -> CertificateConfiguration? {
        let attributes = CheckedAttributes(element, table: .certificate, scope: self.scope)
        self.scope.checkChildren(of: element, known: [])
        let keyType = attributes.nonEmpty("type").flatMap { CertificateConfiguration.KeyType(attribute: $0) }
        let pemNames = ["certificateFile", "certificateKeyFile", "certificateChainFile"].filter { attributes.has($0) }
        let storeNames = element.attributes.map(\.name).filter { $0.hasPrefix("certificateKeystore") || $0 == "certificateKeyAlias" }
        if let pem = pemNames.first {
            if attributes.has("certificateKeystoreFile") {
                attributes.report(.error, "<Certificate> names a key store and PEM files; it can have one of them", pem)
                return nil
            }
            if !storeNames.isEmpty {
                attributes.report(.warning, "attributes for key stores have no effect with PEM files: \(storeNames.joined(separator: ", "))", pem)
            }
            return self.pem(attributes).map { CertificateConfiguration(source: $0, keyType: keyType) }
        }
        if self.isToken(attributes) { return self.token(attributes).map { CertificateConfiguration(source: $0, keyType: keyType) } }
        return self.keyStore(attributes).map { CertificateConfiguration(source: $0, keyType: keyType) }
    }

    private func pem(_ attributes: CheckedAttributes) -> CertificateConfiguration.Source? {
        guard attributes.has("certificateFile") else {
            self.scope.report(.error, "SSLHostConfig attribute certificateFile must be defined when using an SSL connector", attributes.element)
            return nil
        }
        guard let certificate = self.existing("certificateFile", attributes) else { return nil }
        return .pem(
            certificate: certificate,
            key: self.existing("certificateKeyFile", attributes),
            chain: self.existing("certificateChainFile", attributes),
            keyPassword: attributes.secret("certificateKeyPassword", file: "certificateKeyPasswordFile", base: self.context.base)
                ?? attributes.secret("certificateKeystorePassword", file: "certificateKeystorePasswordFile", base: self.context.base)
        )
    }

    private func keyStore(_ attributes: CheckedAttributes) -> CertificateConfiguration.Source? {
        let path: String
        if attributes.has("certificateKeystoreFile") {
            guard let existing = self.existing("certificateKeystoreFile", attributes) else { return nil }
            path = existing
        } else {
            path = FilePath.absolute(self.context.properties.resolve("${user.home}/.keystore").text, base: self.context.base)
            guard FilePath.isFile(path) else {
                self.scope.report(
                    .error,
                    "no certificate is configured, and the default key store [\(path)] \(FilePath.obstacle(path))",
                    attributes.element
                )
                return nil
            }
            self.scope.report(.warning, "no certificate is configured; the default key store [\(path)] is used", attributes.element)
        }
        for name in ["certificateKeyPasswordFile", "certificateKeystorePasswordFile"] where attributes.has(name) {
            _ = self.existing(name, attributes)
        }
        return .keyStore(
            path: path,
            type: attributes.nonEmpty("certificateKeystoreType").map { $0.uppercased() },
            alias: attributes.nonEmpty("certificateKeyAlias"),
            password: attributes.secret("certificateKeystorePassword", file: "certificateKeystorePasswordFile", base: self.context.base)
                ?? .literal("changeit"),
            keyPassword: attributes.secret("certificateKeyPassword", file: "certificateKeyPasswordFile", base: self.context.base)
        )
    }

    /// Tomcat keeps attributes for JSSE and for OpenSSL apart; here both are obeyed, and whoever moves back should know.
    private func warnOfMixture(_ host: CheckedAttributes, certificates: [XMLElement]) {
        let hostName = host.nonEmpty("hostName") ?? TLSHostConfiguration.defaultHostName
        func warn(_ what: String, _ style: String, _ names: [String]) {
            let present = names.filter { host.has($0) }
            guard let first = present.first else { return }
            host.report(
                .warning,
                "<SSLHostConfig> for [\(hostName)] mixes \(what) with attributes of \(style) style: \(present.joined(separator: ", ")). "
                    + "Serval obeys both; Tomcat would warn of it, too",
                first
            )
        }
        if certificates.contains(where: { $0.attributes.contains { $0.name.hasPrefix("certificateKeystore") } }) {
            warn(
                "a key store (JSSE style)",
                "OpenSSL",
                [
                    "caCertificateFile", "caCertificatePath", "certificateRevocationListPath", "disableCompression", "disableSessionTickets",
                    "insecureRenegotiation",
                ]
            )
        } else if certificates.contains(where: { $0.attribute("certificateFile") != nil }) {
            warn("PEM files (OpenSSL style)", "JSSE", ["keyManagerAlgorithm", "revocationEnabled", "sslProtocol", "trustManagerClassName"])
        }
        if host.has("truststoreFile") { warn("a truststoreFile (JSSE style)", "OpenSSL", ["caCertificateFile", "caCertificatePath"]) }
    }

    private func requireDirectory(_ path: String, _ name: String, _ attributes: CheckedAttributes) {
        guard !FilePath.isDirectory(path) else { return }
        attributes.report(.error, "the directory [\(path)] \(FilePath.exists(path) ? "is none" : "does not exist")", name)
    }

    /// The path of a file that has to exist; `nil` with an error if it does not, and without one if the attribute is missing.
    private func existing(_ name: String, _ attributes: CheckedAttributes) -> String? {
        guard let path = attributes.path(name, base: self.context.base) else { return nil }
        if FilePath.isFile(path) { return path }
        attributes.report(.error, "Configured file [\(path)] \(FilePath.obstacle(path))", name)
        return nil
    }
}
