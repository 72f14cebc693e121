extension AttributeTable {
    /// `<SSLHostConfig>`.
    public static let sslHostConfig = AttributeTable(
        element: "SSLHostConfig",
        summary: "How a connector speaks TLS for one server name.",
        children: ["Certificate", "OpenSSLConf"],
        attributes: [
            AttributeDefinition("hostName", .text, default: "_default_", note: "a name, *.example.com for one label, or _default_"),
            AttributeDefinition("caCertificateFile", .path, note: "PEM; obeyed whatever the TLS implementation"),
            AttributeDefinition("caCertificatePath", .path, note: "a directory of PEM files"),
            AttributeDefinition("certificateRevocationListFile", .path),
            AttributeDefinition("certificateRevocationListPath", .path),
            AttributeDefinition(
                "certificateVerification",
                .text,
                default: "none",
                note: "none, optional, optionalNoCA or required; who is trusted has to be said: the system's authorities never are. "
                    + "With none, caCertificateFile and truststoreFile count for CLIENT-CERT. "
                    + "optionalNoCA accepts certificates whose issuer is unknown; those are never taken for verified ones"
            ),
            AttributeDefinition(
                "certificateVerificationDepth",
                .integer(-1...100),
                default: "10",
                note: "the most certificates between the client's and a trusted one; 0: signed by a trusted one itself; -1: no limit"
            ),
            AttributeDefinition(
                "ciphers",
                .text,
                default: "HIGH:!aNULL:!eNULL:!DES:!RC4:!MD5:!kRSA",
                note:
                    "TLS 1.2 and older, at most 1,000 words; OpenSSL's cipher strings with Tomcat's meanings, or JSSE's names; what is not known is left out with a warning"
            ),
            AttributeDefinition(
                "cipherSuites",
                .text,
                default: "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256",
                note: "TLS 1.3; names for older versions are left out with a warning"
            ),
            AttributeDefinition("disableCompression", .boolean, default: "true", note: "there is never compression (CRIME)"),
            AttributeDefinition("disableSessionTickets", .boolean, default: "false"),
            AttributeDefinition(
                "groups",
                .text,
                note:
                    "names of IANA, the JDK or OpenSSL, separated by commas; those that are not there are left out with a warning, with ? in front of the name "
                    + "without; the implementation's choice if left out"
            ),
            AttributeDefinition("honorCipherOrder", .boolean, default: "false"),
            AttributeDefinition("insecureRenegotiation", .boolean, default: "false", note: "never allowed"),
            AttributeDefinition(
                "ocspEnabled",
                .boolean,
                default: "false",
                note:
                    "asks whether client certificates have been revoked: each of the chain but the trusted one, once until the answer ends (an hour at "
                    + "most). A current revocation list is as good as an answer. Revoked is refused in any case"
            ),
            AttributeDefinition(
                "ocspSoftFail",
                .boolean,
                default: "true",
                note:
                    "true lets clients in when there is no proof: no responder named or reachable, a wrong or stale answer, an unknown certificate, "
                    + "an outdated list. false refuses them"
            ),
            AttributeDefinition(
                "ocspTimeout",
                .milliseconds,
                default: "15000",
                note: "for all responders of a certificate together; 1 to 600000"
            ),
            AttributeDefinition("ocspVerify", .integer(0...Int(Int32.max)), default: "0", note: "the same as ocspVerifyFlags"),
            AttributeDefinition(
                "ocspVerifyFlags",
                .integer(0...Int(Int32.max)),
                default: "0",
                note: "OpenSSL's flags; those under which anybody could vouch (0x4, 0x10, 0x100) are an error"
            ),
            AttributeDefinition("protocols", .text, default: "all", note: "all means TLS 1.2 and 1.3; older versions only by name"),
            AttributeDefinition(
                "revocationEnabled",
                .boolean,
                default: "false",
                note: "use certificateRevocationListFile; true without it is an error"
            ),
            AttributeDefinition(
                "serval.ocspStapling",
                .boolean,
                default: "true",
                note: "Serval's own: presents answers about the host's own certificates; nothing happens where they name no responder"
            ),
            AttributeDefinition(
                "serval.sessionTicketKeyFile",
                .path,
                note: "Serval's own: keys of session tickets that several nodes share, one in a line of 64 hexadecimal digits or more, "
                    + "the newest first; mode 0600. Read again when it changes"
            ),
            AttributeDefinition(
                "serval.sessionTicketKeyRotation",
                .seconds,
                default: "43200",
                note: "Serval's own: how often a new random key takes over; 0 is never. Older ones go on decrypting until sessionTimeout"
            ),
            AttributeDefinition("serval.truststorePasswordFile", .path, note: "Serval's own"),
            AttributeDefinition("sessionCacheSize", .countOrUnlimited, default: "-1", note: "-1 is 20480, 0 no limit"),
            AttributeDefinition("sessionTimeout", .seconds, default: "86400"),
            AttributeDefinition(
                "sslProtocol",
                .choice(["TLS", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3", "SSL", "SSLv2", "SSLv3", "Default"]),
                default: "TLS",
                note: "the name of a Java context; what is spoken is decided by protocols"
            ),
            AttributeDefinition(
                "trustManagerClassName",
                .className,
                note: "an error where clients are verified: nobody else can decide whom to trust"
            ),
            AttributeDefinition("truststoreFile", .path),
            AttributeDefinition("truststorePassword", .secret, note: "a wrong one is an error; Tomcat tries again without"),
            AttributeDefinition("truststoreType", .choice(["JKS", "JCEKS", "PKCS12"]), note: "found out from the contents if left out"),
        ] + AttributeDefinition.unused("className", "keyManagerAlgorithm", "truststoreAlgorithm", "truststoreProvider")
    )

    /// `<Certificate>`.
    public static let certificate = AttributeTable(
        element: "Certificate",
        summary: "A private key with its certificates: from a key store, or from PEM files.",
        attributes: [
            AttributeDefinition(
                "type",
                .choice(["UNDEFINED", "RSA", "DSA", "EC", "MLDSA"]),
                default: "UNDEFINED",
                note: "each of several certificates needs another one; a key of another type is a warning"
            ),
            AttributeDefinition("certificateFile", .path, note: "PEM, leaf first; DH PARAMETERS in it are used unless they are weak"),
            AttributeDefinition("certificateChainFile", .path, note: "PEM, without the leaf"),
            AttributeDefinition("certificateKeyFile", .path, note: "certificateFile if left out"),
            AttributeDefinition("certificateKeyPassword", .secret, note: "the key store's password if left out"),
            AttributeDefinition("certificateKeyPasswordFile", .path, note: "its first line; wins over certificateKeyPassword"),
            AttributeDefinition("certificateKeyAlias", .text, note: "the first key entry if left out; upper and lower case differ in PKCS#11 tokens"),
            AttributeDefinition(
                "certificateKeystoreFile",
                .path,
                default: "${user.home}/.keystore",
                note: "PKCS11: NONE, a pkcs11: URI, or a SunPKCS11 configuration file; NONE if left out"
            ),
            AttributeDefinition(
                "certificateKeystorePassword",
                .secret,
                default: "changeit",
                note: "none in Tomcat 12; the PIN of a PKCS11 token, where there is no default"
            ),
            AttributeDefinition("certificateKeystorePasswordFile", .path, note: "its first line; wins over certificateKeystorePassword"),
            AttributeDefinition(
                "certificateKeystoreProvider",
                .text,
                note:
                    "PKCS11: SunPKCS11-NAME (conf/NAME.cfg or conf/pkcs11.cfg with that name) or a SunPKCS11 configuration file; no meaning otherwise"
            ),
            AttributeDefinition(
                "certificateKeystoreType",
                .choice(["JKS", "JCEKS", "PKCS12", "PKCS11"]),
                note: "found out from the contents if left out, except PKCS11"
            ),
        ] + AttributeDefinition.unused("className")
    )

    /// `<OpenSSLConfCmd>`.
    public static let openSSLConfCmd = AttributeTable(
        element: "OpenSSLConfCmd",
        summary: "One command of OpenSSL's configuration language, inside <OpenSSLConf>.",
        attributes: [
            AttributeDefinition(
                "name",
                .text,
                isRequired: true,
                note: "wins over attributes, with a warning; an error if the outcome is weaker than what an attribute says. Commands about "
                    + "certificates, trust and verification are refused"
            ),
            AttributeDefinition("value", .text, isRequired: true, note: "at most 16384 bytes; NumTickets at most 16"),
        ]
    )
}
