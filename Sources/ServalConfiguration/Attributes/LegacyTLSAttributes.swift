/// The TLS attributes that Tomcat 7 to 9 took on `<Connector>`, and where they went.
enum LegacyTLSAttributes {
    enum Target: Sendable {
        case host
        case certificate
    }

    struct Translation: Sendable {
        var old: String
        var target: Target
        var new: String
        var kind: AttributeKind = .text

        /// For messages and the reference.
        var newName: String { (self.target == .host ? "SSLHostConfig " : "Certificate ") + self.new }
    }

    /// Old names are case-sensitive: `sslProtocol` names a context, `SSLProtocol` a list of versions.
    static let all: [Translation] = [
        Translation(old: "algorithm", target: .host, new: "keyManagerAlgorithm"),
        Translation(old: "ciphers", target: .host, new: "ciphers"),
        Translation(old: "SSLCipherSuite", target: .host, new: "ciphers"),
        Translation(old: "clientAuth", target: .host, new: "certificateVerification"),
        Translation(old: "SSLVerifyClient", target: .host, new: "certificateVerification"),
        Translation(old: "crlFile", target: .host, new: "certificateRevocationListFile", kind: .path),
        Translation(old: "SSLCARevocationFile", target: .host, new: "certificateRevocationListFile", kind: .path),
        Translation(old: "SSLCARevocationPath", target: .host, new: "certificateRevocationListPath", kind: .path),
        Translation(old: "keyAlias", target: .certificate, new: "certificateKeyAlias"),
        Translation(old: "keyPass", target: .certificate, new: "certificateKeyPassword", kind: .secret),
        Translation(old: "keyPassFile", target: .certificate, new: "certificateKeyPasswordFile", kind: .path),
        Translation(old: "SSLPassword", target: .certificate, new: "certificateKeyPassword", kind: .secret),
        Translation(old: "SSLPasswordFile", target: .certificate, new: "certificateKeyPasswordFile", kind: .path),
        Translation(old: "keystoreFile", target: .certificate, new: "certificateKeystoreFile", kind: .path),
        Translation(old: "keystorePass", target: .certificate, new: "certificateKeystorePassword", kind: .secret),
        Translation(old: "keystorePassFile", target: .certificate, new: "certificateKeystorePasswordFile", kind: .path),
        Translation(old: "keystoreProvider", target: .certificate, new: "certificateKeystoreProvider"),
        Translation(old: "keystoreType", target: .certificate, new: "certificateKeystoreType"),
        Translation(old: "SSLCertificateFile", target: .certificate, new: "certificateFile", kind: .path),
        Translation(old: "SSLCertificateKeyFile", target: .certificate, new: "certificateKeyFile", kind: .path),
        Translation(old: "SSLCertificateChainFile", target: .certificate, new: "certificateChainFile", kind: .path),
        Translation(old: "SSLCACertificateFile", target: .host, new: "caCertificateFile", kind: .path),
        Translation(old: "SSLCACertificatePath", target: .host, new: "caCertificatePath", kind: .path),
        Translation(old: "sessionCacheSize", target: .host, new: "sessionCacheSize"),
        Translation(old: "sessionTimeout", target: .host, new: "sessionTimeout"),
        Translation(old: "sslEnabledProtocols", target: .host, new: "protocols"),
        Translation(old: "SSLProtocol", target: .host, new: "protocols"),
        Translation(old: "sslProtocol", target: .host, new: "sslProtocol"),
        Translation(old: "trustManagerClassName", target: .host, new: "trustManagerClassName", kind: .className),
        Translation(old: "trustMaxCertLength", target: .host, new: "certificateVerificationDepth"),
        Translation(old: "SSLVerifyDepth", target: .host, new: "certificateVerificationDepth"),
        Translation(old: "truststoreAlgorithm", target: .host, new: "truststoreAlgorithm"),
        Translation(old: "truststoreFile", target: .host, new: "truststoreFile", kind: .path),
        Translation(old: "truststorePass", target: .host, new: "truststorePassword", kind: .secret),
        Translation(old: "truststoreProvider", target: .host, new: "truststoreProvider"),
        Translation(old: "truststoreType", target: .host, new: "truststoreType"),
        Translation(old: "useServerCipherSuitesOrder", target: .host, new: "honorCipherOrder"),
        Translation(old: "SSLHonorCipherOrder", target: .host, new: "honorCipherOrder"),
        Translation(old: "SSLDisableCompression", target: .host, new: "disableCompression"),
        Translation(old: "SSLDisableSessionTickets", target: .host, new: "disableSessionTickets"),
        Translation(old: "allowUnsafeLegacyRenegotiation", target: .host, new: "insecureRenegotiation"),
        Translation(old: "SSLInsecureRenegotiation", target: .host, new: "insecureRenegotiation"),
    ]

    static let byOldName: [String: Translation] = Dictionary(all.map { ($0.old, $0) }) { first, _ in first }

    /// As attributes of `<Connector>`; their values are checked where they go.
    static var definitions: [AttributeDefinition] {
        self.all.map { AttributeDefinition($0.old, .text, status: .olderName(of: $0.newName), note: "Tomcat 7 to 9") }
    }

    /// The element that the old attributes of a connector stand for, with the places of the old ones; `nil` if it has none.
    static func element(from connector: XMLElement, scope: FileScope) -> XMLElement? {
        var host = XMLElement(name: "SSLHostConfig", position: connector.position)
        var certificate = XMLElement(name: "Certificate", position: connector.position)
        var names: [String] = []
        for attribute in connector.attributes {
            guard let translation = self.byOldName[attribute.name] else { continue }
            names.append("\(attribute.name) (now \(translation.newName))")
            var new = attribute
            new.name = translation.new
            new.olderName = attribute.name
            let earlier = translation.target == .host ? host.attribute(new.name) : certificate.attribute(new.name)
            if let earlier {
                scope.report(
                    .error,
                    "the attributes \"\(earlier.writtenName)\" and \"\(attribute.name)\" of <Connector> set the same thing; keep one",
                    at: attribute.position,
                    element: connector.name,
                    attribute: attribute.name
                )
            } else if translation.target == .host {
                host.attributes.append(new)
            } else {
                certificate.attributes.append(new)
            }
        }
        guard !names.isEmpty else { return nil }
        scope.report(
            .warning,
            "TLS attributes of <Connector> are taken as <SSLHostConfig><Certificate/></SSLHostConfig>, the form since Tomcat 8.5: \(names.joined(separator: ", "))",
            connector
        )
        host.children = [certificate]
        return host
    }
}
