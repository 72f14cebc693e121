import ServalContainer
import ServalServlet

extension ComponentRegistry {
    /// What Serval brings along, under Tomcat's names.
    mutating func registerStandardComponents() {
        self.register(servlet: "org.apache.catalina.servlets.DefaultServlet") { DefaultServlet() }
        self.register(servlet: "org.apache.jasper.servlet.JspServlet") { JSPUnsupportedServlet() }
        self.register(servlet: "serval.servlets.MustacheServlet") { MustacheServlet() }
        self.register(servlet: "org.apache.catalina.manager.ManagerServlet") { ManagerServlet(page: .text) }
        self.register(servlet: "org.apache.catalina.manager.HTMLManagerServlet") { ManagerServlet(page: .html) }
        self.register(filter: "org.apache.catalina.filters.HttpHeaderSecurityFilter") { HTTPHeaderSecurityFilter() }
        self.register(filter: "serval.filters.NoSessionFilter") { NoSessionFilter() }
        self.register(valve: "org.apache.catalina.valves.AccessLogValve", attributes: AccessLogRegistration.table) {
            try AccessLogRegistration.make($0)
        }
        self.register(valve: "org.apache.catalina.valves.SSLValve", attributes: SSLValveRegistration.table) { try SSLValveRegistration.make($0) }
        typealias Sessions = SessionValveRegistrations
        self.register(valve: Sessions.crawler.className ?? "", attributes: Sessions.crawler) { try Sessions.makeCrawler($0) }
        self.register(valve: Sessions.draining.className ?? "", attributes: Sessions.draining) { try Sessions.makeDraining($0) }
        self.register(valve: Sessions.singleSignOn.className ?? "", attributes: Sessions.singleSignOn) { try Sessions.makeSingleSignOn($0) }
        self.register(valve: Sessions.persistent.className ?? "", attributes: Sessions.persistent) { try PersistentValve(filter: $0["filter"]) }
    }
}
