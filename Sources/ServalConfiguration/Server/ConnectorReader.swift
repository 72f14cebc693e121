import ServalContainer
import ServalHTTP
import ServalTLS

/// Reads `<Connector>`.
struct ConnectorReader {
    let context: LoadingContext
    let scope: FileScope
    /// The `maxThreads` of executors by name.
    let executors: [String: Int]
    let portOffset: Int

    /// The connector; `nil` for one that is left out, or whose port is missing.
    func read(_ element: XMLElement) -> ConnectorDefinition? {
        guard self.isHTTP(element) else { return nil }
        let attributes = CheckedAttributes(element, table: .connector, scope: self.scope)
        self.scope.checkChildren(of: element, known: ["SSLHostConfig", "UpgradeProtocol", "Listener"])
        for listener in element.children("Listener") where !ListenerReader.warnIfMisplaced(listener, in: element, self.scope) {
            self.scope.ignored(listener, because: "listeners of a connector do nothing here")
        }
        var configuration = ConnectorConfiguration(port: ServerReader.shifted(attributes.integer("port") ?? 0, by: self.portOffset))
        if configuration.port > 65535 { attributes.report(.error, "port and portOffset together are more than 65535", "port") }
        self.apply(attributes, to: &configuration)
        configuration.http2 = HTTP2Reader(scope: self.scope).read(element.children("UpgradeProtocol"))
        var tls = self.readTLS(element, attributes)
        if tls != nil {
            configuration.scheme = "https"
            configuration.secure = true
            if configuration.http2 != nil { tls?.alpnProtocols.insert("h2", at: 0) }
        }
        guard attributes.integer("port") != nil else { return nil }
        var definition = ConnectorDefinition(configuration: configuration, tls: tls)
        definition.tlsImplementation = self.implementation(attributes)
        definition.origin = "\(self.scope.file):\(element.position.line)"
        return definition
    }

    // MARK: Protocol

    private static let nioName = "org.apache.coyote.http11.Http11NioProtocol"
    private static let olderNames: Set<String> = [
        "org.apache.coyote.http11.Http11Nio2Protocol", "org.apache.coyote.http11.Http11AprProtocol", "org.apache.coyote.http11.Http11Protocol",
    ]

    private func isHTTP(_ element: XMLElement) -> Bool {
        guard let attribute = element.attribute("protocol") else { return true }
        let name = self.scope.resolve(attribute.value, at: attribute.position).trimmingWhitespace()
        if name.isEmpty || name == "HTTP/1.1" || name == Self.nioName { return true }
        func report(_ severity: Diagnostic.Severity, _ message: String, suggestion: String? = nil) {
            self.scope.report(severity, message, at: attribute.position, element: element.name, attribute: attribute.name, suggestion: suggestion)
        }
        if Self.olderNames.contains(name) {
            report(.warning, "the protocol \"\(name)\" runs on the one transport that all connectors have; \"HTTP/1.1\" says the same")
            return true
        }
        if name.hasPrefix("AJP/") || name.hasPrefix("org.apache.coyote.ajp.") {
            report(.warning, "this connector is left out: AJP is not available; let the proxy speak HTTP or HTTPS")
            return false
        }
        report(
            .error,
            "the protocol \"\(name)\" is not known; expected \"HTTP/1.1\" or \"\(Self.nioName)\"",
            suggestion: NearestName.find(name, among: ["HTTP/1.1", Self.nioName] + Self.olderNames.sorted())
        )
        return false
    }

    /// Any of Tomcat's implementations; which of them there are, the server decides when it starts.
    private func implementation(_ attributes: CheckedAttributes) -> String? {
        guard let name = attributes.nonEmpty("sslImplementationName") else { return nil }
        let known = [
            "org.apache.tomcat.util.net.jsse.JSSEImplementation", "org.apache.tomcat.util.net.openssl.OpenSSLImplementation",
            "org.apache.tomcat.util.net.openssl.panama.OpenSSLImplementation",
        ]
        if !known.contains(name), !name.hasPrefix("serval.") {
            attributes.report(
                .error,
                "the TLS implementation \"\(name)\" is not known",
                "sslImplementationName",
                suggestion: NearestName.find(name, among: known)
            )
        }
        return name
    }

    // MARK: TLS

