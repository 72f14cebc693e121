/// Tomcat's system properties about sessions (`-D…`, `conf/catalina.properties`), which Tomcat 10 has replaced by attributes.
struct SystemProperties {
    private let properties: PropertyResolver

    init(_ properties: PropertyResolver) { self.properties = properties }

    /// `StandardHostValve.ACCESS_SESSION`.
    var alwaysAccessSession: Bool? { self.flag("org.apache.catalina.core.StandardHostValve.ACCESS_SESSION") }
    /// `StandardSession.ACTIVITY_CHECK`.
    var activityCheck: Bool? { self.flag("org.apache.catalina.session.StandardSession.ACTIVITY_CHECK") }
    /// `StandardSession.LAST_ACCESS_AT_START`.
    var lastAccessAtStart: Bool? { self.flag("org.apache.catalina.session.StandardSession.LAST_ACCESS_AT_START") }

    /// `SSO_SESSION_COOKIE_NAME` of the authenticators' constants.
    var singleSignOnCookieName: String? { self.properties.value(of: "org.apache.catalina.authenticator.Constants.SSO_SESSION_COOKIE_NAME") }

    /// A property, or what `STRICT_SERVLET_COMPLIANCE` makes its default.
    private func flag(_ name: String) -> Bool? {
        let value = self.properties.value(of: name) ?? self.properties.value(of: "org.apache.catalina.STRICT_SERVLET_COMPLIANCE")
        return value.map { $0.trimmingWhitespace().lowercased() == "true" }
    }
}
