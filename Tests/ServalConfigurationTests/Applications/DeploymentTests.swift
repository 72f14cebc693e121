import ServalConfiguration
import ServalContainer
import ServalServlet
import ServalSessions
import Testing

@testable import ServalConfiguration

@Suite struct DeploymentTests {
    private func contexts(_ loaded: LoadedConfiguration) -> [ContextDefinition] { loaded.server?.services.first?.engine.hosts.first?.contexts ?? [] }

    @Test(arguments: [
        ("ROOT", "", ""), ("foo", "/foo", ""), ("foo#bar", "/foo/bar", ""), ("foo##42", "/foo", "42"), ("foo#bar##42", "/foo/bar", "42"),
        ("ROOT##1", "", "1"), ("##3", "", "3"),
    ])
    func names(_ name: String, _ path: String, _ version: String) {
        #expect(ContextName(name).path == path)
        #expect(ContextName(name).version == version)
    }

    @Test func foldersBecomeContexts() throws {
        let base = try TemporaryBase([
            "conf/server.xml": serverXML(),
            "webapps/ROOT/index.html": "", "webapps/foo/index.html": "", "webapps/foo#bar/index.html": "", "webapps/shop##1/index.html": "",
            "webapps/shop##2/index.html": "", "webapps/.hidden/index.html": "", "webapps/old.war": "", "webapps/file.txt": "",
        ])
        let loaded = base.load()
        #expect(self.contexts(loaded).map(\.path) == ["", "/foo", "/foo/bar", "/shop"])
        #expect(self.contexts(loaded).map { base.normalized($0.documentRoot ?? "") }.last == "BASE/webapps/shop##2")
        #expect(
            loaded.report(base) == """
                conf/server.xml: warning: "shop##1": there is one version of an application at a time; the latest one is started
                conf/server.xml: warning: "shop##2": there is one version of an application at a time; the latest one is started
                conf/server.xml: warning: WAR files are not unpacked, and Java in them cannot run: old.war in [BASE/webapps]
                """
        )
    }

    @Test func hostsDecideWhatIsDeployed() throws {
        let base = try TemporaryBase(["webapps/a/x": "", "webapps/test-b/x": "", "webapps/c/x": ""])
        func paths(_ attributes: String) throws -> [String] {
            try base.write(
                "conf/server.xml",
                "<Server><Service name='S'><Engine name='E' defaultHost='h'><Host name='h' \(attributes)/></Engine></Service></Server>"
            )
            let loaded = base.load()
            #expect(!loaded.hasErrors, "\(loaded.report(base))")
            return self.contexts(loaded).map(\.path)
        }
        #expect(try paths("") == ["/a", "/c", "/test-b"])
        #expect(try paths("deployIgnore='test.*|c'") == ["/a"])
        #expect(try paths("deployOnStartup='false' autoDeploy='false'") == [])
        #expect(try paths("appBase='\(base.path)/webapps/a'") == [])
    }

    @Test func descriptorsComeBeforeFolders() throws {
        let base = try TemporaryBase([
            "conf/server.xml": serverXML(host: "<Context path='/declared' docBase='declared'/>"),
            "conf/Catalina/localhost/shop.xml": "<Context docBase='../elsewhere' cookies='false' path='/ignored'/>",
            "conf/Catalina/localhost/plain.xml": "<Context/>",
            "elsewhere/index.html": "", "webapps/plain/x": "", "webapps/shop/x": "", "webapps/declared/x": "", "webapps/other/x": "",
        ])
        let loaded = base.load()
        #expect(
            self.contexts(loaded).map { "\($0.path) \(base.normalized($0.documentRoot ?? "-")) \($0.usesCookies)" } == [
                "/declared BASE/webapps/declared true", "/plain BASE/webapps/plain true", "/shop BASE/elsewhere false",
                "/other BASE/webapps/other true",
            ]
        )
        #expect(
            loaded.report(base)
                == "conf/Catalina/localhost/shop.xml:1:49: warning: \"path\" is ignored here: the name of the file decides on the path"
        )
    }

    @Test func layersOverrideEachOther() throws {
        let base = try TemporaryBase([
            "conf/server.xml": serverXML(),
            "conf/context.xml": """
            <Context sessionCookieName="GLOBAL" sessionCookieDomain="global.example" useHttpOnly="false">
              <Parameter name="who" value="global"/><Parameter name="fixed" value="global" override="false"/>
              <Manager maxActiveSessions="5" processExpiresFrequency="3"/>
              <CookieProcessor sameSiteCookies="strict"/>
            </Context>
            """,
            "conf/Catalina/localhost/context.xml.default": "<Context sessionCookieName='HOST' sessionCookiePath='/'/>",
            "webapps/a/META-INF/context.xml": "<Context sessionCookiePath='/own'><Parameter name='who' value='own'/></Context>",
            "webapps/a/WEB-INF/web.xml":
                "<web-app><context-param><param-name>fixed</param-name><param-value>web</param-value></context-param></web-app>",
            "webapps/b/META-INF/context.xml": "<Context override='true'/>",
            "webapps/c/x": "",
        ])
        let loaded = base.load()
        #expect(loaded.report(base) == "")
        let contexts = self.contexts(loaded)
        #expect(contexts.map(\.path) == ["/a", "/b", "/c"])
        #expect(contexts.map(\.sessionCookieName) == ["HOST", nil, "HOST"])
        #expect(contexts.map(\.sessionCookieDomain) == ["global.example", nil, "global.example"])
        #expect(contexts.map(\.sessionCookiePath) == ["/own", nil, "/"])
        #expect(contexts.map(\.usesHTTPOnly) == [false, true, false])
        #expect(contexts.map(\.sameSiteCookies) == [.strict, nil, .strict])
        #expect(contexts.map(\.processExpiresFrequency) == [3, 6, 3])
        #expect(contexts[0].descriptor.contextParameters == ["who": "own", "fixed": "global"])
        #expect(contexts[1].makeSessionManager == nil)
        let manager = try #require(try contexts[2].makeSessionManager?("node1"))
        #expect(manager.statistics.activeSessions == 0)
    }

    @Test func sessionsCanBeSwitchedOff() async throws {
        let base = try TemporaryBase([
            "conf/server.xml": serverXML(), "conf/context.xml": "<Context><Manager className='serval.session.DisabledManager'/></Context>",
            "webapps/a/x": "",
        ])
        let loaded = base.load()
        #expect(loaded.report(base) == "")
        let manager = try #require(try self.contexts(loaded).first?.makeSessionManager?(nil))
        let error = await #expect(throws: SessionError.self) { try await manager.create(id: nil) }
        #expect(error?.code == .creationForbidden)
        #expect(try await manager.find(SessionID(rawValue: "00000000000000000000000000000000")) == nil)
    }

    @Test func sessionManagersObeyTheirAttributes() async throws {
        let base = try TemporaryBase([
            "conf/server.xml": serverXML(
                host: """
                    <Context path="/a" docBase="a"><Manager className="org.apache.catalina.session.StandardManager" maxActiveSessions="1">
                      <SessionIdGenerator sessionIdLength="8"/></Manager></Context>
                    """
            ),
            "webapps/a/x": "",
        ])
        let loaded = base.load()
        #expect(loaded.report(base) == "conf/server.xml:7:32: warning: session ids of 8 bytes can be guessed; use 16 or more")
        let manager = try #require(try self.contexts(loaded).first?.makeSessionManager?("node1"))
        let session = try await manager.create(id: nil)
        #expect(session.id.rawValue.wholeMatch(of: /[0-9A-F]{16}\.node1/) != nil)
        await #expect(throws: SessionError.self) { try await manager.create(id: nil) }
    }

    @Test(arguments: [
        ("<Manager className='org.apache.catalina.ha.session.DeltaManager'/>", "is not available yet: sessions stay in the memory", true),
        ("<Manager pathname='com.liuwei.session.SessionForbiddenManager'/>", "looks like a class; did you mean className?", true),
        ("<Manager pathname='SESSIONS.ser'/>", "", true),
        ("<Manager pathname=''/>", "", true),
        ("<Manager sessionIdLength='16'/>", "belongs to <SessionIdGenerator>", true),
        ("<Manager className='org.apache.catalina.session.StandardManger'/>", "did you mean \"org.apache.catalina.session.StandardManager\"", false),
        ("<Manager maxActiveSessions='many'/>", "a number, at least -1, found \"many\"", false),
        ("<Manager maxActiveSession='1'/>", "did you mean \"maxActiveSessions\"", true),
        ("<Manager> debug=0 saveOnRestart=\"true\" </Manager>", "text inside <Manager> is ignored", true),
        ("<Manager><SessionIdGenerator className='x'/></Manager>", "the session id generator \"x\" is not registered", false),
        ("<Manager><SessionIdGenerator jvmRoute='a b'/></Manager>", "jvmRoute has a character", false),
        ("<Valve className='org.apache.catalina.authenticator.BasicAuthenticator'/>", "cannot be left out", false),
        ("<Valve/>", "<Valve> needs the attribute \"className\"", false),
        ("<CookieProcessor sameSiteCookies='sometimes'/>", "has to be one of unset, none, lax, strict", false),
        ("<Parameter name='a'/>", "<Parameter> needs the attribute \"value\"", false),
        ("<Resource name='jdbc/x'/>", "it has no meaning without a JVM", true),
        ("<Manger/>", "did you mean \"Manager\"", true),
    ])
    func whatContextsMayContain(_ child: String, _ message: String, _ starts: Bool) throws {
        let base = try TemporaryBase([
            "conf/server.xml": serverXML(), "webapps/a/META-INF/context.xml": "<Context>\(child)</Context>", "webapps/b/x": "",
        ])
        let loaded = base.load()
        #expect(message.isEmpty || loaded.report(base).contains(message), "\(loaded.report(base))")
        #expect(loaded.server != nil)
        #expect(self.contexts(loaded).map(\.path) == (starts ? ["/a", "/b"] : ["/b"]))
        #expect(loaded.hasErrors != starts)
    }

    @Test func errorsInSharedFilesAreTheServers() throws {
        for file in ["conf/context.xml", "conf/Catalina/localhost/context.xml.default"] {
            let base = try TemporaryBase(["conf/server.xml": serverXML(), file: "<Context cookies='maybe'/>", "webapps/a/x": ""])
            let loaded = base.load()
            #expect(loaded.server == nil)
            #expect(loaded.diagnostics.count { $0.message.contains("has to be true or false") } == 1)
        }
        let base = try TemporaryBase(["conf/server.xml": serverXML(), "conf/web.xml": "<web-app>", "webapps/.keep": ""])
        #expect(base.load().server == nil)
    }

    @Test func brokenApplicationsDoNotStopTheOthers() throws {
        let base = try TemporaryBase([
            "conf/server.xml": serverXML(host: "<Context path='/gone' docBase='gone'/>"),
            "webapps/a/WEB-INF/web.xml": "<web-app><servlet></web-app>", "webapps/b/x": "", "webapps/c/META-INF/context.xml": "<Contxt/>",
        ])
        let loaded = base.load()
        #expect(self.contexts(loaded).map(\.path) == ["/b"])
        #expect(
            loaded.report(base) == """
                conf/server.xml:7:1: error: the docBase [BASE/webapps/gone] does not exist, and no application "gone" is registered
                conf/server.xml: error: the application at "/gone" is not started because of its errors
                webapps/c/META-INF/context.xml:1:1: error: expected <Context> as the outermost element, found <Contxt>
                webapps/a/WEB-INF/web.xml:1:19: error: not well-formed: expected </servlet> for the element that began in line 1, found </web-app>
                webapps/a: error: the application at "/a" is not started because of its errors
                """
        )
    }

    @Test(arguments: ["bad", "/bad/", "/a//b"])
    func pathsOfDeclaredContextsAreChecked(_ path: String) throws {
        let base = try TemporaryBase(["conf/server.xml": serverXML(host: "<Context path='\(path)' docBase='a'/>"), "webapps/a/x": ""])
        let loaded = base.load()
        #expect(loaded.server == nil)
        #expect(loaded.report(base).contains("the path \"\(path)\" of a context has to be empty or begin with a slash"))
    }

    @Test func registeredApplicationsAreFound() throws {
        var registry = ComponentRegistry()
        registry.register(application: WebApplication(name: "shop", path: "/shop") { _ in })
        let base = try TemporaryBase([
            "conf/server.xml": serverXML(
                host:
                    "<Context path='/two' docBase='shop'/><Context path='/three' serval.application='shop'/><Context path='/four' serval.application='shp'/>"
            ),
            "webapps/shop/index.html": "",
        ])
        let loaded = base.load(registry: registry)
        #expect(
            self.contexts(loaded).map { "\($0.path) \($0.application?.name ?? "-") \(base.normalized($0.documentRoot ?? "-"))" } == [
                "/two shop BASE/webapps/shop", "/three shop -",
            ]
        )
        #expect(loaded.report(base).contains("there is no registered application \"shp\"; did you mean \"shop\"?"))
    }

    @Test func deployXMLMayBeForbidden() throws {
        let base = try TemporaryBase([
            "conf/server.xml":
                "<Server><Service name='S'><Engine name='E' defaultHost='h'><Host name='h' deployXML='false'/></Engine></Service></Server>",
            "webapps/a/META-INF/context.xml": "<Context/>", "webapps/b/x": "",
        ])
        let loaded = base.load()
        #expect(self.contexts(loaded).map(\.path) == ["/b"])
        #expect(loaded.report(base).contains("deployXML=\"false\""))
    }

    @Test func registeredValvesGetTheirAttributes() throws {
        struct Failure: Error {}
        struct Recorder: Valve {
            var level: Int
            func respond(to request: Request, next: ValveChain) async throws -> Response { try await next(request) }
        }
        var registry = ComponentRegistry()
        registry.register(valve: "com.example.Recorder") { attributes in Recorder(level: try attributes.integer("level", default: 1, in: 1...9)) }
        let base = try TemporaryBase([
            "conf/server.xml": serverXML(
                engine: "<Valve className='com.example.Recorder' level='${n:-7}'/>",
                host: "<Valve className='com.example.Recorder' level='10'/>"
            ), "webapps/.keep": "",
        ])
        let loaded = base.load(registry: registry)
        #expect(loaded.server == nil)
        #expect(
            loaded.report(base).contains("the valve \"com.example.Recorder\" cannot be made: the attribute \"level\" has to be a number from 1 to 9")
        )
        try base.write("conf/server.xml", serverXML(engine: "<Valve className='com.example.Recorder' level='${n:-7}'/>"))
        #expect((base.load(registry: registry).server?.services.first?.engine.valves.first as? Recorder)?.level == 7)
    }
}
