import Foundation
import Logging
import ServalConfiguration
import ServalContainer
import ServalHTTP
import ServalServlet
import ServalSessions
import Testing

/// Configuration directories as Tomcat ships them have to start unchanged.
@Suite struct StockConfigurationTests {
    private static let debian = ["/usr/share/tomcat10/etc", "/etc/tomcat10"].filter {
        FileManager.default.isReadableFile(atPath: $0 + "/server.xml") && FileManager.default.isReadableFile(atPath: $0 + "/web.xml")
    }

    /// The files of Debian's package, where it is installed.
    @Test func debiansTomcat10StartsUnchanged() throws {
        for directory in Self.debian {
            let base = try TemporaryBase(["webapps/ROOT/index.html": "hello"])
            for file in ["server.xml", "web.xml", "context.xml", "logging.properties", "catalina.properties", "tomcat-users.xml"] {
                try base.write("conf/" + file, try String(contentsOfFile: "\(directory)/\(file)", encoding: .utf8))
            }
            try base.makeDirectory("conf/Catalina")
            let loaded = base.load()
            #expect(!loaded.hasErrors, "\(loaded.report(base))")
            #expect(loaded.report(base, .warning) == "")
            let host = try #require(loaded.server?.services.first?.engine.hosts.first)
            #expect(host.valves.count == 1)
            let context = try #require(host.contexts.first)
            #expect(context.path == "")
            #expect(context.descriptor.servlets.map(\.name) == ["default", "jsp"])
            #expect(context.descriptor.servletMappings.map(\.pattern) == ["/", "*.jsp", "*.jspx"])
            #expect(context.descriptor.sessionTimeout == .some(.seconds(1800)))
            #expect(context.descriptor.welcomeFiles == ["index.html", "index.htm", "index.jsp"])
            #expect(context.descriptor.mimeMappings["html"] == "text/html")
            #expect(context.descriptor.mimeMappings.count > 500)
            #expect(loaded.server?.services.first?.connectors.map(\.configuration.port) == [8080])
            #expect(loaded.server?.services.first?.connectors.first?.configuration.redirectPort == 8443)
        }
    }

    @Test(arguments: StockFiles.all)
    func shapesOfOtherVersionsStart(_ files: StockFiles) throws {
        let base = try TemporaryBase(files.files)
        try base.write("webapps/ROOT/index.html", "hello")
        let loaded = base.load()
        #expect(!loaded.hasErrors, "\(loaded.report(base))")
        #expect(loaded.report(base, .warning) == files.warnings)
        let server = try #require(loaded.server)
        #expect(server.shutdownPort == 8005)
        #expect(server.services.first?.connectors.map(\.configuration.port) == [8080])
        #expect(server.services.first?.engine.hosts.first?.contexts.map(\.path) == [""])
        #expect(loaded.logging.level(for: "serval") == .info)
    }
}

/// Files of the shape that a version of Tomcat ships.
struct StockFiles: Sendable, CustomTestStringConvertible {
    var version: Int
    var files: [String: String]
    var warnings = ""

    var testDescription: String { "Tomcat \(self.version)" }

    static let all = [
        StockFiles(
            version: 7,
            files: files(
                listeners: """
                    <Listener className="org.apache.catalina.core.AprLifecycleListener" SSLEngine="on" />
                    <Listener className="org.apache.catalina.core.JasperListener" />
                    <Listener className="org.apache.catalina.core.JreMemoryLeakPreventionListener" />
                    <Listener className="org.apache.catalina.mbeans.GlobalResourcesLifecycleListener" />
                    <Listener className="org.apache.catalina.core.ThreadLocalLeakPreventionListener" />
                    """,
                connectors: """
                    <Connector port="8080" protocol="HTTP/1.1" connectionTimeout="20000" redirectPort="8443" />
                    <Connector port="8009" protocol="AJP/1.3" redirectPort="8443" />
                    """,
                web:
                    "<!DOCTYPE web-app PUBLIC '-//Sun//DTD 2.3//EN' 'http://localhost:1/none.dtd'>\n<web-app xmlns=\"http://java.sun.com/xml/ns/javaee\" version=\"3.0\">",
                context: "<WatchedResource>WEB-INF/web.xml</WatchedResource> <!-- <Manager pathname=\"\" /> -->"
            ),
            warnings: "conf/server.xml:14:24: warning: this connector is left out: AJP is not available; let the proxy speak HTTP or HTTPS"
        ),
        StockFiles(
            version: 9,
            files: files(
                listeners: """
                    <Listener className="org.apache.catalina.startup.VersionLoggerListener" />
                    <Listener className="org.apache.catalina.core.AprLifecycleListener" SSLEngine="on" />
                    <Listener className="org.apache.catalina.core.JreMemoryLeakPreventionListener" />
                    <Listener className="org.apache.catalina.mbeans.GlobalResourcesLifecycleListener" />
                    <Listener className="org.apache.catalina.core.ThreadLocalLeakPreventionListener" />
                    """,
                connectors:
                    "<Connector port=\"8080\" protocol=\"HTTP/1.1\" connectionTimeout=\"20000\" redirectPort=\"8443\" maxParameterCount=\"1000\" />",
                web:
                    "<web-app xmlns=\"http://xmlns.jcp.org/xml/ns/javaee\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:schemaLocation=\"a b\" version=\"4.0\">",
                context: """
                    <WatchedResource>WEB-INF/web.xml</WatchedResource>
                    <WatchedResource>WEB-INF/tomcat-web.xml</WatchedResource>
                    <WatchedResource>${catalina.base}/conf/web.xml</WatchedResource>
                    """
            )
        ),
        StockFiles(
            version: 11,
            files: files(
                listeners: """
                    <Listener className="org.apache.catalina.startup.VersionLoggerListener" />
                    <Listener className="org.apache.catalina.core.AprLifecycleListener" />
                    <Listener className="org.apache.catalina.core.OpenSSLLifecycleListener" />
                    <Listener className="org.apache.catalina.core.JreMemoryLeakPreventionListener" />
                    <Listener className="org.apache.catalina.mbeans.GlobalResourcesLifecycleListener" />
                    <Listener className="org.apache.catalina.core.ThreadLocalLeakPreventionListener" />
                    """,
                connectors: "<Connector port=\"8080\" protocol=\"HTTP/1.1\" connectionTimeout=\"20000\" redirectPort=\"8443\" />",
                web: "<web-app xmlns=\"https://jakarta.ee/xml/ns/jakartaee\" version=\"6.1\">",
                context: "<WatchedResource>WEB-INF/web.xml</WatchedResource>"
            )
        ),
    ]

