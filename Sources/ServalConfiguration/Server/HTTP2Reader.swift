import ServalHTTP

/// Reads `<UpgradeProtocol>`.
struct HTTP2Reader {
    private static let className = "org.apache.coyote.http2.Http2Protocol"

    let scope: FileScope

    /// The settings of HTTP/2; `nil` where it is not configured.
    func read(_ elements: [XMLElement]) -> HTTP2Configuration? {
        var configuration: HTTP2Configuration?
        for element in elements {
            let attributes = CheckedAttributes(element, table: .upgradeProtocol, scope: self.scope)
            guard let name = attributes.text("className") else { continue }
            guard name == Self.className else {
                self.scope.report(
                    .error,
                    "the upgrade protocol \"\(name)\" is not known",
                    element,
                    suggestion: NearestName.find(name, among: [Self.className])
                )
                continue
            }
            guard configuration == nil else {
                self.scope.report(.warning, "HTTP/2 is configured more than once; the first <UpgradeProtocol> counts", element)
                continue
            }
            configuration = self.configuration(attributes)
        }
        return configuration
    }

    private func configuration(_ attributes: CheckedAttributes) -> HTTP2Configuration {
        var configuration = HTTP2Configuration()
        func set(_ name: String, _ field: WritableKeyPath<HTTP2Configuration, Int>) {
            if let value = attributes.integer(name) { configuration[keyPath: field] = value }
        }
        func set(_ name: String, _ field: WritableKeyPath<HTTP2Configuration, Duration>) {
            if let value = attributes.milliseconds(name) { configuration[keyPath: field] = value }
        }
        set("readTimeout", \.readTimeout)
        set("writeTimeout", \.writeTimeout)
        set("keepAliveTimeout", \.keepAliveTimeout)
        set("streamReadTimeout", \.streamReadTimeout)
        set("streamWriteTimeout", \.streamWriteTimeout)
        if let drain = attributes.integer("drainTimeout"), drain > 0 { configuration.drainTimeout = .nanoseconds(drain) }
        set("maxConcurrentStreams", \.maxConcurrentStreams)
        set("maxConcurrentStreamExecution", \.maxConcurrentStreamExecution)
        set("initialWindowSize", \.initialWindowSize)
        configuration.maxHeaderCount = attributes.integer("maxHeaderCount")
        set("maxTrailerCount", \.maxTrailerCount)
        configuration.allowSchemeMismatch = attributes.boolean("allowSchemeMismatch") ?? configuration.allowSchemeMismatch
        configuration.allowsUpgrade = attributes.boolean("serval.allowUpgrade") ?? configuration.allowsUpgrade
        set("overheadCountFactor", \.overheadCountFactor)
        set("overheadResetFactor", \.overheadResetFactor)
        set("overheadContinuationThreshold", \.overheadContinuationThreshold)
        set("overheadDataThreshold", \.overheadDataThreshold)
        set("overheadWindowUpdateThreshold", \.overheadWindowUpdateThreshold)
        return configuration
    }
}
