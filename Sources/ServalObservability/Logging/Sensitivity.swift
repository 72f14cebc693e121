public import Logging

/// Marks a value in a log line's metadata that must not be written.
///
/// ```swift
/// logger.info("signed in", metadata: ["user": .attributed("\(name)", attributes: [Sensitivity.sensitive])])
/// ```
public enum Sensitivity: Int64, Sendable, Logger.MetadataValueAttributes.Attribute {
    /// Is written as `<redacted>`.
    case sensitive = 1
    /// Is written, whatever its key is called.
    case notSensitive = 2
}
