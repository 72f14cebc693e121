/// The TLS hosts of one connector with what they have in common.
public struct TLSEndpointConfiguration: Sendable, Hashable {
    /// The hosts (`<SSLHostConfig>`); at least one.
    public var hosts: [TLSHostConfiguration]
    /// The host for clients without a server name, or with an unknown one (`defaultSSLHostConfigName`).
    public var defaultHostName: String
    /// The application protocols in the server's order of preference (RFC 7301); at most 32 of 1 to 255 bytes.
    public var alpnProtocols: [String]
    /// How long a handshake may take, from the connection's first byte or from its start, whichever comes first; more than zero.
    public var handshakeTimeout: Duration = .seconds(20)
    /// The most bytes of a ClientHello (`sniParseLimit`), 1,024 to 131,072.
    public var sniParseLimit = 65536
    /// How often the files that keys, certificates, passwords, trusted certificates and revocation lists come from are looked at, to load them again when
    /// they have changed (`serval.certificateWatchInterval`); `nil` = never.
    ///
    /// A look costs one `stat` for each file.
    public var fileWatchInterval: Duration? = .seconds(10)

    /// Where OCSP answers about the hosts' certificates are kept over restarts (`work/ocsp` of the base directory); `nil` = nowhere.
    public var stapleDirectory: String?

    /// Whether OCSP responders are asked about the hosts' own certificates; `false` for checks, which use no network and know only what is in ``stapleDirectory``.
    public var asksResponders = true

    /// Makes a configuration; `validate()` says whether it holds together.
    public init(
        hosts: [TLSHostConfiguration],
        defaultHostName: String = TLSHostConfiguration.defaultHostName,
        alpnProtocols: [String] = ["http/1.1"]
    ) {
        self.hosts = hosts
        self.defaultHostName = defaultHostName
        self.alpnProtocols = alpnProtocols
    }

    /// Checks everything that can be checked without reading files; backends call it first.
    ///
    /// - Throws: the first problem, in Tomcat's words where it has words.
    public func validate() throws(TLSError) {
        _ = try TLSHostNames(self)
        guard (1024...131_072).contains(sniParseLimit) else {
            throw TLSError(.invalidConfiguration, "The sniParseLimit [\(sniParseLimit)] must be between 1024 and 131072 bytes")
        }
        guard handshakeTimeout > .zero else {
            throw TLSError(.invalidConfiguration, "The time limit for TLS handshakes must be more than zero")
        }
        guard alpnProtocols.count <= 32, alpnProtocols.allSatisfy({ (1...255).contains($0.utf8.count) }) else {
            throw TLSError(.invalidConfiguration, "There may be at most 32 application protocols (ALPN) of 1 to 255 bytes each")
        }
        if let fileWatchInterval, fileWatchInterval < .milliseconds(100) {
            throw TLSError(.invalidConfiguration, "Certificate files can be looked at every 100 ms or less often")
        }
        for host in hosts { try host.validate() }
    }
}

extension TLSHostConfiguration {
    func validate() throws(TLSError) {
        guard !certificates.isEmpty else {
            throw TLSError(
                .invalidConfiguration,
                "SSLHostConfig [\(hostName)]: attribute certificateFile or certificateKeystoreFile must be defined when using an SSL connector"
            )
        }
        if certificates.count > 1 {
            guard certificates.allSatisfy({ $0.keyType != nil }) else {
                throw TLSError(
                    .invalidConfiguration,
                    "SSLHostConfig [\(hostName)]: Multiple certificates were specified and at least one is missing the required attribute type"
                )
            }
            guard Set(certificates.map(\.keyType)).count == certificates.count else {
                throw TLSError(
                    .invalidConfiguration,
                    "SSLHostConfig [\(hostName)]: Multiple certificates were specified with the same attribute type"
                )
            }
        }
        guard !protocols.isEmpty else {
            throw TLSError(.noProtocols, "SSLHostConfig [\(hostName)]: None of the [protocols] specified are supported by the SSL engine : []")
        }
        guard (0...100).contains(verificationDepth) else {
            throw TLSError(
                .invalidConfiguration,
                "SSLHostConfig [\(hostName)]: certificateVerificationDepth [\(verificationDepth)] must be between 0 and 100"
            )
        }
        guard sessionCacheSize >= -1, sessionCacheSize <= Int(Int32.max) else {
            throw TLSError(.invalidConfiguration, "SSLHostConfig [\(hostName)]: sessionCacheSize [\(sessionCacheSize)] must be -1 or more")
        }
        guard sessionTimeout >= .zero, sessionTimeout <= .seconds(Int32.max) else {
            throw TLSError(.invalidConfiguration, "SSLHostConfig [\(hostName)]: sessionTimeout must be between 0 and \(Int32.max) seconds")
        }
        try checkLengths()
        guard ticketKeyRotation >= .zero, ticketKeyRotation <= .seconds(Int32.max) else {
            throw TLSError(
                .invalidConfiguration,
                "SSLHostConfig [\(hostName)]: serval.sessionTicketKeyRotation must be between 0 and \(Int32.max) seconds"
            )
        }
        _ = try resolvedRevocation()
        if case .all(let sources) = clientAuthentication.trust, sources.isEmpty {
            throw TLSError(
                .noTrustAnchors,
                "SSLHostConfig [\(hostName)]: certificateVerification needs a caCertificateFile, caCertificatePath or truststoreFile"
            )
        }
    }

    /// The most names or words in `ciphers` and in `cipherSuites`.
    static let cipherLimit = 1_000
    /// The most bytes of one of them, and of the value of an `OpenSSLConfCmd`.
    static let textLimit = 16_384
    /// The most `groups`.
    static let groupLimit = 100

    /// Nobody means lists that are longer; they only keep a start or a reload waiting.
    private func checkLengths() throws(TLSError) {
        func refuse(_ attribute: String, _ what: String) -> TLSError {
            TLSError(.invalidConfiguration, "SSLHostConfig [\(hostName)]: \(attribute) \(what)", origin: origin?.place(of: attribute))
        }
        for (attribute, text) in [("ciphers", ciphers), ("cipherSuites", cipherSuites)] {
            guard text.utf8.count <= Self.textLimit else {
                throw refuse(attribute, "has \(text.utf8.count) bytes; at most \(Self.textLimit) are possible")
            }
            let count = text.split { $0 == ":" || $0 == "," || $0 == ";" || $0.isWhitespace }.count
            guard count <= Self.cipherLimit else { throw refuse(attribute, "has \(count) items; at most \(Self.cipherLimit) are possible") }
        }
        guard groups.count <= Self.groupLimit, groups.allSatisfy({ $0.utf8.count <= 100 }) else {
            throw refuse("groups", "has \(groups.count) items; at most \(Self.groupLimit) of 100 bytes are possible")
        }
        guard openSSLCommands.count <= 100 else { throw refuse("OpenSSLConf", "has \(openSSLCommands.count) commands; at most 100 are possible") }
        for command in openSSLCommands where command.value.utf8.count > Self.textLimit {
            throw TLSError(
                .invalidConfiguration,
                "SSLHostConfig [\(hostName)]: OpenSSLConfCmd [\(command.name)] has a value of \(command.value.utf8.count) bytes; at most \(Self.textLimit) are possible",
                origin: command.origin?.place(of: "value") ?? origin?.description
            )
        }
    }
}
