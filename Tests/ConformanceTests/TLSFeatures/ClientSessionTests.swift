import TestPrograms
import Testing

/// Sessions of clients that sign in with their certificates.
@Suite struct ClientSessionTests {
    private static let certificates = """
        set -e
        key() { openssl req "$@" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes; }
        key -x509 -subj /CN=authority -days 30 -keyout ca.key -out ca.pem
        key -x509 -subj /CN=localhost -days 30 -keyout server.key -out server.pem
        for name in joe ann; do
          key -new -subj /CN=$name -keyout $name.key -out $name.csr
          openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -out $name.pem
        done
        """

    private static let application = """
        <web-app>
        <servlet><servlet-name>session</servlet-name><servlet-class>serval.examples.SessionServlet</servlet-class></servlet>
        <servlet><servlet-name>lookup</servlet-name><servlet-class>serval.examples.LookupServlet</servlet-class></servlet>
        <servlet-mapping><servlet-name>session</servlet-name><url-pattern>/session</url-pattern></servlet-mapping>
        <servlet-mapping><servlet-name>lookup</servlet-name><url-pattern>/lookup</url-pattern></servlet-mapping>
        <security-constraint><web-resource-collection><web-resource-name>all</web-resource-name><url-pattern>/*</url-pattern>
        </web-resource-collection><auth-constraint><role-name>**</role-name></auth-constraint></security-constraint>
        <login-config><auth-method>CLIENT-CERT</auth-method></login-config></web-app>
        """

    @Test(
        "A certificate with the session of somebody else gets a session of its own; a session keeps the id that it began with",
        arguments: ["required", "none"]
    )
    func somebodyElse(verification: String) async throws {
        let folder = try TemporaryFolder()
        let made = try await Command.run("sh", ["-c", Self.certificates], directory: folder.path)
        #expect(made.exitCode == 0, "\(made.errors)")
        let xml = """
            <Server port="-1"><Service name="Catalina">
              <Connector port="0" address="127.0.0.1" SSLEnabled="true">
                <SSLHostConfig certificateVerification="\(verification)" caCertificateFile="\(folder.path)/ca.pem">
                  <Certificate certificateFile="\(folder.path)/server.pem" certificateKeyFile="\(folder.path)/server.key"/>
                </SSLHostConfig>
              </Connector>
              <Engine name="Catalina" defaultHost="localhost"><Host name="localhost" appBase="webapps">
                <Valve className="org.apache.catalina.authenticator.SingleSignOn"/>
              </Host></Engine>
            </Service></Server>
            """
        let server = try await ServalProcess.start(serverXML: xml) { try $0.write(Self.application, to: "webapps/guarded/WEB-INF/web.xml") }
        func ask(_ name: String, _ path: String, _ old: String? = nil) async throws -> (text: String, id: String?, hasSignOn: Bool) {
            let file = "\(folder.path)/\(name)"
            let certificate = ["-i", "-k", "--http1.1", "--tlsv1.3", "--cert", "\(file).pem", "--key", "\(file).key"]
            let answer = try await server.curl("/guarded/\(path)", certificate + (old.map { ["-H", "Cookie: JSESSIONID=\($0)"] } ?? [])).output
            let text = answer.split(separator: "\r\n\r\n", maxSplits: 1).last.map(String.init) ?? answer
            let id = answer.firstMatch(of: /Set-Cookie: JSESSIONID=([0-9A-F]{32})/).map { String($0.output.1) }
            return (text, id, answer.contains("JSESSIONIDSSO="))
        }
        let first = try await ask("joe", "session")
        let joe = try #require(first.id, "\(first.text)\(server.errors)")
        #expect(first.text == "1" && first.hasSignOn)
        let second = try await ask("joe", "session", joe)
        #expect(second.text == "2" && second.id == nil)
        let look = try await ask("ann", "lookup", joe)
        #expect(look.text == "none")
        let own = try await ask("ann", "session", joe)
        let ann = try #require(own.id)
        #expect(own.text == "1" && ann != joe)
        #expect(try await ask("ann", "session", ann).text == "2")
        #expect(try await ask("joe", "session", joe).text == "3")
    }
}
