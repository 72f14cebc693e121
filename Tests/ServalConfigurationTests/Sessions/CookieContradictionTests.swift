import ServalContainer
import Testing

@testable import ServalConfiguration

/// Settings of the session cookie that exclude each other.
@Suite("Contradictions of the session cookie")
struct CookieContradictionTests {
    private static let secure = "<Connector port='0' secure='true' scheme='https'/>"
    private static let none = "<attribute><attribute-name>SameSite</attribute-name>\n<attribute-value>None</attribute-value></attribute>"
    private static let partitioned = "<attribute><attribute-name>Partitioned</attribute-name><attribute-value>true</attribute-value></attribute>"

    /// Whether the application starts, and what is said about it.
    private func load(_ context: String, _ cookie: String, connector: String, rest: String = "") throws -> (starts: Bool, report: String) {
        let web = "<web-app><session-config>\n<cookie-config>\(cookie)</cookie-config>\(rest)</session-config></web-app>"
        let base = try TemporaryBase([
            "conf/server.xml": serverXML(connectors: connector), "webapps/shop/META-INF/context.xml": context, "webapps/shop/WEB-INF/web.xml": web,
            "conf/web.xml": "<web-app>\n\n<session-config><session-timeout>30</session-timeout></session-config></web-app>",
        ])
        let loaded = base.load()
        let contexts = loaded.server?.services.first?.engine.hosts.first?.contexts ?? []
        return (!contexts.isEmpty, loaded.report(base, .warning))
    }

    @Test(
        "What can never work keeps the application from starting, with file and line",
        arguments: [
            ("<Context/>", none, "", ["webapps/shop/WEB-INF/web.xml:2:16: error: session cookie: sameSite is None"]),
            ("<Context/>", "<secure>false</secure>" + none, secure, ["webapps/shop/WEB-INF/web.xml:2:38: error: session cookie: sameSite is None"]),
            ("<Context/>", "<secure>false</secure>" + partitioned, secure, ["error: session cookie: partitioned is true"]),
            (
                "<Context>\n<CookieProcessor sameSiteCookies='none'/></Context>", "", "",
                ["webapps/shop/META-INF/context.xml:2:18: error: session cookie"]
            ),
            ("<Context\nusePartitioned='true'/>", "", "", ["webapps/shop/META-INF/context.xml:2:1: error: session cookie: partitioned"]),
            (
                "<Context\nsessionCookieName='__Host-id'\nsessionCookieDomain='example.org'\nsessionCookiePath='/shop'/>", none, "",
                [
                    "webapps/shop/META-INF/context.xml:2:1: error: session cookie: name '__Host-id' begins with __Host-, and secure is not true",
                    "webapps/shop/META-INF/context.xml:3:1: error: session cookie: name '__Host-id' begins with __Host-, and domain",
                    "webapps/shop/META-INF/context.xml:4:1: error: session cookie: name '__Host-id' begins with __Host-, and path",
                    "webapps/shop/WEB-INF/web.xml:2:16: error: session cookie: sameSite is None",
                ]
            ),
            (
                "<Context sessionCookieName='__Host-id'/>", "<secure>true</secure>", secure,
                ["webapps/shop/META-INF/context.xml:1:10: error: session cookie: name '__Host-id' begins with __Host-, and path is not set"]
            ), ("<Context sessionCookieName='__Secure-id'/>", "<secure>false</secure>", secure, ["begins with __Secure-, and secure is not true"]),
        ]
    )
    func refused(_ context: String, _ cookie: String, _ connector: String, _ messages: [String]) throws {
        let (starts, report) = try self.load(context, cookie, connector: connector)
        #expect(!starts, "\(report)")
        for message in messages { #expect(report.contains(message), "\(message) is not in \(report)") }
        #expect(!report.contains("conf/web.xml"), "\(report)")
    }

    @Test(
        "What works over TLS alone starts with a warning there",
        arguments: [
            ("<Context/>", none, "sameSite is None"), ("<Context usePartitioned='true'/>", "", "partitioned is true"),
            ("<Context sessionCookieName='__Host-id' sessionCookiePath='/'/>", "", "begins with __Host-, and secure is not true"),
        ]
    )
    func warned(_ context: String, _ cookie: String, _ message: String) throws {
        let (starts, report) = try self.load(context, cookie, connector: Self.secure)
        #expect(starts && report.contains("warning: session cookie: ") && report.contains(message), "\(report)")
        #expect(report.contains("over plain HTTP"))
    }

    @Test(
        "What works starts without a word",
        arguments: [
            ("<Context/>", "<secure>true</secure>" + none + partitioned, "", ""), ("<Context/>", "<secure>false</secure>", "", ""),
            ("<Context sessionCookieName='__Host-id' sessionCookiePath='/'/>", "<secure>true</secure>", "", ""),
            ("<Context/>", none, "", "<tracking-mode>URL</tracking-mode>"), ("<Context cookies='false'/>", none, "", ""),
        ]
    )
    func accepted(_ context: String, _ cookie: String, _ connector: String, _ rest: String) throws {
        let (starts, report) = try self.load(context, cookie, connector: connector, rest: rest)
        #expect(starts && report.isEmpty, "\(report)")
    }
}
