import ServalConfiguration
import ServalContainer
import ServalServlet
import ServalSessions
import Testing

private struct Hello: Servlet {
    func respond(to request: Request) async throws -> Response { .text("hello") }
}

private struct Passing: Filter {
    func filter(_ request: Request, next: FilterChain) async throws -> Response { try await next(request) }
}

private struct BothListener: ServletContextListener, HTTPSessionListener {}

@Suite struct WebDescriptorTests {
    private var registry: ComponentRegistry {
        var registry = ComponentRegistry()
        registry.register(servlet: "com.example.Hello") { Hello() }
        registry.register(filter: "com.example.Passing") { Passing() }
        registry.register(contextListener: "com.example.Both") { BothListener() }
        registry.register(sessionListener: "com.example.Both") { BothListener() }
        return registry
    }

    private let defaults = """
        <web-app>
          <context-param><param-name>a</param-name><param-value>server</param-value></context-param>
          <context-param><param-name>b</param-name><param-value>server</param-value></context-param>
          <servlet><servlet-name>default</servlet-name><servlet-class>org.apache.catalina.servlets.DefaultServlet</servlet-class>
            <load-on-startup>1</load-on-startup></servlet>
          <servlet><servlet-name>jsp</servlet-name><servlet-class>org.apache.jasper.servlet.JspServlet</servlet-class></servlet>
          <servlet-mapping><servlet-name>default</servlet-name><url-pattern>/</url-pattern></servlet-mapping>
          <servlet-mapping><servlet-name>jsp</servlet-name><url-pattern>*.jsp</url-pattern></servlet-mapping>
          <error-page><error-code>404</error-code><location>/server404</location></error-page>
          <error-page><error-code>500</error-code><location>/server500</location></error-page>
          <mime-mapping><extension>html</extension><mime-type>text/html</mime-type></mime-mapping>
          <mime-mapping><extension>X</extension><mime-type>server/x</mime-type></mime-mapping>
          <session-config><session-timeout>30</session-timeout><cookie-config><name>SERVER</name><http-only>true</http-only></cookie-config></session-config>
          <welcome-file-list><welcome-file>index.html</welcome-file><welcome-file>index.jsp</welcome-file></welcome-file-list>
        </web-app>
        """

    private func load(_ web: String, defaults: String? = nil, server: String = serverXML()) throws -> (
        context: ContextDefinition?, report: String, loaded: LoadedConfiguration
    ) {
        let base = try TemporaryBase(["conf/server.xml": server, "webapps/a/WEB-INF/web.xml": web, "home/.keystore": ""])
        if let defaults { try base.write("conf/web.xml", defaults) }
        let loaded = base.load(registry: self.registry)
        return (loaded.server?.services.first?.engine.hosts.first?.contexts.first, loaded.report(base), loaded)
    }