    private func readTLS(_ element: XMLElement, _ attributes: CheckedAttributes) -> TLSEndpointConfiguration? {
        let hosts = element.children("SSLHostConfig")
        guard attributes.boolean("SSLEnabled") == true else {
            if let first = hosts.first {
                self.scope.report(.warning, "SSLEnabled is not \"true\", so this connector speaks plain HTTP and <SSLHostConfig> is not used", first)
            } else if let older = element.attributes.first(where: { LegacyTLSAttributes.byOldName[$0.name] != nil }) {
                attributes.report(
                    .warning,
                    "SSLEnabled is not \"true\", so this connector speaks plain HTTP and its TLS attributes are not used",
                    older.name
                )
            }
            return nil
        }
        if attributes.has("defaultSSLHostConfigName"), attributes.nonEmpty("defaultSSLHostConfigName") == nil {
            attributes.report(
                .error,
                "the attribute \"defaultSSLHostConfigName\" is empty; give it a value, or leave it out for its default",
                "defaultSSLHostConfigName"
            )
        }
        let reader = TLSHostReader(context: self.context, scope: self.scope)
        var configurations: [TLSHostConfiguration] = []
        var names: Set<String> = []
        var elements = hosts
        if let older = LegacyTLSAttributes.element(from: element, scope: self.scope) { elements.insert(older, at: 0) }
        if elements.isEmpty {
            var host = XMLElement(name: "SSLHostConfig", position: element.position)
            host.children = [XMLElement(name: "Certificate", position: element.position)]
            elements = [host]
        }
        for child in elements {
            guard let host = reader.read(child) else { continue }
            guard names.insert(host.hostName).inserted else {
                self.scope.report(
                    .error,
                    "Multiple SSLHostConfig elements were provided for the host name [\(host.hostName)]. Host names must be unique.",
                    child
                )
                continue
            }
            configurations.append(host)
        }
        var endpoint = TLSEndpointConfiguration(hosts: configurations)
        if let name = attributes.nonEmpty("defaultSSLHostConfigName") { endpoint.defaultHostName = name.lowercased() }
        // As in Tomcat, where one time limit is for the request line and what comes before it; but a handshake always has one.
        let timeout = attributes.milliseconds("connectionTimeout") ?? .seconds(60)
        endpoint.handshakeTimeout = timeout > .zero ? timeout : .seconds(60)
        endpoint.stapleDirectory = FilePath.absolute("work/ocsp", base: self.context.base)
        endpoint.sniParseLimit = attributes.integer("sniParseLimit") ?? endpoint.sniParseLimit
        if let interval = attributes.integer("serval.certificateWatchInterval") {
            endpoint.fileWatchInterval = interval == 0 ? nil : .milliseconds(interval)
        }
        // A connector whose hosts have errors of their own needs no further ones.
        if configurations.count == elements.count {
            do { try endpoint.validate() } catch { self.report(error, element) }
        }
        return endpoint
    }

    /// At the line that the error names, if it names one.
    private func report(_ error: TLSError, _ element: XMLElement) {
        let line = error.origin?.split(separator: ":").last.flatMap { Int($0) }
        self.scope.report(
            .error,
            error.message,
            at: line.map { XMLPosition(line: $0, column: 1) } ?? element.position,
            element: element.name,
            attribute: nil,
            suggestion: nil
        )
    }

    // MARK: Attributes

    private func apply(_ attributes: CheckedAttributes, to configuration: inout ConnectorConfiguration) {
        configuration.address = attributes.nonEmpty("address")
        self.applyLimits(attributes, to: &configuration)
        self.applyTimes(attributes, to: &configuration)
        self.applyProtocol(attributes, to: &configuration)
        self.applySockets(attributes, to: &configuration)
        if let name = attributes.nonEmpty("executor") {
            if let maxThreads = self.executors[name] {
                configuration.maxThreads = maxThreads
            } else {
                attributes.report(
                    .error,
                    "there is no <Executor> with the name \"\(name)\"",
                    "executor",
                    suggestion: NearestName.find(name, among: self.executors.keys)
                )
            }
        }
    }

