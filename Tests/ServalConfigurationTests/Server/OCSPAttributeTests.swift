import ServalConfiguration
import ServalContainer
import ServalTLS
import Testing

/// The attributes about OCSP of `<SSLHostConfig>`, and Tomcat's other way to write them.
@Suite struct OCSPAttributeTests {
    private func host(_ attributes: String, inside: String = "", certificate: String) throws -> (TLSHostConfiguration?, String) {
        let base = try TemporaryBase([
            "conf/server.xml": serverXML(
                connectors: """
                    <Connector port="8443" SSLEnabled="true">
                      <SSLHostConfig \(attributes)>\(certificate)\(inside)</SSLHostConfig>
                    </Connector>
                    """
            ), "webapps/.keep": "",
        ])
        for file in ["k", "ca.pem", "s.crt", "s.key"] { try base.write(file, "not looked at") }
        let loaded = base.load()
        let tls = loaded.server?.services.first?.connectors.first?.tls
        #expect(tls == nil || tls?.stapleDirectory == base.path + "/work/ocsp")
        return (tls?.hosts.first, loaded.report(base))
    }

    static let styles = [
        "<Certificate certificateFile='s.crt' certificateKeyFile='s.key'/>",
        "<Certificate certificateKeystoreFile='k' certificateKeystorePassword='changeit'/>",
    ]

    @Test("G04 G22: in either style ocspEnabled means the same, and require is required", arguments: styles)
    func eitherStyle(certificate: String) throws {
        let trust = certificate.contains("Keystore") ? "truststoreFile='k'" : "caCertificateFile='ca.pem'"
        for word in ["require", "required", "true", "yes"] {
            let (host, report) = try self.host("\(trust) certificateVerification='\(word)' ocspEnabled='true'", certificate: certificate)
            #expect(host?.revocation == .softFail(OCSPSettings(timeout: .milliseconds(15000), verifyFlags: 0)), "\(report)")
            guard case .required? = host?.clientAuthentication else {
                Issue.record("\(word): \(report)")
                continue
            }
        }
    }

    @Test func theDefaultIsOff() throws {
        let (host, _) = try self.host("caCertificateFile='ca.pem' certificateVerification='required'", certificate: Self.styles[0])
        #expect(host?.revocation == .off && host?.staplesOCSP == true)
        let (other, _) = try self.host("serval.ocspStapling='false'", certificate: Self.styles[0])
        #expect(other?.staplesOCSP == false)
    }

    @Test("Tomcat's documents and its program name the flags differently", arguments: ["ocspVerify", "ocspVerifyFlags"])
    func allAttributes(name: String) throws {
        let (host, report) = try self.host(
            "caCertificateFile='ca.pem' certificateVerification='required' ocspEnabled='true' ocspSoftFail='false' ocspTimeout='2000' \(name)='512'",
            certificate: Self.styles[0]
        )
        #expect(host?.revocation == .hardFail(OCSPSettings(timeout: .seconds(2), verifyFlags: 512)), "\(report)")
    }

    @Test func commands() throws {
        let commands = """
            <OpenSSLConf><OpenSSLConfCmd name="NO_OCSP_CHECK" value="false"/><OpenSSLConfCmd name="OCSP_SOFT_FAIL" value="false"/>\
            <OpenSSLConfCmd name="OCSP_TIMEOUT" value="100"/></OpenSSLConf>
            """
        let (host, report) = try self.host(
            "caCertificateFile='ca.pem' certificateVerification='required'",
            inside: commands,
            certificate: Self.styles[0]
        )
        #expect(try host?.resolvedRevocation() == .hardFail(OCSPSettings(timeout: .milliseconds(100))), "\(report)")
        let (wrong, words) = try self.host(
            "caCertificateFile='ca.pem' certificateVerification='required'",
            inside: "<OpenSSLConf><OpenSSLConfCmd name='NO_OCSP_CHECK' value='perhaps'/></OpenSSLConf>",
            certificate: Self.styles[0]
        )
        #expect(wrong == nil && words.contains("NO_OCSP_CHECK] has the value [perhaps]; expected true or false"), "\(words)")
    }
}
