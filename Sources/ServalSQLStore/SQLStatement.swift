package import ServalSessions

/// A statement with its parameters, as any of the databases' clients takes it.
package struct SQLStatement: Sendable, Hashable {
    /// The text, with the dialect's placeholders in the order of ``parameters``.
    package var text: String
    /// Keys, bytes and numbers never become part of the text.
    package var parameters: [SQLValue]

    package init(_ text: String, _ parameters: [SQLValue] = []) {
        self.text = text
        self.parameters = parameters
    }
}

/// A parameter, or a column of a row.
package enum SQLValue: Sendable, Hashable {
    case null
    case integer(Int64)
    case text(String)
    case bytes([UInt8])

    package var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
    package var text: String? { if case .text(let value) = self { value } else { nil } }
    package var bytes: [UInt8]? { if case .bytes(let value) = self { value } else { nil } }
}

/// A connection to a database within a transaction, which whoever calls begins and ends; blocks its thread.
package protocol SQLConnection {
    /// Runs a statement.
    ///
    /// - Returns: how many rows it inserted, changed or deleted.
    func execute(_ statement: SQLStatement) throws(SessionError) -> Int

    /// The rows of a query.
    func query(_ statement: SQLStatement) throws(SessionError) -> [[SQLValue]]
}
