import ServalContainer
import ServalServlet

/// How the valves about sessions are made from their attributes.
enum SessionValveRegistrations {
    static let crawler = AttributeTable(
        element: "Valve",
        className: "org.apache.catalina.valves.CrawlerSessionManagerValve",
        summary: "Gives each crawler one short session instead of a new one with each request.",
        attributes: [
            AttributeDefinition(
                "crawlerUserAgents",
                .text,
                default: ".*[bB]ot.*|.*Yahoo! Slurp.*|.*Feedfetcher-Google.*",
                note: "a regular expression for the whole User-Agent"
            ),
            AttributeDefinition("crawlerIps", .text, note: "a regular expression for the whole address"),
            AttributeDefinition("sessionInactiveInterval", .secondsOrNever, default: "60"),
            AttributeDefinition("hostAware", .boolean, default: "true"),
            AttributeDefinition("contextAware", .boolean, default: "true"),
        ] + AttributeDefinition.unused("asyncSupported")
    )

    static func makeCrawler(_ attributes: ComponentAttributes) throws -> any Valve {
        var configuration = CrawlerSessionManagerValve.Configuration()
        configuration.crawlerUserAgents = attributes["crawlerUserAgents"] ?? configuration.crawlerUserAgents
        configuration.crawlerIPs = attributes["crawlerIps"]
        configuration.sessionInactiveInterval = .seconds(try attributes.integer("sessionInactiveInterval", default: 60))
        configuration.isHostAware = try attributes.boolean("hostAware", default: true)
        configuration.isContextAware = try attributes.boolean("contextAware", default: true)
        return try CrawlerSessionManagerValve(configuration)
    }

    static let draining = AttributeTable(
        element: "Valve",
        className: "org.apache.catalina.valves.LoadBalancerDrainingValve",
        summary: "Redirects clients without a live session while the load balancer drains this node.",
        attributes: [
            AttributeDefinition("redirectStatusCode", .integer(300...399), default: "307"),
            AttributeDefinition("ignoreCookieName", .text, note: "who has this cookie with ignoreCookieValue is served"),
            AttributeDefinition("ignoreCookieValue", .text),
            AttributeDefinition(
                "serval.activationHeader",
                .text,
                default: "JK_LB_ACTIVATION",
                note: "the header field in which a proxy says DIS; Tomcat knows AJP only"
            ),
        ] + AttributeDefinition.unused("asyncSupported")
    )

    static func makeDraining(_ attributes: ComponentAttributes) throws -> any Valve {
        var configuration = LoadBalancerDrainingValve.Configuration()
        configuration.redirectStatusCode = try attributes.integer("redirectStatusCode", default: configuration.redirectStatusCode)
        configuration.ignoreCookieName = attributes["ignoreCookieName"]
        configuration.ignoreCookieValue = attributes["ignoreCookieValue"]
        configuration.activationHeader = attributes["serval.activationHeader"] ?? configuration.activationHeader
        return try LoadBalancerDrainingValve(configuration)
    }

    static let singleSignOn = AttributeTable(
        element: "Valve",
        className: "org.apache.catalina.authenticator.SingleSignOn",
        summary: "Lets who has signed on in one application of a host be known in all others.",
        attributes: [
            AttributeDefinition(
                "cookieName",
                .text,
                default: "JSESSIONIDSSO",
                note: "also the system property SSO_SESSION_COOKIE_NAME of authenticator.Constants"
            ),
            AttributeDefinition("cookieDomain", .text, note: "the host that the client asked, if left out"),
        ] + AttributeDefinition.unused("asyncSupported", "requireReauthentication")
    )

    static func makeSingleSignOn(_ attributes: ComponentAttributes) throws -> any Valve {
        var configuration = SingleSignOnValve.Configuration()
        if let name = attributes["cookieName"], !name.isEmpty { configuration.cookieName = name }
        if let domain = attributes["cookieDomain"], !domain.isEmpty { configuration.cookieDomain = domain }
        return try SingleSignOnValve(configuration)
    }

    static let persistent = AttributeTable(
        element: "Valve",
        className: "org.apache.catalina.valves.PersistentValve",
        summary: "Has a PersistentManager store what a request changed before its response is sent, like `serval.saveEachRequest`.",
        attributes: [
            AttributeDefinition("filter", .text, note: "a regular expression for whole paths of requests that store nothing")
        ] + AttributeDefinition.unused("asyncSupported", "semaphoreAcquireUninterruptibly", "semaphoreBlockOnAcquire", "semaphoreFairness")
    )
}
