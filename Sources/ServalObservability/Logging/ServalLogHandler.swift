public import Logging

/// How log lines look.
public enum LogFormat: String, Sendable, Hashable, CaseIterable {
    /// `21-Nov-2026 03:15:42.123 INFO serval.connector message key=value`, with local time, for people.
    case text
    /// One JSON object a line, flat, with UTC: `{"ts":"…","level":"info","logger":"serval.tls","msg":"…","key":"value"}`.
    case json
}

/// Writes log lines through a ``LogWriter``.
///
/// What comes from outside cannot break lines; values marked ``Sensitivity/sensitive`` and values under keys that name secrets are not written, nor are
/// session ids in URLs.
public struct ServalLogHandler: LogHandler {
    /// What every line of this logger carries.
    public var metadata: Logger.Metadata = [:]
    /// Adds metadata to every line; weaker than that of the line itself.
    public var metadataProvider: Logger.MetadataProvider?
    private let label: String
    private let format: LogFormat
    private let writer: LogWriter
    /// `nil` for nothing.
    private var level: Logger.Level?

    /// A handler.
    ///
    /// - Parameters:
    ///   - label: the logger's name.
    ///   - format: how lines look.
    ///   - level: the least severe level that is written; `nil` writes nothing until somebody sets ``logLevel``.
    ///   - writer: where lines go. Default standard error.
    ///   - metadataProvider: adds metadata to every line.
    public init(
        label: String,
        format: LogFormat = .text,
        level: Logger.Level? = .info,
        writer: LogWriter = .standardError,
        metadataProvider: Logger.MetadataProvider? = nil
    ) {
        self.label = label
        self.format = format
        self.level = level
        self.writer = writer
        self.metadataProvider = metadataProvider
    }

    /// Makes all loggers of the process write through this handler; to be called once, before the first logger is made.
    ///
    /// - Parameters:
    ///   - format: how lines look.
    ///   - writer: where lines go.
    ///   - level: the least severe level for a label; `nil` for none. For `logging.properties`: `{ loaded.logging.level(for: $0) }`.
    public static func bootstrap(
        format: LogFormat,
        writer: LogWriter = .standardError,
        level: @escaping @Sendable (_ label: String) -> Logger.Level?
    ) {
        LoggingSystem.bootstrap(
            { label, provider in ServalLogHandler(label: label, format: format, level: level(label), writer: writer, metadataProvider: provider) },
            metadataProvider: LoggingSystem.metadataProvider
        )
    }

    /// One value of ``metadata``.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    /// The least severe level that is written; setting it replaces what the configuration says.
    public var logLevel: Logger.Level {
        get { self.level ?? .critical }
        set { self.level = newValue }
    }

    /// Writes a line, if its level is to be written.
    public func log(event: LogEvent) {
        guard let level, event.level >= level else { return }
        var metadata = self.metadata
        if let provided = self.metadataProvider?.get() { metadata.merge(provided) { _, stronger in stronger } }
        if let own = event.metadata { metadata.merge(own) { _, stronger in stronger } }
        if let error = event.error { metadata["error"] = "\(error)" }
        let line = LogLine(label: self.label, level: event.level, message: event.message.description, metadata: metadata, time: .now)
        self.writer.write(self.format == .json ? line.json : line.text)
    }
}