    private static func files(listeners: String, connectors: String, web: String, context: String) -> [String: String] {
        [
            "conf/server.xml": """
            <?xml version="1.0" encoding="UTF-8"?>
            <Server port="8005" shutdown="SHUTDOWN">
            \(listeners)
              <GlobalNamingResources>
                <Resource name="UserDatabase" auth="Container" type="org.apache.catalina.UserDatabase" pathname="conf/tomcat-users.xml" />
              </GlobalNamingResources>
              <Service name="Catalina">
                <!-- <Executor name="tomcatThreadPool" namePrefix="catalina-exec-" maxThreads="150" minSpareThreads="4"/> -->
            \(connectors)
                <Engine name="Catalina" defaultHost="localhost">
                  <Realm className="org.apache.catalina.realm.LockOutRealm">
                    <Realm className="org.apache.catalina.realm.UserDatabaseRealm" resourceName="UserDatabase"/>
                  </Realm>
                  <Host name="localhost" appBase="webapps" unpackWARs="true" autoDeploy="true">
                    <Valve className="org.apache.catalina.valves.AccessLogValve" directory="logs" prefix="localhost_access_log" suffix=".txt"
                           pattern="%h %l %u %t &quot;%r&quot; %s %b" />
                  </Host>
                </Engine>
              </Service>
            </Server>
            """,
            "conf/web.xml": """
            <?xml version="1.0" encoding="ISO-8859-1"?>
            \(web)
              <servlet>
                <servlet-name>default</servlet-name>
                <servlet-class>org.apache.catalina.servlets.DefaultServlet</servlet-class>
                <init-param><param-name>debug</param-name><param-value>0</param-value></init-param>
                <init-param><param-name>listings</param-name><param-value>false</param-value></init-param>
                <load-on-startup>1</load-on-startup>
              </servlet>
              <servlet>
                <servlet-name>jsp</servlet-name>
                <servlet-class>org.apache.jasper.servlet.JspServlet</servlet-class>
                <load-on-startup>3</load-on-startup>
              </servlet>
              <servlet-mapping><servlet-name>default</servlet-name><url-pattern>/</url-pattern></servlet-mapping>
              <servlet-mapping><servlet-name>jsp</servlet-name><url-pattern>*.jsp</url-pattern><url-pattern>*.jspx</url-pattern></servlet-mapping>
              <session-config><session-timeout>30</session-timeout></session-config>
              <mime-mapping><extension>html</extension><mime-type>text/html</mime-type></mime-mapping>
              <welcome-file-list><welcome-file>index.html</welcome-file></welcome-file-list>
            </web-app>
            """,
            "conf/context.xml": "<?xml version='1.0' encoding='utf-8'?>\n<Context>\(context)</Context>",
            "conf/catalina.properties": """
            package.access=sun.,org.apache.catalina.,\\
            org.apache.jasper.
            common.loader="${catalina.base}/lib","${catalina.base}/lib/*.jar"
            """,
            "conf/logging.properties": """
            handlers = 1catalina.org.apache.juli.AsyncFileHandler, java.util.logging.ConsoleHandler
            .handlers = 1catalina.org.apache.juli.AsyncFileHandler, java.util.logging.ConsoleHandler
            1catalina.org.apache.juli.AsyncFileHandler.level = FINE
            1catalina.org.apache.juli.AsyncFileHandler.directory = ${catalina.base}/logs
            java.util.logging.ConsoleHandler.level = FINE
            org.apache.catalina.core.ContainerBase.[Catalina].[localhost].level = INFO
            """,
        ]
    }
}
