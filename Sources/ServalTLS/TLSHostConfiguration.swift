/// Everything that decides how one TLS host speaks (`<SSLHostConfig>`); a value that is checked and built as a whole.
public struct TLSHostConfiguration: Sendable, Hashable {
    /// The name that serves clients without a server name, or with an unknown one.
    public static let defaultHostName = "_default_"

    /// The server name (`hostName`), in lower case.
    ///
    /// A name, or `*.` and a name (stands for exactly one label), or `_default_`.
    public var hostName: String { didSet { hostName = hostName.lowercased() } }
    /// What the host presents (`<Certificate>`); at least one, with several each of another key type.
    public var certificates: [CertificateConfiguration]
    /// Whether clients must show a certificate (`certificateVerification` with `caCertificateFile`, `caCertificatePath`, `truststoreFile`).
    public var clientAuthentication: ClientAuthentication = .none
    /// The most certificates between a client's certificate and a trusted one (`certificateVerificationDepth`), 0 to 100.
    public var verificationDepth = 10
    /// PEM files of revocation lists for client certificates (`certificateRevocationListFile`); if not empty, every certificate of a chain needs a current list.
    public var revocationListFiles: [String] = []
    /// Directories with such files (`certificateRevocationListPath`).
    public var revocationListDirectories: [String] = []
    /// Whether responders are asked about client certificates (`ocspEnabled`, `ocspSoftFail`, `ocspTimeout`, `ocspVerifyFlags`); counts where clients are verified.
    public var revocation = RevocationPolicy.off
    /// Whether the host fetches and presents OCSP answers about its own certificates (`serval.ocspStapling`); nothing happens for those that name no responder.
    public var staplesOCSP = true
    /// The versions spoken (`protocols`).
    public var protocols: Set<TLSProtocolVersion> = TLSProtocolVersion.defaults
    /// The ciphers for TLS 1.2 and older (`ciphers`): OpenSSL's expression language, or names of RFCs separated by commas.
    public var ciphers = TLSHostConfiguration.defaultCiphers
    /// The cipher suites for TLS 1.3 (`cipherSuites`), separated by colons or commas, in order.
    public var cipherSuites = TLSHostConfiguration.defaultCipherSuites
    /// The groups for key exchange (`groups`), in order; empty = the implementation's own choice.
    ///
    /// `?` in front of a name: used if the implementation has it, and no warning if not.
    public var groups: [String] = []
    /// Whether the server's order of ciphers decides (`honorCipherOrder`).
    public var honorsCipherOrder = false
    /// Whether resumption state stays at the server instead of travelling in tickets (`disableSessionTickets`).
    public var disablesSessionTickets = false
    /// How many TLS sessions are kept for resumption (`sessionCacheSize`); -1 = 20,480, 0 = no limit as far as Serval is concerned.
    public var sessionCacheSize = -1
    /// How long a TLS session can be resumed (`sessionTimeout`); 0 = as long as the implementation allows.
    public var sessionTimeout: Duration = .seconds(86400)
    /// A file of keys for session tickets that several nodes share (`serval.sessionTicketKeyFile`); nil = random keys of this process.
    ///
    /// See ``TicketKeyFile`` for its format.
    public var ticketKeyFile: String?
    /// How often a new random key takes over (`serval.sessionTicketKeyRotation`); 0 = never.
    ///
    /// Default 12 hours. Older keys go on decrypting as long as sessions can be resumed. Without effect with ``ticketKeyFile``, where the file's order decides.
    public var ticketKeyRotation: Duration = .seconds(43_200)
    /// Settings for OpenSSL by its own names (`<OpenSSLConfCmd>`), applied last and in order.
    public var openSSLCommands: [OpenSSLCommand] = []
    /// Where it stands in a configuration file, for messages.
    public var origin: ConfigurationOrigin?

    /// Makes a host with Tomcat's defaults.
    public init(hostName: String = TLSHostConfiguration.defaultHostName, certificates: [CertificateConfiguration]) {
        self.hostName = hostName.lowercased()
        self.certificates = certificates
    }

    /// The default of `ciphers`.
    public static let defaultCiphers = "HIGH:!aNULL:!eNULL:!DES:!RC4:!MD5:!kRSA"
    /// The default of `cipherSuites`.
    public static let defaultCipherSuites = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"

    /// One command of OpenSSL's configuration language (`<OpenSSLConfCmd name="…" value="…"/>`).
    public struct OpenSSLCommand: Sendable, Hashable {
        /// The command's name, for example `Options`.
        public var name: String
        /// Its value.
        public var value: String
        /// Where it stands in a configuration file, for messages.
        public var origin: ConfigurationOrigin?

        /// Makes a command.
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }
}