    @Test func theApplicationWinsOverTheServersDefaults() throws {
        let (context, report, _) = try self.load(
            """
            <web-app version="6.1" metadata-complete="true">
              <display-name>Shop</display-name>
              <context-param><param-name>a</param-name><param-value>own</param-value></context-param>
              <servlet><servlet-name>jsp</servlet-name><servlet-class>com.example.Hello</servlet-class>
                <init-param><param-name>p</param-name><param-value>${user.nobody:-v}</param-value></init-param></servlet>
              <servlet><servlet-name>hello</servlet-name><servlet-class>com.example.Hello</servlet-class></servlet>
              <servlet><servlet-name>off</servlet-name><servlet-class>com.example.Hello</servlet-class><enabled>false</enabled></servlet>
              <servlet-mapping><servlet-name>hello</servlet-name><url-pattern>/</url-pattern><url-pattern>/hello/*</url-pattern></servlet-mapping>
              <servlet-mapping><servlet-name>off</servlet-name><url-pattern>/off</url-pattern></servlet-mapping>
              <filter><filter-name>f</filter-name><filter-class>com.example.Passing</filter-class></filter>
              <filter-mapping><filter-name>f</filter-name><url-pattern>/*</url-pattern><servlet-name>hello</servlet-name></filter-mapping>
              <filter-mapping><filter-name>f</filter-name><servlet-name>*</servlet-name><dispatcher>REQUEST</dispatcher></filter-mapping>
              <filter-mapping><filter-name>f</filter-name><url-pattern>/e</url-pattern><dispatcher>ERROR</dispatcher></filter-mapping>
              <listener><listener-class>com.example.Both</listener-class></listener>
              <error-page><error-code>404</error-code><location>/own404</location></error-page>
              <error-page><exception-type>NotFound</exception-type><location>/lost</location></error-page>
              <mime-mapping><extension>x</extension><mime-type>own/x</mime-type></mime-mapping>
              <session-config><session-timeout>0</session-timeout>
                <cookie-config><name>OWN</name><domain>d.example</domain><path>/p</path><comment>c</comment><secure>true</secure><max-age>60</max-age>
                  <attribute><attribute-name>SameSite</attribute-name><attribute-value>lax</attribute-value></attribute>
                  <attribute><attribute-name>Priority</attribute-name><attribute-value>High</attribute-value></attribute></cookie-config>
                <tracking-mode>COOKIE</tracking-mode></session-config>
              <welcome-file-list><welcome-file>start.html</welcome-file></welcome-file-list>
            </web-app>
            """,
            defaults: self.defaults
        )
        let descriptor = try #require(context?.descriptor, "\(report)")
        #expect(descriptor.displayName == "Shop")
        #expect(descriptor.contextParameters == ["a": "own", "b": "server"])
        #expect(descriptor.servlets.map(\.name) == ["jsp", "hello", "default"])
        #expect(try descriptor.servlets[0].make() is Hello)
        #expect(descriptor.servlets[0].initParameters == ["p": "v"])
        #expect(descriptor.servlets[2].loadOnStartup == 1)
        #expect(descriptor.servletMappings.map { "\($0.name) \($0.pattern)" } == ["hello /", "hello /hello/*", "jsp *.jsp"])
        #expect(descriptor.filterMappings.map { "\($0.patterns) \($0.servletNames)" } == ["[\"/*\"] [\"hello\"]", "[\"/*\"] []"])
        #expect(descriptor.contextListeners.count == 1)
        #expect(descriptor.sessionListeners.count == 1)
        #expect(descriptor.errorPages.map(\.location) == ["/own404", "/lost", "/server500"])
        #expect(descriptor.mimeMappings == ["html": "text/html", "x": "own/x"])
        #expect(descriptor.sessionTimeout == .some(nil))
        #expect(descriptor.trackingModes == [.cookie])
        #expect(descriptor.welcomeFiles == ["start.html"])
        let cookie = try #require(descriptor.sessionCookie)
        #expect(cookie.name == "OWN")
        #expect(cookie.domain == "d.example")
        #expect(cookie.path == "/p")
        #expect(cookie.secure == .always)
        #expect(cookie.isHTTPOnly)
        #expect(cookie.maxAge == .seconds(60))
        #expect(cookie.sameSite == .lax)
        #expect(cookie.additionalAttributes == ["Priority": "High"])
        #expect(
            report
                == "webapps/a/WEB-INF/web.xml:13:3: warning: the mapping of the filter \"f\" has no effect: filters run for requests only, not for ERROR"
        )
    }

    @Test func defaultsStandWhereTheApplicationIsSilent() throws {
        let (context, report, _) = try self.load("<web-app/>", defaults: self.defaults)
        let descriptor = try #require(context?.descriptor)
        #expect(report == "")
        #expect(descriptor.welcomeFiles == ["index.html", "index.jsp"])
        #expect(descriptor.sessionTimeout == .some(.seconds(1800)))
        #expect(descriptor.sessionCookie?.name == "SERVER")
        #expect(descriptor.trackingModes == nil)
        #expect(descriptor.mimeMappings["x"] == "server/x")
    }

    @Test func unknownServletsAnswer404AndTheRestRuns() async throws {
        let (context, report, loaded) = try self.load(
            """
            <web-app>
              <servlet><servlet-name>s</servlet-name><servlet-class>com.example.Helo</servlet-class></servlet>
              <servlet><servlet-name>j</servlet-name><jsp-file>/a.jsp</jsp-file></servlet>
              <servlet-mapping><servlet-name>s</servlet-name><url-pattern>/s</url-pattern></servlet-mapping>
            </web-app>
            """
        )
        #expect(
            report == """
                webapps/a/WEB-INF/web.xml:2:42: error: the servlet class "com.example.Helo" is not registered; the servlet "s" answers 404; \
                did you mean "com.example.Hello"?
                webapps/a/WEB-INF/web.xml:3:3: error: JSP pages cannot run without a JVM; the servlet "j" answers 404
                """
        )
        #expect(loaded.hasErrors)
        #expect(context?.descriptor.servletMappings.count == 1)
    }

    @Test(arguments: [
        ("<filter><filter-name>f</filter-name><filter-class>com.example.Pasing</filter-class></filter>", "did you mean \"com.example.Passing\"?"),
        ("<listener><listener-class>com.example.Bth</listener-class></listener>", "did you mean \"com.example.Both\"?"),
        (
            "<filter-mapping><filter-name>f</filter-name><url-pattern>/</url-pattern></filter-mapping>",
            "names the filter \"f\", which is not declared"
        ),
        (
            "<servlet-mapping><servlet-name>s</servlet-name><url-pattern>/</url-pattern></servlet-mapping>",
            "names the servlet \"s\", which is not declared"
        ),
        ("<servlet><servlet-name>s</servlet-name></servlet>", "has no <servlet-class>"),
        ("<servlet><servlet-class>com.example.Hello</servlet-class></servlet>", "<servlet> needs <servlet-name>"),
        (
            "<servlet><servlet-name>s</servlet-name><servlet-class>com.example.Hello</servlet-class><load-on-startup>x</load-on-startup></servlet>",
            "<load-on-startup> has to be a number"
        ),
        (
            "<servlet><servlet-name>s</servlet-name><servlet-class>com.example.Hello</servlet-class></servlet><servlet><servlet-name>s</servlet-name><servlet-class>com.example.Hello</servlet-class></servlet>",
            "two servlets with the name"
        ),
        (
            "<servlet><servlet-name>s</servlet-name><servlet-class>com.example.Hello</servlet-class></servlet><servlet><servlet-name>t</servlet-name><servlet-class>com.example.Hello</servlet-class></servlet><servlet-mapping><servlet-name>s</servlet-name><url-pattern>/x</url-pattern></servlet-mapping><servlet-mapping><servlet-name>t</servlet-name><url-pattern>/x</url-pattern></servlet-mapping>",
            "both mapped to the url-pattern [/x]"
        ),
        (
            "<servlet><servlet-name>s</servlet-name><servlet-class>com.example.Hello</servlet-class></servlet><servlet-mapping><servlet-name>s</servlet-name><url-pattern>/a/*.x</url-pattern></servlet-mapping>",
            "is none of /exact"
        ),
        ("<session-config/><session-config/>", "<session-config> element is limited to 1 occurrence"),
        ("<session-config><session-timeout>soon</session-timeout></session-config>", "<session-timeout> has to be a number"),
        ("<session-config><tracking-mode>Cookie</tracking-mode></session-config>", "did you mean \"COOKIE\"?"),
        ("<session-config><tracking-mode>SSL</tracking-mode><tracking-mode>URL</tracking-mode></session-config>", "SSL excludes the others"),
        ("<session-config><tracking-mode>SSL</tracking-mode></session-config>", "needs a connector with SSLEnabled"),
        ("<session-config><cookie-config><secure>1</secure></cookie-config></session-config>", "<secure> has to be true or false"),
        ("<session-config><cookie-config><name>a b</name></cookie-config></session-config>", "error:"),
        ("<error-page><error-code>4o4</error-code><location>/x</location></error-page>", "<error-code> has to be a status code"),
        ("<error-page><error-code>404</error-code><location>x</location></error-page>", "has to begin with a slash"),
        ("<context-param><param-name>a</param-name></context-param>", "has no <param-value>"),
        ("<security-constraint/>", "has no <url-pattern>"),
        (
            "<security-constraint><web-resource-collection><url-pattern>/</url-pattern></web-resource-collection><user-data-constraint><transport-guarantee>CONFIDENTAL</transport-guarantee></user-data-constraint></security-constraint>",
            "did you mean \"CONFIDENTIAL\"?"
        ),
        (
            "<security-constraint><web-resource-collection><url-pattern>/</url-pattern><http-method>GET</http-method><http-method-omission>PUT</http-method-omission></web-resource-collection></security-constraint>",
            "it can have one of them"
        ),
    ])
    func errorsKeepTheApplicationFromStarting(_ content: String, _ message: String) throws {
        let (context, report, loaded) = try self.load("<web-app>\(content)</web-app>")
        #expect(context == nil)
        #expect(loaded.server != nil)
        #expect(report.contains(message), "\(report)")
        #expect(report.contains("the application at \"/a\" is not started"))
    }

    @Test(arguments: [
        ("<sesion-config/>", "did you mean \"session-config\"?"),
        ("<session-config><sessionTimeout>1</sessionTimeout></session-config>", "did you mean \"session-timeout\"?"),
        ("<env-entry/><jsp-config/>", "are ignored: env-entry, jsp-config"),
        ("<login-config><auth-method>BASIC</auth-method></login-config>", "users cannot sign in yet"),
        (
            "<filter><filter-name>f</filter-name><filter-class>org.apache.catalina.filters.SetCharacterEncodingFilter</filter-class></filter><filter-mapping><filter-name>f</filter-name><url-pattern>/*</url-pattern></filter-mapping>",
            "is not available yet and is left out"
        ),
        (
            "<session-config><session-timeout unit='s'>1</session-timeout></session-config>",
            "the attribute \"unit\" of <session-timeout> is not known"
        ),
        (
            "<session-config><session-timeout>1</session-timeout><session-timeout>2</session-timeout></session-config>",
            "<session-config> has one <session-timeout>; of several the first is obeyed"
        ),
        ("<session-config><cookie-config/><cookie-config/></session-config>", "<session-config> has one <cookie-config>"),
        (
            "<session-config><cookie-config><name>A</name><name>B</name></cookie-config></session-config>",
            "<cookie-config> has one <name>; of several the last is obeyed"
        ),
    ])
    func whatIsForgiven(_ content: String, _ message: String) throws {
        let (context, report, _) = try self.load("<web-app>\(content)</web-app>")
        #expect(context != nil)
        #expect(report.contains(message), "\(report)")
    }

    @Test func sslTrackingNeedsTLS() throws {
        let (context, report, _) = try self.load(
            "<web-app><session-config><tracking-mode>SSL</tracking-mode></session-config></web-app>",
            server: serverXML(connectors: "<Connector port='8443' SSLEnabled='true' keystoreFile='home/.keystore'/>")
        )
        #expect(context?.descriptor.trackingModes == [.ssl], "\(report)")
    }
}
