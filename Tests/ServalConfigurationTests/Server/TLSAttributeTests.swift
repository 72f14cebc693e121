import ServalConfiguration
import ServalContainer
import ServalTLS
import Testing

/// Attributes of TLS in both styles.
@Suite struct TLSAttributeTests {
    private static let files = [
        "k", "store.p12", "trust.p12", "ca.pem", "crl.pem", "cert.pem", "key.pem", "chain.pem", "pass", "hashed/ca.pem", "home/.keystore",
    ]

    private func load(_ connector: String) throws -> (text: String, report: String, tls: TLSEndpointConfiguration?) {
        let base = try TemporaryBase(["conf/server.xml": serverXML(connectors: connector), "webapps/.keep": ""])
        for file in Self.files { try base.write(file, "not looked at") }
        let loaded = base.load()
        return (DefinitionText.describe(loaded.server, base), loaded.report(base), loaded.server?.services.first?.connectors.first?.tls)
    }

    /// Old attributes of `<Connector>`, and what they are on `<SSLHostConfig>` and `<Certificate>`.
    @Test(arguments: [
        ("algorithm='SunX509'", "keyManagerAlgorithm='SunX509'", ""), ("ciphers='HIGH'", "ciphers='HIGH'", ""),
        ("SSLCipherSuite='ECDHE+AESGCM'", "ciphers='ECDHE+AESGCM'", ""),
        ("clientAuth='want' truststoreFile='trust.p12'", "certificateVerification='optional' truststoreFile='trust.p12'", ""),
        (
            "clientAuth='true' truststoreFile='k' truststorePass='p'", "certificateVerification='required' truststoreFile='k' truststorePassword='p'",
            ""
        ),
        ("SSLVerifyClient='require' SSLCACertificateFile='ca.pem'", "certificateVerification='required' caCertificateFile='ca.pem'", ""),
        ("SSLVerifyClient='optional' SSLCACertificatePath='hashed'", "certificateVerification='optional' caCertificatePath='hashed'", ""),
        ("crlFile='crl.pem'", "certificateRevocationListFile='crl.pem'", ""),
        ("SSLCARevocationFile='crl.pem'", "certificateRevocationListFile='crl.pem'", ""),
        ("SSLCARevocationPath='hashed'", "certificateRevocationListPath='hashed'", ""),
        ("keyAlias='one' keystoreFile='store.p12'", "", "certificateKeyAlias='one' certificateKeystoreFile='store.p12'"),
        ("keyPass='a' keystorePass='b'", "", "certificateKeyPassword='a' certificateKeystorePassword='b'"),
        ("keyPassFile='pass'", "", "certificateKeyPasswordFile='pass'"), ("keystorePassFile='pass'", "", "certificateKeystorePasswordFile='pass'"),
        ("keystoreFile='store.p12' keystoreType='PKCS12'", "", "certificateKeystoreFile='store.p12' certificateKeystoreType='PKCS12'"),
        (
            "SSLCertificateFile='cert.pem' SSLCertificateKeyFile='key.pem' SSLCertificateChainFile='chain.pem' SSLPassword='x'", "",
            "certificateFile='cert.pem' certificateKeyFile='key.pem' certificateChainFile='chain.pem' certificateKeyPassword='x'"
        ),
        ("SSLCertificateFile='cert.pem' SSLPasswordFile='pass'", "", "certificateFile='cert.pem' certificateKeyPasswordFile='pass'"),
        ("sessionCacheSize='7' sessionTimeout='60'", "sessionCacheSize='7' sessionTimeout='60'", ""),
        ("sslEnabledProtocols='TLSv1.2'", "protocols='TLSv1.2'", ""), ("SSLProtocol='TLSv1.2+TLSv1.3'", "protocols='TLSv1.2+TLSv1.3'", ""),
        ("sslProtocol='TLSv1.2'", "sslProtocol='TLSv1.2'", ""), ("trustMaxCertLength='5'", "certificateVerificationDepth='5'", ""),
        ("SSLVerifyDepth='-1'", "certificateVerificationDepth='-1'", ""), ("useServerCipherSuitesOrder='true'", "honorCipherOrder='true'", ""),
        ("SSLHonorCipherOrder='true'", "honorCipherOrder='true'", ""), ("SSLDisableSessionTickets='true'", "disableSessionTickets='true'", ""),
        ("SSLDisableCompression='true'", "disableCompression='true'", ""), ("SSLInsecureRenegotiation='false'", "insecureRenegotiation='false'", ""),
        ("allowUnsafeLegacyRenegotiation='false'", "insecureRenegotiation='false'", ""),
    ])
    func olderNamesMeanTheSame(old: String, host: String, certificate: String) throws {
        let former = try self.load("<Connector port='8443' SSLEnabled='true' \(old)/>")
        let present = try self.load(
            "<Connector port='8443' SSLEnabled='true'><SSLHostConfig \(host)><Certificate \(certificate)/></SSLHostConfig></Connector>"
        )
        #expect(former.text == present.text)
        #expect(former.text != "no server", "\(former.report)")
        #expect(former.report.contains("warning: TLS attributes of <Connector> are taken as"))
        #expect(!former.report.contains("error:") && !present.report.contains("error:"))
    }

