import ServalContainer

/// Reads the `<Listener>`s of `<Server>`.
struct ListenerReader {
    let scope: FileScope

    private static let apr = "org.apache.catalina.core.AprLifecycleListener"
    private static let openSSL = "org.apache.catalina.core.OpenSSLLifecycleListener"
    private static let certificateReload = "org.apache.catalina.security.TLSCertificateReloadListener"

    func read(_ elements: [XMLElement], into server: inout ServerDefinition) {
        var accepted: [String] = []
        for element in elements {
            guard let attribute = element.attribute("className") else {
                self.scope.report(.error, "<Listener> needs the attribute \"className\"", element)
                continue
            }
            let name = self.scope.resolve(attribute.value, at: attribute.position).trimmingWhitespace()
            guard KnownClassNames.listeners.contains(name) else {
                self.scope.report(
                    .warning,
                    "the listener \"\(name)\" is not known and is ignored",
                    at: attribute.position,
                    element: element.name,
                    attribute: attribute.name,
                    suggestion: NearestName.find(name, among: KnownClassNames.listeners)
                )
                continue
            }
            switch name {
            case Self.apr: self.readOpenSSL(element, .aprLifecycleListener, into: &server)
            case Self.openSSL: self.readOpenSSL(element, .openSSLLifecycleListener, into: &server)
            case Self.certificateReload: self.readCertificateReload(element, into: &server)
            default:
                if name.hasSuffix(".SecurityListener") {
                    self.scope.report(.warning, "SecurityListener is not available yet: users and umask are not checked", element)
                }
                accepted.append(name.split(separator: ".").last.map(String.init) ?? name)
            }
        }
        if let first = elements.first, !accepted.isEmpty {
            self.scope.report(.info, "listeners are accepted and do nothing here: \(accepted.joined(separator: ", "))", first)
        }
    }

    private func readOpenSSL(_ element: XMLElement, _ table: AttributeTable, into server: inout ServerDefinition) {
        let attributes = CheckedAttributes(element, table: table, scope: self.scope, also: ["className"])
        if let mode = attributes.choice("FIPSMode"), mode != "off" { server.fipsMode = mode }
        if let engine = attributes.nonEmpty("SSLEngine")?.trimmingWhitespace() {
            switch engine.lowercased() {
            case "on": break
            case "off":
                attributes.report(
                    .warning,
                    "SSLEngine \"off\" has no effect: TLS is always OpenSSL's; leave out SSLEnabled for plain HTTP",
                    "SSLEngine"
                )
            default:
                attributes.report(
                    .warning,
                    "the OpenSSL engine \"\(engine)\" is not used; OpenSSL's own configuration decides on engines and providers",
                    "SSLEngine"
                )
            }
        }
        if attributes.boolean("useOpenSSL") == false {
            attributes.report(.warning, "useOpenSSL \"false\" has no effect: TLS is always OpenSSL's", "useOpenSSL")
        }
        if attributes.boolean("useAprConnector") != nil {
            attributes.report(.warning, "useAprConnector is ignored: there is one transport for all connectors", "useAprConnector")
        }
    }

    private func readCertificateReload(_ element: XMLElement, into server: inout ServerDefinition) {
        let attributes = CheckedAttributes(element, table: .certificateReloadListener, scope: self.scope, also: ["className"])
        if server.certificateReload != nil {
            self.scope.report(.warning, "there are several TLSCertificateReloadListener; the last one counts", element)
        }
        var reload = CertificateReloadDefinition()
        reload.checkPeriod = attributes.seconds("checkPeriod") ?? reload.checkPeriod
        reload.daysBefore = attributes.integer("daysBefore") ?? reload.daysBefore
        server.certificateReload = reload
    }

    /// Complains of a listener that works only inside `<Server>`; `false` if this is another one.
    static func warnIfMisplaced(_ listener: XMLElement, in element: XMLElement, _ scope: FileScope) -> Bool {
        guard let attribute = listener.attribute("className"),
            [Self.apr, Self.openSSL, Self.certificateReload].contains(scope.resolve(attribute.value, at: attribute.position).trimmingWhitespace())
        else { return false }
        scope.report(
            .warning,
            "This listener must only be nested within Server elements, but is in [\(element.name)], and is ignored: \(attribute.value)",
            listener
        )
        return true
    }
}
