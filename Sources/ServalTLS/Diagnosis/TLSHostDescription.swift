/// How a TLS host speaks to clients, as built: for people who want to know why a client gets what it gets.
public struct TLSHostDescription: Sendable, Hashable {
    /// The host's `hostName`.
    public var hostName: String
    /// What it presents; one for each kind of key.
    public var certificates: [PresentedCertificate]
    /// The protocol versions that are spoken, oldest first.
    public var protocols: [String]
    /// The cipher suites that can be agreed on, by their names in the RFCs, in the server's order; those of TLS 1.3 first.
    public var cipherSuites: [String]
    /// The groups for key exchange, by IANA's names, in the server's order; empty = what the implementation chooses and does not tell.
    public var groups: [String]
    /// Whether and how clients are asked for a certificate, and whom is trusted, in words.
    public var clientAuthentication: String
    /// Other settings that decide what a client gets: attribute and value.
    public var settings: [Setting]

    /// The fingerprints (SHA-256) of the certificates that clients' certificates may come from, sorted.
    package var trustedCertificates: [[UInt8]] = []
    /// The revocation lists, in the order of their files.
    package var revocationLists: [RevocationListMark] = []
    /// What tells the keys for session tickets that come from a file from others (SHA-256); nil where they do not.
    package var ticketKeyMark: [UInt8]?

    /// What tells one revocation list from another.
    package struct RevocationListMark: Sendable, Hashable {
        /// The file.
        package var path: String
        /// The authority, in words.
        package var issuer: String
        /// SHA-256 of the list.
        package var fingerprint: [UInt8]
        /// From when it says something, in seconds since 1970.
        package var thisUpdate: Int
        /// When there should be a newer one; nil if it does not say.
        package var nextUpdate: Int?

        package init(path: String, issuer: String, fingerprint: [UInt8], thisUpdate: Int, nextUpdate: Int?) {
            self.path = path
            self.issuer = issuer
            self.fingerprint = fingerprint
            self.thisUpdate = thisUpdate
            self.nextUpdate = nextUpdate
        }
    }

    /// Replaces what the configuration says by what is so.
    package mutating func set(_ name: String, _ value: String) {
        for index in settings.indices where settings[index].name == name { settings[index].value = value }
    }

    /// An attribute with its value.
    public struct Setting: Sendable, Hashable {
        /// The attribute's name in `server.xml`.
        public var name: String
        /// Its value, or what stands for it.
        public var value: String

        /// Makes a setting.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Makes a description; for backends.
    ///
    /// - Parameter cipherSuites: those that the implementation has and the settings allow.
    public init(_ configuration: TLSHostConfiguration, certificates: [PresentedCertificate], cipherSuites: [String], trustedCount: Int) {
        hostName = configuration.hostName
        self.certificates = certificates
        self.cipherSuites = cipherSuites
        protocols = configuration.protocols.sorted().map(\.rawValue)
        groups = configuration.groups
        clientAuthentication = configuration.clientAuthentication.inWords(trustedCount: trustedCount)
        settings = [
            Setting("honorCipherOrder", "\(configuration.honorsCipherOrder)"),
            Setting("disableSessionTickets", "\(configuration.disablesSessionTickets)"),
            Setting("sessionTimeout", "\(configuration.sessionTimeout.components.seconds) s"),
        ]
        if configuration.clientAuthentication != .none {
            settings.append(Setting("certificateVerificationDepth", "\(configuration.verificationDepth)"))
            let lists = configuration.revocationListFiles + configuration.revocationListDirectories
            settings.append(Setting("revocation lists", lists.isEmpty ? "none" : lists.joined(separator: ", ")))
        }
        settings += configuration.openSSLCommands.map { Setting("OpenSSLConfCmd \($0.name)", $0.value) }
    }
}

extension ClientAuthentication {
    /// For people: what a client has to expect.
    fileprivate func inWords(trustedCount: Int) -> String {
        let whom = trust.map { "\(trustedCount) trusted \(trustedCount == 1 ? "certificate" : "certificates") from \($0.inWords)" } ?? ""
        return switch self {
        case .none: "none: no client certificate is asked for"
        case .onDemand: "none: no client certificate is asked for in the handshake; CLIENT-CERT trusts one of \(whom)"
        case .optional: "optional: a certificate is asked for, and has to be of one of \(whom)"
        case .optionalNoCA(trust: nil): "optionalNoCA: a certificate is asked for, and nobody verifies whose it is"
        case .optionalNoCA: "optionalNoCA: a certificate is asked for, and is verified only if it is of one of \(whom)"
        case .required: "required: without a certificate of one of \(whom) there is no connection"
        }
    }
}
