import Foundation
import TestPrograms
import Testing

/// Who a client is, where its certificate is one that swift-certificates does not know, or one with a name of another age.
@Suite struct ClientNameTests {
    private static let kinds = """
        set -e
        openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=authority -sigopt rsa_padding_mode:pss -sha256 -days 30 -keyout ca.key -out ca.pem
        printf '[req]\\ndistinguished_name=d\\nstring_mask=MASK:0x800\\nutf8=yes\\nprompt=no\\n[d]\\nO=A\\nCN=Jürgen\\n' > bmp.cnf
        openssl req -new -utf8 -newkey rsa:2048 -nodes -config bmp.cnf -keyout client.key -out client.csr
        openssl x509 -req -in client.csr -CA ca.pem -CAkey ca.key -set_serial 5 -sigopt rsa_padding_mode:pss -days 30 -out client.pem
        openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -days 30 -keyout server.key -out server.pem
        """

    @Test("A client of an authority that signs with RSASSA-PSS signs in by its name, as keytool writes it", arguments: ["required", "none"])
    func name(_ verification: String) async throws {
        let folder = try TemporaryFolder()
        let made = try await Command.run("sh", ["-c", Self.kinds], directory: folder.path)
        #expect(made.exitCode == 0, "\(made.errors)")
        let xml = """
            <Server port="-1">
              <Service name="Catalina">
                <Connector port="0" address="127.0.0.1" SSLEnabled="true">
                  <SSLHostConfig certificateVerification="\(verification)" caCertificateFile="\(folder.path)/ca.pem">
                    <Certificate certificateFile="\(folder.path)/server.pem" certificateKeyFile="\(folder.path)/server.key"/>
                  </SSLHostConfig>
                </Connector>
                <Engine name="Catalina" defaultHost="localhost"><Host name="localhost" appBase="webapps"/></Engine>
              </Service>
            </Server>
            """
        let server = try await ServalProcess.start(serverXML: xml) { base in
            try base.write(
                """
                <?xml version="1.0"?><web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="6.1">
                <servlet><servlet-name>tls</servlet-name><servlet-class>serval.examples.TLSServlet</servlet-class></servlet>
                <servlet-mapping><servlet-name>tls</servlet-name><url-pattern>/tls</url-pattern></servlet-mapping>
                <security-constraint><web-resource-collection><web-resource-name>all</web-resource-name><url-pattern>/*</url-pattern>
                </web-resource-collection><auth-constraint><role-name>**</role-name></auth-constraint></security-constraint>
                <login-config><auth-method>CLIENT-CERT</auth-method></login-config></web-app>
                """,
                to: "webapps/guarded/WEB-INF/web.xml"
            )
        }
        let arguments = ["-k", "--http1.1", "--tlsv1.3", "--cert", "\(folder.path)/client.pem", "--key", "\(folder.path)/client.key"]
        let answer = try await server.curl("/guarded/tls", arguments)
        let listing = try await Command.run(Command.keytool, ["-printcert", "-file", "\(folder.path)/client.pem"])
        #expect(listing.output.contains("Owner: CN=Jürgen, O=A"), "\(listing.output)\(listing.errors)")
        #expect(answer.output.contains(#""clientSubject":"CN=Jürgen, O=A""#), "\(answer.output)\(answer.errors)\(server.errors)")
    }
}
