public import ServalKeyStore

/// One certificate with its private key that a TLS host presents (`<Certificate>`).
public struct CertificateConfiguration: Sendable, Hashable {
    /// Where key and certificates are.
    public var source: Source
    /// The kind of key (`type`); nil = UNDEFINED.
    ///
    /// With several certificates on one host each needs a different one.
    public var keyType: KeyType?
    /// Where it stands in a configuration file, for messages.
    public var origin: ConfigurationOrigin?

    /// Makes a configuration; nothing is read before a context is made from it.
    public init(source: Source, keyType: KeyType? = nil) {
        self.source = source
        self.keyType = keyType
    }
}

extension CertificateConfiguration {
    /// A place for a private key and its certificates.
    public enum Source: Sendable, Hashable {
        /// A key store of the JDK.
        ///
        /// - `path`: `certificateKeystoreFile`, absolute by the time it gets here.
        /// - `type`: `certificateKeystoreType` (`JKS`, `JCEKS`, `PKCS12`; nil = found out from the file's contents).
        /// - `alias`: `certificateKeyAlias`; nil = the first key entry in the store's order.
        /// - `password`: `certificateKeystorePassword` or `…File`; nil = none.
        /// - `keyPassword`: `certificateKeyPassword` or `…File`; nil = the store's.
        case keyStore(path: String, type: String? = nil, alias: String? = nil, password: SecretSource? = nil, keyPassword: SecretSource? = nil)
        /// PEM files.
        ///
        /// - `certificate`: `certificateFile`, the leaf, and chain certificates after it if there are any.
        /// - `key`: `certificateKeyFile`; nil = in `certificate`.
        /// - `chain`: `certificateChainFile`, without the leaf.
        /// - `keyPassword`: `certificateKeyPassword` or `…File`.
        case pem(certificate: String, key: String? = nil, chain: String? = nil, keyPassword: SecretSource? = nil)
        /// A key in a PKCS#11 token (`certificateKeystoreType="PKCS11"`), which signs there.
        ///
        /// - `place`: which module and token.
        /// - `alias`: `certificateKeyAlias`, whose case counts; nil = the one that the place names, else the first key with a certificate.
        /// - `pin`: `certificateKeystorePassword` or `…File`; nil = the one that the place names, if it does.
        case token(TLSTokenPlace, alias: String? = nil, pin: SecretSource? = nil)
        /// Key and certificates that are in memory already, for applications and tests.
        case identity(TLSIdentity)
    }

    /// The kind of a certificate's key (`type`).
    public enum KeyType: String, Sendable, Hashable, CaseIterable {
        /// An RSA key.
        case rsa = "RSA"
        /// An elliptic curve key.
        case ec = "EC"
        /// A DSA key; no cipher that this server offers can use it.
        case dsa = "DSA"
        /// An ML-DSA key (FIPS 204), where the TLS implementation knows it.
        case mldsa = "MLDSA"

        /// The kind for a value of the attribute `type`, compared without case; nil for `UNDEFINED` and unknown words.
        public init?(attribute: String) {
            self.init(rawValue: attribute.uppercased())
        }
    }
}

/// A private key with its certificates, ready to be presented.
public struct TLSIdentity: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    /// The private key as PKCS#8 `PrivateKeyInfo` in DER (RFC 5958); empty if it is `externalKey`.
    public var privateKeyPKCS8: [UInt8]
    /// The private key if it signs elsewhere, in a token.
    public var externalKey: (any ExternalPrivateKey)?
    /// The certificates in DER, leaf first, then its issuers; the root may be left out.
    public var certificateChain: [[UInt8]]
    /// The alias under which a key store has it; nil elsewhere.
    public var alias: String?
    /// Diffie-Hellman parameters that stand beside the certificate (`DH PARAMETERS` or `X9.42 DH PARAMETERS` in PEM), in DER.
    public var dhParameters: [UInt8]?

    /// Makes an identity; whether key and leaf belong together is checked when a context is made.
    public init(privateKeyPKCS8: [UInt8], certificateChain: [[UInt8]]) {
        self.privateKeyPKCS8 = privateKeyPKCS8
        self.certificateChain = certificateChain
    }

    /// Makes an identity whose key signs elsewhere.
    public init(externalKey: any ExternalPrivateKey, certificateChain: [[UInt8]]) {
        self.privateKeyPKCS8 = []
        self.externalKey = externalKey
        self.certificateChain = certificateChain
    }

    /// Equal when keys and certificates are; of keys that are elsewhere the certificates tell.
    public static func == (one: TLSIdentity, other: TLSIdentity) -> Bool {
        one.privateKeyPKCS8 == other.privateKeyPKCS8 && one.certificateChain == other.certificateChain
            && (one.externalKey == nil) == (other.externalKey == nil)
    }

    /// Hashes the certificates.
    public func hash(into hasher: inout Hasher) { hasher.combine(certificateChain) }

    /// The number of certificates.
    public var description: String { "<identity with \(certificateChain.count) certificates>" }

    /// Shows nothing to `dump`.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
