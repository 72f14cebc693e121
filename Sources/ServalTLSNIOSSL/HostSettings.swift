#if NIOSSL
import NIOCore
import NIOSSL
import ServalTLS

/// A host's settings in swift-nio-ssl's words; what it has no words for is an error here, with the attribute's name.
struct HostSettings {
    /// Everything but certificate and key.
    private(set) var configuration = TLSConfiguration.makeServerConfigurationWithoutCertificate()
    private(set) var warnings: [String] = []
    /// The groups that were chosen, by IANA's names; empty for BoringSSL's own.
    private(set) var groups: [String] = []
    private let host: TLSHostConfiguration
    private let hasTokenKeys: Bool
    private var suites: [CipherSuite] = []

    /// - Parameter hasTokenKeys: whether keys stay in tokens, which do not decrypt.
    /// - Throws: the first setting that cannot be followed; the caller adds the host.
    init(_ host: TLSHostConfiguration, alpnProtocols: [String], hasTokenKeys: Bool) throws(TLSError) {
        self.host = host
        self.hasTokenKeys = hasTokenKeys
        try refuseWhatIsMissing()
        try setProtocols()
        try setCiphers()
        try setGroups()
        guard alpnProtocols.allSatisfy({ $0.utf8.allSatisfy { $0 < 128 } }) else {
            throw TLSError(.invalidConfiguration, "The application protocols (ALPN) must be ASCII")
        }
        configuration.applicationProtocols = alpnProtocols
        configuration.renegotiationSupport = .none
        configuration.sendCANameList = true
        switch host.clientAuthentication {
        case .none: configuration.certificateVerification = .none
        case .optional: configuration.certificateVerification = .optionalVerification
        case .required: configuration.certificateVerification = .noHostnameVerification
        case .onDemand(let trust):
            throw missing(
                "certificateVerification",
                "none",
                "cannot ask for a certificate after the handshake, as the trusted certificates of \(trust.inWords) announce"
            )
        case .optionalNoCA:
            throw missing("certificateVerification", "optionalNoCA", "accepts no certificates that nobody has verified")
        }
    }

    /// How long ticket keys live, and so how long a session may be resumed; swift-nio-ssl has no such setting, so its context is replaced when this time is
    /// over.
    var sessionLifetime: Duration {
        // RFC 8446 section 4.6.1 allows seven days.
        [host.sessionTimeout, host.ticketKeyRotation].filter { $0 > .zero }.reduce(.seconds(604_800), min)
    }

    private func refuseWhatIsMissing() throws(TLSError) {
        if !host.revocationListFiles.isEmpty {
            throw missing("certificateRevocationListFile", host.revocationListFiles.joined(separator: ", "), "has no revocation lists")
        }
        if !host.revocationListDirectories.isEmpty {
            throw missing("certificateRevocationListPath", host.revocationListDirectories.joined(separator: ", "), "has no revocation lists")
        }
        if try host.resolvedRevocation() != .off {
            throw missing("ocspEnabled", "true", "asks nobody whether certificates have been revoked")
        }
        if let command = host.openSSLCommands.first {
            throw missing("OpenSSLConfCmd", command.name, "knows no commands of OpenSSL")
        }
        if host.honorsCipherOrder {
            throw missing("honorCipherOrder", "true", "always follows the client's order")
        }
        if host.disablesSessionTickets {
            throw missing("disableSessionTickets", "true", "always keeps resumption state in tickets")
        }
        if let file = host.ticketKeyFile {
            throw missing("serval.sessionTicketKeyFile", file, "makes its own keys for session tickets")
        }
        guard host.sessionCacheSize == -1 || host.sessionCacheSize == 20480 else {
            throw missing("sessionCacheSize", "\(host.sessionCacheSize)", "keeps up to 20480 sessions, whatever is asked for")
        }
    }

    private func missing(_ attribute: String, _ value: String, _ what: String) -> TLSError {
        problem(
            .invalidConfiguration,
            attribute,
            "\(attribute) [\(value)] cannot be followed by the TLS implementation NIOSSL, which \(what); take it out, or use OpenSSL (sslImplementationName)"
        )
    }

    private func problem(_ code: TLSError.Code, _ attribute: String, _ words: String) -> TLSError {
        TLSError(code, words, origin: host.origin?.place(of: attribute))
    }

