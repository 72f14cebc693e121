import Foundation
import ServalConfiguration
import Testing

/// Mistakes in `<SSLHostConfig>` that a look at the file and its directory shows, at the line where they stand.
@Suite struct TLSMistakeTests {
    private func report(host: String = "", certificate: String = "certificateFile='cert.pem'", connector: String = "") throws -> String {
        let base = try TemporaryBase([
            "conf/server.xml": serverXML(
                connectors:
                    "<Connector port='8443' SSLEnabled='true' \(connector)>\n<SSLHostConfig\n\(host)>\n\(certificate.isEmpty ? "" : "<Certificate \(certificate)/>")\n"
                    + "</SSLHostConfig></Connector>"
            ),
            "webapps/.keep": "", "cert.pem": "not looked at", "home/.keystore": "not looked at",
        ])
        try base.makeDirectory("folder")
        mkfifo(base.path + "/pipe", 0o600)
        symlink("loop", base.path + "/loop")
        return base.load().report(base)
    }

    @Test(arguments: [
        ("folder", "is a directory, and a file is expected"), ("pipe", "is no regular file, but a pipe, a socket or a device"),
        ("loop", "is a link that leads to no file"), ("nothing", "does not exist"),
    ])
    func filesOfOtherKinds(name: String, words: String) throws {
        for attribute in ["certificateFile", "certificateKeystoreFile"] {
            #expect(try self.report(certificate: "\(attribute)='\(name)'").contains("Configured file [BASE/\(name)] \(words)"))
        }
        for attribute in ["caCertificateFile", "truststoreFile", "certificateRevocationListFile", "serval.sessionTicketKeyFile"] {
            let report = try self.report(host: "certificateVerification='required' \(attribute)='\(name)'")
            #expect(report.contains("error: Configured file [BASE/\(name)] \(words)"), "\(report)")
        }
    }

    @Test func aFileIsNoDirectory() throws {
        let report = try self.report(host: "certificateVerification='required' caCertificatePath='cert.pem'")
        #expect(report.contains("error: the directory [BASE/cert.pem] is none"), "\(report)")
    }

    @Test(arguments: ["certificateVerification", "protocols", "ciphers", "cipherSuites", "groups", "hostName"])
    func emptyAttributes(name: String) throws {
        for value in ["", "  "] {
            let report = try self.report(host: "\(name)='\(value)'")
            #expect(report.contains("conf/server.xml:5:1: error: the attribute \"\(name)\" is empty; give it a value"), "\(report)")
        }
    }

    @Test func emptyAttributesOfTheConnector() throws {
        #expect(try self.report(connector: "defaultSSLHostConfigName=''").contains("error: the attribute \"defaultSSLHostConfigName\" is empty"))
        #expect(try self.report(connector: "strictSni=''").contains("error: the attribute \"strictSni\" of <Connector> has to be true or false"))
    }

    @Test func theDefaultKeyStoreIsTold() throws {
        for certificate in ["", "type='RSA'"] {
            let report = try self.report(certificate: certificate)
            #expect(report.contains("warning: no certificate is configured; the default key store [BASE/home/.keystore] is used"), "\(report)")
        }
        #expect(try !self.report().contains("default key store"))
    }

    @Test(arguments: [
        ("hostName='a.*.com'", "The host name [a.*.com] of an SSLHostConfig is neither"),
        ("ciphers='\(String(repeating: "AES:", count: 1001))'", "ciphers has 1001 items; at most 1000 are possible"),
        ("protocols='\(String(repeating: "TLSv1.3+", count: 1000))TLSv1.2'", "protocols has 8007 bytes"),
    ])
    func theLineIsThatOfTheAttribute(attribute: String, words: String) throws {
        let report = try self.report(host: "honorCipherOrder='true'\n\(attribute)")
        #expect(report.split(separator: "\n").contains { $0.hasPrefix("conf/server.xml:6:") && $0.contains(words) }, "\(report.prefix(2000))")
    }
}
