import ServalConfiguration
import ServalContainer
import ServalHTTP
import Testing

@Suite struct ServerFileTests {
    private func load(_ server: String) throws -> (text: String, report: String, loaded: LoadedConfiguration) {
        let base = try TemporaryBase(["conf/server.xml": server, "webapps/.keep": ""])
        let loaded = base.load(properties: ["http.port": "8081"])
        return (DefinitionText.describe(loaded.server, base), loaded.report(base), loaded)
    }

    @Test func everyAttributeOfAConnectorArrives() throws {
        let (text, report, _) = try self.load(
            serverXML(
                connectors: """
                    <Executor name="pool" maxThreads="7" namePrefix="x-"/>
                    <Connector port="${http.port}" address="127.0.0.1" executor="pool" acceptCount="1" allowTrace="true" connectionTimeout="2"
                      connectionUploadTimeout="3" continueResponseTiming="onRead" disableUploadTimeout="false" keepAliveTimeout="-1" maxConnections="-1"
                      maxExtensionSize="4" maxHeaderCount="5" maxHttpHeaderSize="600" maxHttpResponseHeaderSize="700" maxKeepAliveRequests="8"
                      maxParameterCount="9" maxPostSize="-1" maxSwallowSize="11" maxTrailerSize="12" proxyName="p.example" proxyPort="13" redirectPort="14"
                      relaxedPathChars="[]x" relaxedQueryChars="{}" scheme="https" secure="true" server="S" serverRemoveAppProvidedValues="true"
                      serval.minimumDataRate="0" socket.rxBufSize="15" socket.soKeepAlive="true" socket.soReuseAddress="false" socket.txBufSize="16"
                      strictSni="false" tcpNoDelay="false" useKeepAliveResponseHeader="false"/>
                    """
            )
        )
        #expect(
            text.contains(
                """
                connector port=8081 address=Optional("127.0.0.1") acceptCount=1 maxConnections=-1 maxThreads=7 connectionTimeout=0.002 seconds \
                keepAliveTimeout=Optional(-0.001 seconds) maxKeepAliveRequests=8 connectionUploadTimeout=0.003 seconds disableUploadTimeout=false \
                minimumDataRate=0 maxHttpRequestHeaderSize=600 maxHttpResponseHeaderSize=700 maxHeaderCount=5 maxTrailerSize=12 maxExtensionSize=4 \
                maxPostSize=-1 maxParameterCount=9 maxSwallowSize=11 continueResponseTiming=onRead allowTrace=true relaxedPathChars=[] relaxedQueryChars={} \
                strictSNI=false server=Optional("S") serverRemoveAppProvidedValues=true useKeepAliveResponseHeader=false scheme=https secure=true \
                proxyName=Optional("p.example") proxyPort=13 redirectPort=14 tcpNoDelay=false soKeepAlive=Optional(true) soReuseAddress=false \
                txBufSize=Optional(16) rxBufSize=Optional(15)
                """
            ),
            "\(text)"
        )
        #expect(report.contains("relaxedPathChars can relax only"))
        #expect(!report.contains("error:"))
    }

    @Test func allProblemsAreToldAtOnceWithTheirPlaces() throws {
        let (text, report, loaded) = try self.load(
            """
            <Server port="80051x" shutdwn="STOP">
              <Listener className="org.apache.catalina.core.AprLifecycleListner"/>
              <Servce name="x"/>
              <Service name="Catalina">
                <Connector port="70000" maxThread="5" allowTrace="yes" compression="on" useAsyncIO="false" continueResponseTiming="onReed"/>
                <Connector protocol="HTTP/2.0" port="1"/>
                <Connector protocol="AJP/1.3" port="8009"/>
                <Connector/>
                <Connector port="8080" executor="none"/>
                <Engine name="Catalina" defaultHost="locahost" jvmRoute="a.b">
                  <Valve className="org.apache.catalina.valves.AccessLogValv"/>
                  <Valve className="org.apache.catalina.valves.RemoteAddrValve" allow="127.0.0.1"/>
                  <Valve className="org.apache.catalina.valves.StuckThreadDetectionValve"/>
                  <Host name="localhost" appBase="webapps"/>
                  <Host name="LOCALHOST"><Alias></Alias></Host>
                </Engine>
              </Service>
            </Server>
            """
        )
        #expect(text == "no server")
        #expect(
            report == """
                conf/server.xml:1:9: error: the attribute "port" of <Server> has to be a number from -1 to 65535, found "80051x"
                conf/server.xml:1:23: warning: the attribute "shutdwn" of <Server> is not known and is ignored; did you mean "shutdown"?
                conf/server.xml:3:3: warning: <Servce> is not known inside <Server> and is ignored; did you mean "Service"?
                conf/server.xml:2:13: warning: the listener "org.apache.catalina.core.AprLifecycleListner" is not known and is ignored; \
                did you mean "org.apache.catalina.core.AprLifecycleListener"?
                conf/server.xml:5:16: error: the attribute "port" of <Connector> has to be a number from 0 to 65535, found "70000"
                conf/server.xml:5:29: warning: the attribute "maxThread" of <Connector> is not known and is ignored; did you mean "maxThreads"?
                conf/server.xml:5:43: error: the attribute "allowTrace" of <Connector> has to be true or false, found "yes"
                conf/server.xml:5:96: error: the attribute "continueResponseTiming" of <Connector> has to be one of immediately, onRead, always, found "onReed"; \
                did you mean "onRead"?
                conf/server.xml:5:5: info: attributes of <Connector> that have no meaning without a JVM are ignored: useAsyncIO
                conf/server.xml:5:5: warning: attributes of <Connector> that are not available yet are ignored: compression
                conf/server.xml:6:16: error: the protocol "HTTP/2.0" is not known; expected "HTTP/1.1" or "org.apache.coyote.http11.Http11NioProtocol"; \
                did you mean "HTTP/1.1"?
                conf/server.xml:7:16: warning: this connector is left out: AJP is not available; let the proxy speak HTTP or HTTPS
                conf/server.xml:8:5: error: <Connector> needs the attribute "port" (a number from 0 to 65535)
                conf/server.xml:9:28: error: there is no <Executor> with the name "none"
                conf/server.xml:10:52: error: jvmRoute has a character that cannot stand in a session id; use letters, digits, '-', '_' and '~'
                conf/server.xml:11:14: error: the valve "org.apache.catalina.valves.AccessLogValv" is not registered; \
                did you mean "org.apache.catalina.valves.AccessLogValve"?
                conf/server.xml:12:14: error: the valve "org.apache.catalina.valves.RemoteAddrValve" is not available yet, and it cannot be left out, \
                because it decides who is let in
                conf/server.xml:13:14: warning: the valve "org.apache.catalina.valves.StuckThreadDetectionValve" is not available yet and is left out
                conf/server.xml:15:30: error: <Alias> has to contain a host name
                conf/server.xml:10:5: error: two hosts of the engine have the name "localhost"
                conf/server.xml:10:29: error: there is no host "locahost" for the requests that name no other host; \
                did you mean "localhost"?
                """
        )
        #expect(loaded.hasErrors)
    }

    @Test func theServerItself() throws {
        let (text, report, _) = try self.load(
            """
            <Server port="8005" address="127.0.0.1" shutdown="DOWN" portOffset="100">
              <Service name="A"><Connector port="8080"/><Connector port="0"/><Engine name="E" defaultHost="h" jvmRoute="n1" backgroundProcessorDelay="2">
                <Host name="H" appBase="/apps/../apps"><Alias>www.H</Alias><Alias>*.h</Alias>
                  <Valve className="org.apache.catalina.valves.ErrorReportValve" showReport="true"/></Host></Engine></Service>
              <Service name="B"><Engine name="E2" defaultHost="h"><Host name="h"/></Engine></Service>
            </Server>
            """
        )
        #expect(
            text == """
                server shutdown 127.0.0.1:8105 DOWN
                  service A
                    connector port=8180 from conf/server.xml:2
                    connector from conf/server.xml:2
                    engine E default h route n1 valves 0
                      host h,www.h,*.h in /apps valves 0
                  service B
                    engine E2 default h valves 0
                      host h in BASE/webapps valves 0
                """
        )
        #expect(report == "conf/server.xml: warning: the folder of applications [/apps] cannot be read: No such file or directory")
    }

    @Test(arguments: [
        ("<Server/>", "<Server> has no <Service>"),
        ("<Server><Service/></Server>", "<Service> has no <Engine>"),
        ("<Server><Service><Engine name='a' defaultHost='b'/></Service></Server>", "<Engine> has no <Host>"),
        ("<Sever/>", "expected <Server> as the outermost element, found <Sever>"),
        ("<Server port='8005' shutdown=''/>", "must not be empty while the shutdown port is open"),
        ("<Server><Listener/></Server>", "<Listener> needs the attribute \"className\""),
        (
            "<Server><Listener className='org.apache.catalina.core.AprLifecycleListener' FIPSMode='maybe'/></Server>",
            "\"FIPSMode\" of <Listener> has to be one of off, on, require, enter, found \"maybe\""
        ),
        (
            "<Server><Listener className='org.apache.catalina.security.TLSCertificateReloadListener' checkPeriod='0'/></Server>",
            "\"checkPeriod\" of <Listener> has to be a number of seconds, at least 1"
        ),
        ("<Server", "not well-formed: the file ends inside the tag <Server"),
        ("<!DOCTYPE Server [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><Server/>", "declarations of entities are not supported"),
        (
            "<Server><Service name='a'><Connector port='1'/><Connector port='1'/><Engine name='a' defaultHost='b'><Host name='b'/></Engine></Service></Server>",
            "two connectors listen on port 1"
        ),
        (
            "<Server><Service name='a'><Connector port='60000'/><Engine name='a' defaultHost='b'><Host name='b' deployIgnore='('/></Engine></Service></Server>",
            "deployIgnore is not a regular expression"
        ),
        ("<Server portOffset='60000'><Service name='a'><Connector port='8080'/></Service></Server>", "port and portOffset together"),
        (
            "<Server><Service name='a'><Connector port='1'><UpgradeProtocol className='x'/></Connector></Service></Server>",
            "the upgrade protocol \"x\" is not known"
        ),
    ])
    func errors(_ server: String, _ message: String) throws {
        let (text, report, _) = try self.load(server)
        #expect(text == "no server")
        #expect(report.contains(message), "\(report)")
    }

    @Test func aMissingFileIsAnError() throws {
        let base = try TemporaryBase()
        let loaded = base.load()
        #expect(loaded.server == nil)
        #expect(loaded.report(base) == "conf/server.xml: error: the file cannot be read: No such file or directory")
    }

    @Test func unknownPropertiesAreOneWarning() throws {
        let (_, report, _) = try self.load(
            serverXML(
                connectors: "<Connector port=\"${http.prt:-8080}\" server=\"${http.prt}\" proxyName=\"${http.prt}\" address=\"${catalina.bse}\"/>"
            )
        )
        #expect(
            report == """
                conf/server.xml:3:37: warning: the property "${http.prt}" is not known and stays as it is; did you mean "http.port"?
                conf/server.xml:3:82: warning: the property "${catalina.bse}" is not known and stays as it is; did you mean "catalina.base"?
                """
        )
    }

    @Test func http2AndOtherListenersAreSpokenOf() throws {
        let (_, report, loaded) = try self.load(
            """
            <Server port="-1">
              <Listener className="org.apache.catalina.core.AprLifecycleListener" SSLEngine="someengine" SSLRandomSeed="/dev/urandom" useAprConnector="true"/>
              <Service name="Catalina">
                <Connector port="8080" protocol="org.apache.coyote.http11.Http11Protocol">
                  <UpgradeProtocol className="org.apache.coyote.http2.Http2Protocol" readTimeout="1" compression="on"/>
                </Connector>
                <Engine name="Catalina" defaultHost="localhost"><Cluster className="x"/><Realm className="y"/><Host name="localhost"/></Engine>
              </Service>
            </Server>
            """
        )
        #expect(loaded.server != nil)
        #expect(
            report == """
                conf/server.xml:2:71: warning: the OpenSSL engine "someengine" is not used; OpenSSL's own configuration decides on engines and providers
                conf/server.xml:2:123: warning: useAprConnector is ignored: there is one transport for all connectors
                conf/server.xml:4:28: warning: the protocol "org.apache.coyote.http11.Http11Protocol" runs on the one transport that all connectors have; \
                "HTTP/1.1" says the same
                conf/server.xml:5:7: warning: attributes of <UpgradeProtocol> that are not available yet are ignored: compression
                conf/server.xml:7:53: warning: <Cluster> is accepted and ignored: sessions are not copied between servers
                conf/server.xml:7:77: info: <Realm> is accepted and ignored: users cannot sign in yet; what web.xml restricts to roles answers 403
                """
        )
    }

    /// A file cut off anywhere gives an error with a line, and no server.
    @Test func cutOffServerFiles() throws {
        let text = Array(serverXML(connectors: "<Connector port=\"8080\"/>").utf8)
        let base = try TemporaryBase()
        for count in stride(from: 0, to: text.count, by: 7) {
            try base.write("conf/server.xml", String(decoding: text[..<count], as: UTF8.self))
            let loaded = base.load()
            #expect(loaded.server == nil)
            #expect(loaded.diagnostics.contains { $0.severity == .error && $0.line > 0 })
        }
    }
}