    /// The cipher suites of all versions that can be spoken with these certificates, by the RFCs' names.
    func cipherNames(for certificates: [HostCertificate]) -> [String] {
        let names = host.protocols.contains(.v1_3) ? CipherSuite.forTLS13.keys.sorted() : []
        guard host.protocols != [.v1_3] else { return names }
        return names + suites.filter { suite in certificates.contains { $0.fits(suite) } }.map(\.name)
    }

    private mutating func setProtocols() throws(TLSError) {
        let versions = host.protocols.sorted()
        let words = versions.map(\.rawValue).joined(separator: "+")
        guard let lowest = versions.first, let highest = versions.last else {
            throw problem(.noProtocols, "protocols", "None of the [protocols] specified are supported by the SSL engine : []")
        }
        guard TLSProtocolVersion.allCases.filter({ (lowest...highest).contains($0) }) == versions else {
            throw missing("protocols", words, "speaks all versions between the oldest and the newest")
        }
        if lowest < .v1_2 { warnings.append("protocols contains [\(lowest)], which is deprecated (RFC 8996)") }
        configuration.minimumTLSVersion = lowest.nioVersion
        configuration.maximumTLSVersion = highest.nioVersion
    }

    private mutating func setCiphers() throws(TLSError) {
        let list: CipherList
        do throws(TLSError) {
            list = try CipherList(host.ciphers)
        } catch {
            throw problem(error.code, "ciphers", error.message)
        }
        warnings += list.warnings
        let suites12 = list.suites.filter { !hasTokenKeys || $0.keyExchange != .rsa }
        if suites12.count < list.suites.count { warnings.append("Ciphers with RSA key exchange are left out: keys in tokens do not decrypt") }
        guard !suites12.isEmpty else {
            throw problem(.noCiphers, "ciphers", "None of the ciphers specified are supported by the SSL engine : [\(host.ciphers)]")
        }
        configuration.cipherSuites = suites12.map(\.name).joined(separator: ":")
        self.suites = suites12
        guard host.protocols.contains(.v1_3) else { return }
        let suites = host.cipherSuites.split { $0 == ":" || $0 == "," || $0.isWhitespace }.map(String.init)
        let known = suites.filter { CipherSuite.forTLS13[$0] != nil }
        for name in suites where !known.contains(name) {
            warnings.append("The cipher suite [\(name)] in cipherSuites is unknown or not for TLS 1.3 and is ignored")
        }
        guard !known.isEmpty else {
            throw problem(.noCiphers, "cipherSuites", "None of the cipherSuites specified are supported by the SSL engine : [\(host.cipherSuites)]")
        }
        guard Set(known) == Set(CipherSuite.forTLS13.keys) else {
            throw missing("cipherSuites", host.cipherSuites, "always offers \(CipherSuite.forTLS13.keys.sorted().joined(separator: ", "))")
        }
    }

    /// x25519, P-256, P-384, P-521 and X25519MLKEM768.
    private static let groups: Set<UInt16> = [0x1D, 0x17, 0x18, 0x19, 0x11EC]

    private mutating func setGroups() throws(TLSError) {
        guard !host.groups.isEmpty else { return }
        var curves: [NIOTLSCurve] = []
        for entry in host.groups {
            let isOptional = entry.hasPrefix("?")
            let name = isOptional ? String(entry.dropFirst()) : entry
            if let number = TLSGroup.named(name)?.number, Self.groups.contains(number) {
                let curve = NIOTLSCurve(rawValue: number)
                if !curves.contains(curve) { curves.append(curve) }
            } else if !isOptional || TLSGroup.named(name) == nil {
                warnings.append("The group [\(name)] is not supported by BoringSSL and is ignored")
            }
        }
        guard !curves.isEmpty else {
            throw problem(
                .noCiphers,
                "groups",
                "None of the groups specified are supported by the SSL engine : [\(host.groups.joined(separator: ","))]"
            )
        }
        configuration.curves = curves
        groups = curves.map { TLSGroup.name(of: $0.rawValue) }
    }
}

extension TLSConfiguration {
    /// A server's configuration whose certificate and key are filled in later.
    fileprivate static func makeServerConfigurationWithoutCertificate() -> TLSConfiguration {
        var configuration = makePreSharedKeyConfiguration()
        configuration.trustRoots = .certificates([])
        return configuration
    }
}

extension TLSProtocolVersion {
    fileprivate var nioVersion: TLSVersion {
        switch self {
        case .v1: .tlsv1
        case .v1_1: .tlsv11
        case .v1_2: .tlsv12
        case .v1_3: .tlsv13
        }
    }
}
#endif
