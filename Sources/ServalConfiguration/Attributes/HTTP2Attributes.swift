extension AttributeTable {
    /// `<UpgradeProtocol>` for HTTP/2.
    public static let upgradeProtocol = AttributeTable(
        element: "UpgradeProtocol",
        className: "org.apache.coyote.http2.Http2Protocol",
        summary: """
            HTTP/2, besides HTTP/1.1: over TLS for clients that agree to h2 (ALPN), on other ports for clients that know beforehand or ask by Upgrade: h2c. \
            The limits of requests are the Connector's.
            """,
        attributes: [
            AttributeDefinition("className", .className, isRequired: true),
            AttributeDefinition("allowSchemeMismatch", .boolean, default: "false", note: "for proxies that end TLS in front of this port"),
            AttributeDefinition(
                "drainTimeout",
                .integer(0...Int.max, unit: "nanoseconds"),
                default: "0",
                note: "0 is the time of one round trip, at most a second"
            ),
            AttributeDefinition(
                "initialWindowSize",
                .integer(1...Int(Int32.max), unit: "bytes"),
                default: "65535",
                note: "what a client may send of a body before the application reads it"
            ),
            AttributeDefinition("keepAliveTimeout", .millisecondsOrNever, default: "20000"),
            AttributeDefinition("maxConcurrentStreamExecution", .integer(1...Int(Int32.max)), default: "20"),
            AttributeDefinition(
                "maxConcurrentStreams",
                .integer(1...Int(Int32.max)),
                default: "100",
                note: "further ones are answered with REFUSED_STREAM"
            ),
            AttributeDefinition("maxHeaderCount", .countOrUnlimited, note: "the Connector's if left out"),
            AttributeDefinition("maxTrailerCount", .countOrUnlimited, default: "100"),
            AttributeDefinition("overheadContinuationThreshold", .integer(-1...Int(Int32.max), unit: "bytes"), default: "1024"),
            AttributeDefinition(
                "overheadCountFactor",
                .integer(-1...1_000_000),
                default: "10",
                note: "work done before is worth at most 100 times this; below 1: no count, but still at most 256 control frames a second"
            ),
            AttributeDefinition("overheadDataThreshold", .integer(-1...Int(Int32.max), unit: "bytes"), default: "1024"),
            AttributeDefinition(
                "overheadResetFactor",
                .integer(-1...1_000_000),
                default: "50",
                note: "also for streams that the client makes the server reset"
            ),
            AttributeDefinition("overheadWindowUpdateThreshold", .integer(-1...Int(Int32.max), unit: "bytes"), default: "1024"),
            AttributeDefinition("readTimeout", .millisecondsOrNever, default: "5000"),
            AttributeDefinition(
                "serval.allowUpgrade",
                .boolean,
                default: "false",
                note:
                    "Upgrade: h2c, which Tomcat always takes; RFC 9113 has given it up, and proxies that pass it on let clients past their own rules. Serval's own"
            ),
            AttributeDefinition("streamReadTimeout", .millisecondsOrNever, default: "20000"),
            AttributeDefinition("streamWriteTimeout", .millisecondsOrNever, default: "20000"),
            AttributeDefinition("writeTimeout", .millisecondsOrNever, default: "5000"),
            .notYet("allowedTrailerHeaders", note: "all trailer fields reach the application"),
            .notYet("compressibleMimeType"),
            .notYet("compression", default: "off"),
            .notYet("compressionMinSize", .bytes, default: "2048"),
            .notYet("maxHeaderSize", .bytes, note: "give maxHttpRequestHeaderSize on Connector"),
            .notYet("maxTrailerSize", .bytes, note: "give it on Connector"),
            .notYet("noCompressionUserAgents"),
        ] + AttributeDefinition.unused("discardRequestsAndResponses", "useSendfile")
    )
}