    private func applyLimits(_ attributes: CheckedAttributes, to configuration: inout ConnectorConfiguration) {
        func set(_ name: String, _ field: WritableKeyPath<ConnectorConfiguration, Int>) {
            if let value = attributes.integer(name) { configuration[keyPath: field] = value }
        }
        set("acceptCount", \.acceptCount)
        set("maxConnections", \.maxConnections)
        set("maxThreads", \.maxThreads)
        set("maxKeepAliveRequests", \.maxKeepAliveRequests)
        set("maxHttpHeaderSize", \.maxHttpRequestHeaderSize)
        set("maxHttpHeaderSize", \.maxHttpResponseHeaderSize)
        if let size = attributes.integer("maxHttpRequestHeaderSize"), size > 0 { configuration.maxHttpRequestHeaderSize = size }
        if let size = attributes.integer("maxHttpResponseHeaderSize"), size > 0 { configuration.maxHttpResponseHeaderSize = size }
        set("maxHeaderCount", \.maxHeaderCount)
        set("maxTrailerSize", \.maxTrailerSize)
        set("maxExtensionSize", \.maxExtensionSize)
        set("maxPostSize", \.maxPostSize)
        set("maxSavePostSize", \.maxSavePostSize)
        set("maxParameterCount", \.maxParameterCount)
        set("maxSwallowSize", \.maxSwallowSize)
        set("serval.minimumDataRate", \.minimumDataRate)
        set("proxyPort", \.proxyPort)
        set("redirectPort", \.redirectPort)
    }

    private func applyTimes(_ attributes: CheckedAttributes, to configuration: inout ConnectorConfiguration) {
        configuration.connectionTimeout = attributes.milliseconds("connectionTimeout") ?? configuration.connectionTimeout
        configuration.keepAliveTimeout = attributes.milliseconds("keepAliveTimeout")
        configuration.connectionUploadTimeout = attributes.milliseconds("connectionUploadTimeout") ?? configuration.connectionUploadTimeout
        configuration.disableUploadTimeout = attributes.boolean("disableUploadTimeout") ?? configuration.disableUploadTimeout
        configuration.minimumDataRateGracePeriod =
            attributes.milliseconds("serval.minimumDataRateGracePeriod") ?? configuration.minimumDataRateGracePeriod
    }

    private func applyProtocol(_ attributes: CheckedAttributes, to configuration: inout ConnectorConfiguration) {
        switch attributes.choice("continueResponseTiming") {
        case "onread": configuration.continueResponseTiming = .onRead
        case "always":
            attributes.report(.warning, "continueResponseTiming \"always\" is taken as \"immediately\"", "continueResponseTiming")
        default: break
        }
        configuration.allowTrace = attributes.boolean("allowTrace") ?? configuration.allowTrace
        configuration.relaxedPathChars = self.relaxed("relaxedPathChars", attributes)
        configuration.relaxedQueryChars = self.relaxed("relaxedQueryChars", attributes)
        configuration.strictSNI = attributes.boolean("strictSni") ?? configuration.strictSNI
        configuration.server = attributes.nonEmpty("server")
        if let server = configuration.server, server.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
            attributes.report(.error, "the attribute \"server\" must not contain control characters", "server")
            configuration.server = nil
        }
        configuration.serverRemoveAppProvidedValues =
            attributes.boolean("serverRemoveAppProvidedValues") ?? configuration.serverRemoveAppProvidedValues
        configuration.useKeepAliveResponseHeader = attributes.boolean("useKeepAliveResponseHeader") ?? configuration.useKeepAliveResponseHeader
        configuration.scheme = attributes.nonEmpty("scheme") ?? configuration.scheme
        configuration.secure = attributes.boolean("secure") ?? configuration.secure
        configuration.proxyName = attributes.nonEmpty("proxyName")
    }

    private func relaxed(_ name: String, _ attributes: CheckedAttributes) -> String {
        guard let value = attributes.text(name) else { return "" }
        let others = value.filter { !ConnectorConfiguration.relaxableCharacters.contains($0) && !$0.isWhitespace && $0 != "," }
        if !others.isEmpty {
            attributes.report(.warning, "\(name) can relax only \(ConnectorConfiguration.relaxableCharacters); ignored: \(others)", name)
        }
        return value.filter { ConnectorConfiguration.relaxableCharacters.contains($0) }
    }

    private func applySockets(_ attributes: CheckedAttributes, to configuration: inout ConnectorConfiguration) {
        configuration.tcpNoDelay = attributes.boolean("tcpNoDelay") ?? attributes.boolean("socket.tcpNoDelay") ?? configuration.tcpNoDelay
        configuration.soKeepAlive = attributes.boolean("socket.soKeepAlive")
        configuration.soReuseAddress = attributes.boolean("socket.soReuseAddress") ?? configuration.soReuseAddress
        configuration.txBufSize = attributes.integer("socket.txBufSize")
        configuration.rxBufSize = attributes.integer("socket.rxBufSize")
    }
}
