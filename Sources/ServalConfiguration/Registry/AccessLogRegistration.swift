import Logging
import ServalContainer
import ServalServlet

/// How `<Valve className="org.apache.catalina.valves.AccessLogValve">` becomes one.
enum AccessLogRegistration {
    static let table = AttributeTable(
        element: "Valve",
        className: "org.apache.catalina.valves.AccessLogValve",
        summary: "Writes a line for every request into a file.",
        attributes: [
            AttributeDefinition("buffered", .boolean, default: "true"),
            AttributeDefinition("checkExists", .boolean, default: "false"),
            AttributeDefinition("condition", .text, note: "the same as conditionUnless"),
            AttributeDefinition("conditionIf", .text),
            AttributeDefinition("conditionUnless", .text),
            AttributeDefinition("directory", .path, default: "logs"),
            AttributeDefinition("fileDateFormat", .text, default: ".yyyy-MM-dd"),
            AttributeDefinition("maxDays", .integer(-1...Int(Int32.max), unit: "days"), default: "-1"),
            AttributeDefinition("pattern", .text, default: "common"),
            AttributeDefinition("prefix", .text, default: "access_log"),
            AttributeDefinition("renameOnRotate", .boolean, default: "false"),
            AttributeDefinition("requestAttributesEnabled", .boolean, default: "false"),
            AttributeDefinition("rotatable", .boolean, default: "true"),
            AttributeDefinition(
                "serval.writesSessionIds",
                .boolean,
                default: "false",
                note: "Serval's own: %S and the like write a digest otherwise"
            ),
            AttributeDefinition("suffix", .text, default: ""),
            .notYet("enabled", .boolean, default: "true"),
            .notYet("encoding", default: "UTF-8"),
            .notYet("ipv6Canonical", .boolean, default: "false"),
            .notYet("locale"),
            .notYet("resolveHosts", .boolean, default: "false"),
        ] + AttributeDefinition.unused("asyncSupported", "maxLogMessageBufferSize")
    )

    static func make(_ attributes: ComponentAttributes) throws -> any Valve {
        var configuration = AccessLogValve.Configuration()
        configuration.directory = attributes.path("directory") ?? FilePath.absolute(configuration.directory, base: attributes.base)
        configuration.prefix = attributes["prefix"] ?? configuration.prefix
        configuration.suffix = attributes["suffix"] ?? configuration.suffix
        configuration.pattern = attributes["pattern"] ?? configuration.pattern
        configuration.fileDateFormat = attributes["fileDateFormat"] ?? configuration.fileDateFormat
        configuration.rotatable = try attributes.boolean("rotatable", default: configuration.rotatable)
        configuration.renameOnRotate = try attributes.boolean("renameOnRotate", default: configuration.renameOnRotate)
        configuration.buffered = try attributes.boolean("buffered", default: configuration.buffered)
        configuration.conditionUnless = attributes["conditionUnless"] ?? attributes["condition"]
        configuration.conditionIf = attributes["conditionIf"]
        configuration.maxDays = try attributes.integer("maxDays", default: configuration.maxDays)
        configuration.checkExists = try attributes.boolean("checkExists", default: configuration.checkExists)
        configuration.requestAttributesEnabled = try attributes.boolean("requestAttributesEnabled", default: configuration.requestAttributesEnabled)
        configuration.writesSessionIDs = try attributes.boolean("serval.writesSessionIds", default: configuration.writesSessionIDs)
        return try AccessLogValve(configuration, logger: Logger(label: "serval.valves"))
    }
}
