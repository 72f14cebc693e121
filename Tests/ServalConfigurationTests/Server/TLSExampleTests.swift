import ServalConfiguration
import ServalContainer
import Testing

/// The examples of Tomcat's own documents, as they stand there.
@Suite struct TLSExampleTests {
    private func describe(_ connector: String, files: [String]) throws -> (text: String, report: String) {
        let base = try TemporaryBase(["conf/server.xml": serverXML(connectors: connector), "webapps/.keep": ""])
        for file in files { try base.write(file, "not looked at") }
        let loaded = base.load()
        return (DefinitionText.describe(loaded.server, base), loaded.report(base))
    }

    private let rest = """
            engine Catalina default localhost valves 0
              host localhost in BASE/webapps valves 0
        """

    @Test func d01OldStyleWithKeyStore() throws {
        let (text, report) = try self.describe(
            """
            <Connector
                protocol="org.apache.coyote.http11.Http11NioProtocol"
                port="8443" maxThreads="200"
                scheme="https" secure="true" SSLEnabled="true"
                keystoreFile="${user.home}/.keystore" keystorePass="changeit"
                clientAuth="false" sslProtocol="TLS"/>
            """,
            files: ["home/.keystore"]
        )
        #expect(
            text == """
                server shutdown localhost:8005 SHUTDOWN
                  service Catalina
                    connector port=8443 scheme=https secure=true from conf/server.xml:3
                      tls _default_ clients none protocols TLSv1.2,TLSv1.3
                        certificate - store BASE/home/.keystore type - alias - password 'changeit' key -
                    engine Catalina default localhost valves 0
                      host localhost in BASE/webapps valves 0
                """
        )
        #expect(
            report == """
                conf/server.xml:3:1: warning: TLS attributes of <Connector> are taken as <SSLHostConfig><Certificate/></SSLHostConfig>, \
                the form since Tomcat 8.5: keystoreFile (now Certificate certificateKeystoreFile), keystorePass (now Certificate certificateKeystorePassword), \
                clientAuth (now SSLHostConfig certificateVerification), sslProtocol (now SSLHostConfig sslProtocol)
                """
        )
    }

    @Test func d13OldStyleWithPEM() throws {
        let base = try TemporaryBase(["webapps/.keep": ""])
        // The document's paths are absolute; a test may write below its own directory only.
        let connector = """
            <Connector
                protocol="org.apache.coyote.http11.Http11AprProtocol"
                port="8443" maxThreads="200"
                scheme="https" secure="true" SSLEnabled="true"
                SSLCertificateFile="\(base.path)/usr/local/ssl/server.crt"
                SSLCertificateKeyFile="\(base.path)/usr/local/ssl/server.pem"
                SSLCACertificateFile="\(base.path)/usr/local/ssl/ca.crt"
                SSLVerifyClient="optional" SSLProtocol="TLSv1+TLSv1.1+TLSv1.2"/>
            """
        for file in ["server.crt", "server.pem", "ca.crt"] { try base.write("usr/local/ssl/" + file, "") }
        try base.write("conf/server.xml", serverXML(connectors: connector))
        let loaded = base.load()
        #expect(
            DefinitionText.describe(loaded.server, base) == """
                server shutdown localhost:8005 SHUTDOWN
                  service Catalina
                    connector port=8443 scheme=https secure=true from conf/server.xml:3
                      tls _default_ clients optional(trust: ServalTLS.TrustSource.file("BASE/usr/local/ssl/ca.crt")) protocols TLSv1,TLSv1.1,TLSv1.2
                        certificate - pem BASE/usr/local/ssl/server.crt key BASE/usr/local/ssl/server.pem chain - password -
                    engine Catalina default localhost valves 0
                      host localhost in BASE/webapps valves 0
                """
        )
        #expect(loaded.report(base, .warning).contains("runs on the one transport"))
        #expect(!loaded.hasErrors)
    }

    /// Verbatim, without anybody who would be trusted: clients without a certificate are served, and no other one could be.
    @Test func d13WithoutTrustServesClientsWithoutCertificate() throws {
        let (text, report) = try self.describe(
            """
            <Connector port="8443" SSLEnabled="true" SSLCertificateFile="server.crt" SSLCertificateKeyFile="server.pem" SSLVerifyClient="optional"/>
            """,
            files: ["server.crt", "server.pem"]
        )
        #expect(text.contains("tls _default_ clients none"))
        #expect(report.contains("conf/server.xml:3:109: warning: certificateVerification \"optional\" without caCertificateFile"))
    }

    @Test func requiredWithoutTrustIsAnError() throws {
        let (text, report) = try self.describe("<Connector port='8443' SSLEnabled='true' clientAuth='true'/>", files: ["home/.keystore"])
        #expect(text == "no server")
        #expect(report.contains("conf/server.xml:3:42: error: certificateVerification \"true\" needs a caCertificateFile"))
    }

    @Test func aMissingFileOfTrustIsToldOnce() throws {
        let (text, report) = try self.describe(
            """
            <Connector port="8443" SSLEnabled="true"><SSLHostConfig certificateVerification="required" caCertificateFile="none.pem">
              <Certificate certificateFile="server.crt" certificateKeyFile="server.pem"/></SSLHostConfig></Connector>
            """,
            files: ["server.crt", "server.pem"]
        )
        #expect(text == "no server")
        #expect(report.contains("none.pem] does not exist"))
        #expect(!report.contains("needs a caCertificateFile"), "\(report)")
    }

    @Test func e01NewStyleWithKeyStore() throws {
        let (text, report) = try self.describe(
            """
            <Connector
                protocol="org.apache.coyote.http11.Http11NioProtocol"
                port="8443"
                maxThreads="150"
                SSLEnabled="true">
              <SSLHostConfig>
                <Certificate
                    certificateKeystoreFile="${user.home}/.keystore"
                    certificateKeystorePassword="changeit"
                    type="RSA"
                    />
                </SSLHostConfig>
            </Connector>
            """,
            files: ["home/.keystore"]
        )
        #expect(
            text == """
                server shutdown localhost:8005 SHUTDOWN
                  service Catalina
                    connector port=8443 maxThreads=150 scheme=https secure=true from conf/server.xml:3
                      tls _default_ clients none protocols TLSv1.2,TLSv1.3
                        certificate RSA store BASE/home/.keystore type - alias - password 'changeit' key -
                    engine Catalina default localhost valves 0
                      host localhost in BASE/webapps valves 0
                """
        )
        #expect(report == "")
    }

    @Test func e07NewStyleWithPEM() throws {
        let (text, report) = try self.describe(
            """
            <Connector protocol="org.apache.coyote.http11.Http11NioProtocol" port="8443" maxThreads="150" SSLEnabled="true" >
              <SSLHostConfig>
                <Certificate
                    certificateKeyFile="conf/localhost-rsa-key.pem"
                    certificateFile="conf/localhost-rsa-cert.pem"
                    certificateChainFile="conf/localhost-rsa-chain.pem"
                    type="RSA"
                    />
              </SSLHostConfig>
            </Connector>
            """,
            files: ["conf/localhost-rsa-key.pem", "conf/localhost-rsa-cert.pem", "conf/localhost-rsa-chain.pem"]
        )
        #expect(
            text == """
                server shutdown localhost:8005 SHUTDOWN
                  service Catalina
                    connector port=8443 maxThreads=150 scheme=https secure=true from conf/server.xml:3
                      tls _default_ clients none protocols TLSv1.2,TLSv1.3
                        certificate RSA pem BASE/conf/localhost-rsa-cert.pem key BASE/conf/localhost-rsa-key.pem chain BASE/conf/localhost-rsa-chain.pem password -
                    engine Catalina default localhost valves 0
                      host localhost in BASE/webapps valves 0
                """
        )
        #expect(report == "")
    }

    @Test func theDefaultKeyStoreIsTaken() throws {
        let (text, report) = try self.describe("<Connector port=\"8443\" SSLEnabled=\"true\"/>", files: ["home/.keystore"])
        #expect(text.contains("certificate - store BASE/home/.keystore type - alias - password 'changeit' key -"))
        #expect(report.contains("the default key store"))
    }

    @Test func severalHostsAndEverythingThatTheyCanSay() throws {
        let (text, report) = try self.describe(
            """
            <Connector port="8443" SSLEnabled="true" defaultSSLHostConfigName="WWW.example.com" sniParseLimit="4096"
                sslImplementationName="org.apache.tomcat.util.net.openssl.OpenSSLImplementation">
              <SSLHostConfig hostName="www.example.com" protocols="TLSv1.2,-TLSv1.3" ciphers="ECDHE+AESGCM" cipherSuites="TLS_AES_128_GCM_SHA256"
                  groups="x25519, secp256r1" honorCipherOrder="true" disableSessionTickets="true" sessionCacheSize="10" sessionTimeout="60"
                  certificateVerification="required" certificateVerificationDepth="3" truststoreFile="conf/trust.p12" truststorePassword="tp"
                  truststoreType="pkcs12" caCertificateFile="conf/ca.pem" certificateRevocationListFile="conf/crl.pem">
                <Certificate type="RSA" certificateKeystoreFile="conf/a.p12" certificateKeystorePasswordFile="conf/pass" certificateKeystoreType="pkcs12"
                    certificateKeyAlias="one" certificateKeyPassword="${env:KEY_PASS}"/>
                <Certificate type="EC" certificateFile="conf/ec.pem" certificateKeyPasswordFile="conf/pass"/>
                <OpenSSLConf><OpenSSLConfCmd name="MinProtocol" value="TLSv1.2"/></OpenSSLConf>
              </SSLHostConfig>
              <SSLHostConfig hostName="*.example.org"><Certificate certificateFile="conf/ec.pem"/></SSLHostConfig>
            </Connector>
            """,
            files: ["conf/trust.p12", "conf/ca.pem", "conf/crl.pem", "conf/a.p12", "conf/pass", "conf/ec.pem"]
        )
        #expect(
            text.contains(
                """
                      implementation org.apache.tomcat.util.net.openssl.OpenSSLImplementation
                      default host www.example.com
                      tls www.example.com clients required(trust: ServalTLS.TrustSource.all([ServalTLS.TrustSource.file("BASE/conf/ca.pem"), \
                ServalTLS.TrustSource.keyStore(path: "BASE/conf/trust.p12", type: Optional("PKCS12"), password: Optional(<secret>))])) protocols TLSv1.2
                        verificationDepth 3
                        revocationListFiles ["BASE/conf/crl.pem"]
                        ciphers ECDHE+AESGCM
                        cipherSuites TLS_AES_128_GCM_SHA256
                        groups ["x25519", "secp256r1"]
                        honorsCipherOrder true
                        disablesSessionTickets true
                        sessionCacheSize 10
                        sessionTimeout 60.0 seconds
                """
            ),
            "\(text)"
        )
        #expect(text.contains("certificate RSA store BASE/conf/a.p12 type PKCS12 alias one password file:BASE/conf/pass key env:KEY_PASS"))
        #expect(text.contains("certificate EC pem BASE/conf/ec.pem key - chain - password file:BASE/conf/pass"))
        #expect(text.contains("MinProtocol"))
        #expect(text.contains("tls *.example.org clients none"))
        #expect(report.contains("mixes a key store (JSSE style) with attributes of OpenSSL style: caCertificateFile, disableSessionTickets"))
        #expect(!report.contains("error:"))
    }

    @Test(arguments: [
        (
            "<Connector port='1' SSLEnabled='true'><SSLHostConfig/><SSLHostConfig/></Connector>",
            "Multiple SSLHostConfig elements were provided for the host name [_default_]"
        ),
        (
            "<Connector port='1' SSLEnabled='true' keystoreFile='k'><SSLHostConfig/></Connector>",
            "Multiple SSLHostConfig elements were provided for the host name [_default_]"
        ),
        (
            "<Connector port='1' SSLEnabled='true'><SSLHostConfig hostName='a.b'/></Connector>",
            "No SSLHostConfig element was found with the hostName [_default_]"
        ),
        (
            "<Connector port='1' SSLEnabled='true'><SSLHostConfig><Certificate certificateKeystoreFile='k'/><Certificate type='EC'/></SSLHostConfig></Connector>",
            "at least one is missing the required attribute type"
        ),
        ("<Connector port='1' SSLEnabled='true' keystoreFile='none'/>", "Configured file [BASE/none] does not exist"),
        (
            "<Connector port='1' SSLEnabled='true'><SSLHostConfig><Certificate certificateFile='k' certificateKeystoreFile='k'/></SSLHostConfig></Connector>",
            "names a key store and PEM files"
        ),
        (
            "<Connector port='1' SSLEnabled='true'><SSLHostConfig><Certificate certificateKeyFile='k'/></SSLHostConfig></Connector>",
            "certificateFile must be defined"
        ),
        ("<Connector port='1' SSLEnabled='true' clientAuth='maybe'/>", "The certificate verification value [maybe] is not recognised"),
        ("<Connector port='1' SSLEnabled='true' SSLVerifyClient='optionalCA'/>", "The certificate verification value [optionalCA] is not recognised"),
        ("<Connector port='1' SSLEnabled='true' SSLProtocol='SSLv3'/>", "None of the [protocols] specified are supported"),
        ("<Connector port='1' SSLEnabled='true' sslProtocol='TSL'/>", "the attribute \"sslProtocol\" of <SSLHostConfig> has to be one of TLS"),
        ("<Connector port='1' SSLEnabled='true' keystoreType='KEYCHAIN'/>", "the attribute \"keystoreType\" of <Certificate> has to be one of JKS"),
        ("<Connector port='1' SSLEnabled='true' keystoreType='PKCS11'/>", "a key in a PKCS#11 token needs a place"),
        (
            "<Connector port='1' SSLEnabled='true' keystoreType='PKCS11' keystoreFile='none.cfg'/>",
            "NONE, a pkcs11: URI or a SunPKCS11 configuration file"
        ),
        ("<Connector port='1' SSLEnabled='true' keystoreType='PKCS11' keystoreProvider='Other'/>", "it has to be SunPKCS11-NAME"),
        ("<Connector port='1' SSLEnabled='true' sslEnabledProtocols='TLSv1.2' SSLProtocol='TLSv1.3'/>", "set the same thing; keep one"),
        (
            "<Connector port='1' SSLEnabled='true' sslImplementationName='org.apache.Tomcat'/>",
            "the TLS implementation \"org.apache.Tomcat\" is not known"
        ),
        (
            "<Connector port='1' SSLEnabled='true' clientAuth='true' truststoreFile='k' trustManagerClassName='com.example.Trust'/>",
            "trustManagerClassName cannot be obeyed"
        ),
        (
            "<Connector port='1' SSLEnabled='true'><SSLHostConfig certificateVerification='required' truststoreFile='k' ocspEnabled='true' ocspVerify='16'/></Connector>",
            "ocspVerifyFlags [16] contains 0x10, with which anybody could vouch"
        ),
        (
            "<Connector port='1' SSLEnabled='true'><SSLHostConfig certificateVerification='required' truststoreFile='k' revocationEnabled='true'/></Connector>",
            "revocationEnabled needs a certificateRevocationListFile"
        ),
    ])
    func errors(_ connector: String, _ message: String) throws {
        let (text, report) = try self.describe(connector, files: ["k", "home/.keystore"])
        #expect(text == "no server")
        #expect(report.contains("error: " + message) || report.contains(message), "\(report)")
        #expect(!report.contains("changeit"))
    }

    @Test func secretsStayOutOfMessages() throws {
        let (_, report) = try self.describe(
            "<Connector port='x' SSLEnabled='true' keystorePass='topsecret' keyPass='othersecret' truststorePass='third' keystorePas='wrongname'/>",
            files: []
        )
        for secret in ["topsecret", "othersecret", "third", "wrongname"] { #expect(!report.contains(secret)) }
        #expect(report.contains("did you mean \"keystorePass\"?"))
    }

    @Test func withoutSSLEnabledTheConnectorIsPlain() throws {
        let (text, report) = try self.describe("<Connector port='8443' keystoreFile='none'/>", files: [])
        #expect(text.contains("connector port=8443 from"))
        #expect(report.contains("speaks plain HTTP"))
    }
}
