import Logging
import ServalConfiguration
import Testing

@testable import ServalConfiguration

@Suite struct LoggingConfigurationTests {
    private func load(_ text: String) throws -> (LoggingConfiguration, String) {
        let base = try TemporaryBase(["conf/server.xml": serverXML(), "conf/logging.properties": text, "webapps/.keep": ""])
        let loaded = base.load()
        return (loaded.logging, loaded.report(base))
    }

    @Test(
        arguments: [
            ("SEVERE", .error), ("WARNING", .warning), ("INFO", .info), ("CONFIG", .debug), ("FINE", .debug), ("FINER", .trace), ("FINEST", .trace),
            ("ALL", .trace),
            ("OFF", nil), ("fine", .debug),
        ] as [(String, Logger.Level?)]
    )
    func levels(_ word: String, _ level: Logger.Level?) throws {
        let (logging, report) = try self.load(".level = \(word)")
        #expect(logging.level(for: "anything") == level)
        #expect(report == "")
    }

    @Test(arguments: [
        ("org.apache.tomcat.util.net.NioEndpoint.handshake", "serval.tls.handshake"),
        ("org.apache.tomcat.util.net.Nio2Endpoint.handshake", "serval.tls.handshake"),
        ("org.apache.tomcat.util.net.NioEndpoint.certificate", "serval.tls.certificate"),
        ("org.apache.tomcat.util.net", "serval.tls"),
        ("org.apache.catalina", "serval"),
        ("org.apache.catalina.session", "serval.sessions"),
        ("org.apache.catalina.session.StandardManager", "serval.sessions"),
        ("org.apache.catalina.core.ContainerBase.[Catalina].[localhost]", "serval.container"),
        ("org.apache.coyote.http11", "serval.http"),
        ("com.example.shop", "com.example.shop"),
        ("org.apache.catalinas", "org.apache.catalinas"),
        ("serval.tls", "serval.tls"),
    ])
    func names(_ java: String, _ label: String) {
        #expect(LoggerNames.label(for: java) == label)
    }

    @Test func theLongestNameCounts() throws {
        let (logging, _) = try self.load(
            "org.apache.catalina.level=WARNING\norg.apache.tomcat.util.net.NioEndpoint.handshake.level=FINE\ncom.example.level=OFF"
        )
        #expect(logging.level(for: "serval.tls.handshake") == .debug)
        #expect(logging.level(for: "serval.tls") == .warning)
        #expect(logging.level(for: "servals") == .info)
        #expect(logging.level(for: "com.example.x.y") == nil)
        #expect(logging.level(for: "other") == .info)
    }

    @Test func theConsoleHandlerLimitsEverything() throws {
        let (logging, report) = try self.load(
            "handlers = java.util.logging.ConsoleHandler, 1catalina.org.apache.juli.FileHandler\njava.util.logging.ConsoleHandler.level = WARNING\n"
                + "1catalina.org.apache.juli.FileHandler.level = ALL\n.level = FINE"
        )
        #expect(logging.level(for: "x") == .warning)
        #expect(logging.thresholds.isEmpty)
        #expect(
            report
                == "conf/logging.properties: info: the log goes to standard error; other handlers are not used: 1catalina.org.apache.juli.FileHandler"
        )
    }

    @Test func wrongLevelsAreErrors() throws {
        let (_, report) = try self.load("# c\norg.apache.catalina.level = INF0")
        #expect(report.hasPrefix("conf/logging.properties:2:1: error: \"org.apache.catalina.level\" has to be one of SEVERE, WARNING"))
        #expect(report.hasSuffix("did you mean \"INFO\"?"))
    }

    @Test func withoutAFileEverythingIsInfo() throws {
        #expect(LoggingConfiguration().level(for: "serval") == .info)
    }
}
