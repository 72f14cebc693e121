/// What the databases' languages differ in.
package enum SQLDialect: Sendable, Hashable {
    case sqlite, postgreSQL, mySQL

    /// A name of a table or column as the operator wrote it, safe within a statement.
    func quoted(_ name: String) -> String {
        let mark = self == .mySQL ? "`" : "\""
        // PostgreSQL folds a name that is not quoted, which is how the documents' tables were made.
        let name = self == .postgreSQL ? name.lowercased() : name
        return mark + name.split(separator: mark, omittingEmptySubsequences: false).joined(separator: mark + mark) + mark
    }

    /// The placeholder of the parameter at a position, from 1.
    func placeholder(_ position: Int) -> String { self == .postgreSQL ? "$\(position)" : "?" }

    var bytesType: String {
        switch self {
        case .sqlite: "blob"
        case .postgreSQL: "bytea"
        case .mySQL: "mediumblob"
        }
    }

    /// The type of a digest: bytes are compared, whatever the database's collation is.
    func digestType(_ length: Int) -> String { self == .mySQL ? "varchar(\(length)) character set ascii collate ascii_bin" : "varchar(\(length))" }

    /// The type of a name with all of Unicode, which is compared exactly.
    func nameType(_ length: Int) -> String { self == .mySQL ? "varchar(\(length)) character set utf8mb4 collate utf8mb4_bin" : "varchar(\(length))" }

    /// Behind "alter table": gives a column another type.
    func changingType(of column: String, to type: String) -> String {
        self == .mySQL
            ? "modify \(column) \(type)" : "alter column \(column) type \(type.split(separator: " ").first.map { String($0) } ?? type)"
    }

    /// Behind a query whose rows nobody else may change before the transaction ends; SQLite locks the whole database when a transaction begins.
    var forUpdate: String { self == .sqlite ? "" : " for update" }

    /// The same, without the rows that somebody else has locked.
    ///
    /// Source: PostgreSQL 9.5, MySQL 8.0, MariaDB 10.6.
    var forUpdateOfFreeRows: String { self == .sqlite ? "" : " for update skip locked" }

    /// Keeps others from making the table at the same time, until the transaction ends.
    var creationLock: SQLStatement? { self == .postgreSQL ? SQLStatement("select pg_advisory_xact_lock(7310573106)") : nil }

    /// The condition that a column of texts has exactly a value: some databases find letters equal that are not.
    func isExactly(_ column: String) -> (String, String)? {
        self == .mySQL ? (" and cast(convert(\(column) using utf8mb4) as binary) = cast(", " as binary)") : nil
    }

    /// Behind an `insert` that leaves a row alone that is there.
    func ignoringConflict(_ key: String) -> String {
        // Not "insert ignore", which cuts off what is too long.
        self == .mySQL ? " on duplicate key update \(key) = \(key)" : " on conflict do nothing"
    }

    /// Behind an `insert` that replaces a row that is there.
    func replacing(_ key: String, _ columns: [String]) -> String {
        switch self {
        case .mySQL: " on duplicate key update " + columns.map { "\($0) = values(\($0))" }.joined(separator: ", ")
        case .sqlite, .postgreSQL: " on conflict (\(key)) do update set " + columns.map { "\($0) = excluded.\($0)" }.joined(separator: ", ")
        }
    }
}
