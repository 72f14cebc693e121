import ServalConfiguration
import ServalContainer
import Testing

/// `<Listener>`s about TLS.
@Suite struct ListenerTests {
    private let apr = "org.apache.catalina.core.AprLifecycleListener"
    private let openSSL = "org.apache.catalina.core.OpenSSLLifecycleListener"
    private let reload = "org.apache.catalina.security.TLSCertificateReloadListener"

    private func load(_ listeners: String, engine: String = "", host: String = "") throws -> (loaded: LoadedConfiguration, report: String) {
        let xml = serverXML(engine: engine, host: host)
        let base = try TemporaryBase([
            "conf/server.xml": xml.replacing("<Service name", with: listeners + "<Service name", maxReplacements: 1), "webapps/.keep": "",
        ])
        let loaded = base.load()
        return (loaded, loaded.report(base))
    }

    @Test func defaultsAndTheirSpellingsSayNothing() throws {
        for name in [self.apr, self.openSSL] {
            for attributes in [
                "", "SSLEngine='on' SSLRandomSeed='builtin' FIPSMode='off' useOpenSSL='true'", "SSLEngine='ON' SSLRandomSeed='/dev/urandom'",
            ] {
                let (loaded, report) = try self.load("<Listener className='\(name)' \(attributes)/>")
                #expect(report == "", "\(name) \(attributes)")
                #expect(loaded.server?.fipsMode == nil)
                #expect(loaded.server?.certificateReload == nil)
            }
        }
    }

    @Test func wishesThatHaveNoEffectAreOneWarningEach() throws {
        let (loaded, report) = try self.load(
            "<Listener className='\(self.apr)' SSLEngine='off' useOpenSSL='false' useAprConnector='true' FIPSMode='Require' SSLEngin='x'/>"
        )
        #expect(report.contains("warning: SSLEngine \"off\" has no effect"))
        #expect(report.contains("warning: useOpenSSL \"false\" has no effect"))
        #expect(report.contains("warning: useAprConnector is ignored"))
        #expect(report.contains("\"SSLEngin\" of <Listener> is not known and is ignored; did you mean \"SSLEngine\"?"))
        #expect(loaded.server?.fipsMode == "require")
    }

    @Test func theReloadListenerIsPartOfTheDefinition() throws {
        let standard = try self.load("<Listener className='\(self.reload)'/>")
        #expect(standard.report == "")
        #expect(standard.loaded.server?.certificateReload?.checkPeriod == .seconds(86400))
        #expect(standard.loaded.server?.certificateReload?.daysBefore == 14)
        let own = try self.load("<Listener className='\(self.reload)' checkPeriod='60' daysBefore='30'/>")
        #expect(own.loaded.server?.certificateReload?.checkPeriod == .seconds(60))
        #expect(own.loaded.server?.certificateReload?.daysBefore == 30)
    }

    @Test func elsewhereTheyAreWarnings() throws {
        for name in [self.apr, self.openSSL, self.reload] {
            let listener = "<Listener className='\(name)' FIPSMode='on'/>"
            for (engine, host, place) in [(listener, "", "Engine"), ("", listener, "Host")] {
                let (loaded, report) = try self.load("", engine: engine, host: host)
                #expect(report.contains("warning: This listener must only be nested within Server elements, but is in [\(place)]"), "\(report)")
                #expect(loaded.server?.fipsMode == nil)
                #expect(loaded.server?.certificateReload == nil)
            }
        }
    }
}