    @Test(arguments: [
        ("insecureRenegotiation='true'", "insecure renegotiation is never allowed"), ("disableCompression='false'", "TLS compression is never used"),
        ("protocols='TLSv1.2 TLSv1.3'", "Check if a +/- prefix is missing"), ("protocols='SSLv3,TLSv1.2'", "[SSLv3]"),
        ("ciphrs='HIGH'", "did you mean \"ciphers\"?"), ("Ciphers='HIGH'", "did you mean \"ciphers\"?"),
        ("ocspStapling='true'", "did you mean \"serval.ocspStapling\"?"),
        ("sessionTicketKeyFile='a'", "did you mean \"serval.sessionTicketKeyFile\"?"),
        ("sessionTicketkeyRotaton='1'", "did you mean \"serval.sessionTicketKeyRotation\"?"),
        ("serval.ocspStaplin='true'", "did you mean \"serval.ocspStapling\"?"),
        ("truststorePasswordFile='a'", "did you mean \"serval.truststorePasswordFile\"?"),
    ])
    func whatIsNotObeyedIsAWarning(attribute: String, words: String) throws {
        let (_, report, tls) = try self.load("<Connector port='8443' SSLEnabled='true'><SSLHostConfig \(attribute)/></Connector>")
        #expect(tls != nil, "\(report)")
        #expect(report.contains("conf/server.xml:3:") && report.contains("warning: ") && report.contains(words), "\(report)")
    }

    @Test(arguments: [
        ("protocols='none'", "None of the [protocols] specified are supported by the SSL engine : [none]"),
        ("certificateVerification='sometimes'", "The certificate verification value [sometimes] is not recognised"),
        ("certificateVerificationDepth='-2'", "\"certificateVerificationDepth\" of <SSLHostConfig> has to be a number from -1 to 100"),
        ("sessionCacheSize='-2'", "\"sessionCacheSize\""), ("sessionTimeout='long'", "\"sessionTimeout\""),
        ("honorCipherOrder='maybe'", "true or false"),
        ("sslProtocol='SSLv4'", "\"sslProtocol\""), ("hostName='a b'", "neither a DNS name"),
        ("certificateRevocationListFile='none.pem'", "Configured file [BASE/none.pem] does not exist"),
    ])
    func whatIsWrongIsAnError(attribute: String, words: String) throws {
        let (text, report, _) = try self.load("<Connector port='8443' SSLEnabled='true'><SSLHostConfig \(attribute)/></Connector>")
        #expect(text == "no server")
        #expect(report.contains("error: ") && report.contains(words), "\(report)")
    }

    @Test func stylesThatAreMixedAreNamed() throws {
        func report(_ host: String, _ certificate: String) throws -> String {
            try self.load(
                "<Connector port='8443' SSLEnabled='true'><SSLHostConfig hostName='_default_' \(host)><Certificate \(certificate)/></SSLHostConfig></Connector>"
            ).report
        }
        let keyStore = try report("disableSessionTickets='true' caCertificateFile='ca.pem'", "certificateKeystoreFile='k'")
        #expect(
            keyStore.contains("<SSLHostConfig> for [_default_] mixes a key store (JSSE style) with attributes of OpenSSL style: caCertificateFile")
        )
        let pem = try report("sslProtocol='TLS' keyManagerAlgorithm='x'", "certificateFile='cert.pem'")
        #expect(pem.contains("mixes PEM files (OpenSSL style) with attributes of JSSE style: keyManagerAlgorithm, sslProtocol"))
        let trust = try report("truststoreFile='k' caCertificateFile='ca.pem'", "certificateFile='cert.pem'")
        #expect(trust.contains("mixes a truststoreFile (JSSE style) with attributes of OpenSSL style: caCertificateFile"))
        #expect(try report("honorCipherOrder='true'", "certificateFile='cert.pem'") == "")
        #expect(try report("truststoreFile='k'", "certificateKeystoreFile='k'") == "")
    }

    @Test func timesAndPlacesGoAlong() throws {
        let (_, _, tls) = try self.load(
            """
            <Connector port='8443' SSLEnabled='true' connectionTimeout='5000'>
              <SSLHostConfig
                 ciphers='HIGH'>
                <Certificate
                   certificateFile='cert.pem'/>
                <OpenSSLConf>
                  <OpenSSLConfCmd name='Options' value='ServerPreference'/>
                </OpenSSLConf>
              </SSLHostConfig>
            </Connector>
            """
        )
        let endpoint = try #require(tls)
        #expect(endpoint.handshakeTimeout == .seconds(5))
        let host = try #require(endpoint.hosts.first)
        #expect(host.origin?.place(of: "ciphers") == "conf/server.xml:5")
        #expect(host.origin?.place(of: "groups") == "conf/server.xml:4")
        #expect(host.certificates.first?.origin?.place(of: "certificateFile") == "conf/server.xml:7")
        #expect(host.openSSLCommands.first?.origin?.description == "conf/server.xml:9")
        let unlimited = try self.load("<Connector port='8443' SSLEnabled='true' connectionTimeout='-1'/>")
        #expect(unlimited.tls?.handshakeTimeout == .seconds(60), "a handshake always has a limit")
    }

    @Test(arguments: [
        nil, "org.apache.tomcat.util.net.jsse.JSSEImplementation", "org.apache.tomcat.util.net.openssl.OpenSSLImplementation",
        "org.apache.tomcat.util.net.openssl.panama.OpenSSLImplementation", "serval.tls.OpenSSL",
    ])
    func implementations(name: String?) throws {
        let attribute = name.map { "sslImplementationName='\($0)'" } ?? ""
        let (text, report, tls) = try self.load("<Connector port='8443' SSLEnabled='true' keystoreFile='k' \(attribute)/>")
        #expect(tls != nil && !report.contains("error"), "\(report)")
        #expect(text.contains("implementation ") == (name != nil))
    }
}
