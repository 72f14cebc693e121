package import ServalSessions

/// The table that keeps sessions: Tomcat's, with two more columns where Serval made it.
///
/// A row is a session; its key is the digest of the id, and the column with the data says everything. The other columns are copies, for indexes and for people.
/// So the documents' table works as it is; without the columns ``deadlineColumn`` and ``principalColumn`` its rows are searched one by one.
///
/// Of an expired session that a server has claimed, the valid column says `0`, and the columns that tell when it expires tell when the claim ends: in either
/// case the moment from which on anybody may claim it.
public struct SQLSessionTable: Sendable, Hashable {
    /// The longest namespace, in characters: what the documents' column takes.
    public static let maximumNamespaceLength = 255

    /// The table (`sessionTable`).
    public var name = "tomcat$sessions"
    /// Names the application (`sessionAppCol`).
    public var appColumn = "app"
    /// The session's key (`sessionIdCol`): 64 hexadecimal digits.
    public var idColumn = "id"
    /// The session (`sessionDataCol`).
    public var dataColumn = "data"
    /// `1`, or `0` for an expired session that a server is about to remove (`sessionValidCol`).
    public var validColumn = "valid"
    /// Seconds from the last access until the session expires; zero for never (`sessionMaxInactiveCol`).
    public var maxInactiveColumn = "maxinactive"
    /// When the session was last accessed, in milliseconds since 1970 (`sessionLastAccessedCol`).
    public var lastAccessedColumn = "lastaccess"
    /// When the session expires, in milliseconds since 1970; `NULL` for never.
    ///
    /// Not in Tomcat's table.
    public var deadlineColumn = "deadline"
    /// The digest of the principal's name.
    ///
    /// Not in Tomcat's table.
    public var principalColumn = "principal"

    /// Tomcat's names.
    public init() {}
}

/// The statements on one application's sessions in a table, in a database's language.
package struct SQLSessionStatements: Sendable {
    package let dialect: SQLDialect
    package let namespace: String
    /// Whether the table has ``SQLSessionTable/deadlineColumn``; see ``notice(columns:)``.
    package private(set) var hasDeadline = false
    /// Whether the table has ``SQLSessionTable/principalColumn``.
    package private(set) var hasPrincipal = false

    private let names: SQLSessionTable
    private let table: String
    private let app: String
    private let id: String
    private let data: String
    private let valid: String
    private let maxInactive: String
    private let lastAccessed: String
    private let deadline: String
    private let principal: String

    /// - Throws: ``SessionError/Code/illegalSetting`` for names that no table or column has, and for a namespace that is too long.
    package init(_ names: SQLSessionTable, dialect: SQLDialect, namespace: String) throws(SessionError) {
        let all = [
            names.name, names.appColumn, names.idColumn, names.dataColumn, names.validColumn, names.maxInactiveColumn, names.lastAccessedColumn,
            names.deadlineColumn, names.principalColumn,
        ]
        for name in all where name.isEmpty || name.utf8.count > 63 || name.utf8.contains(0) {
            let reason = "'\(name.prefix(63))' cannot be the name of the session table or of one of its columns: it must have 1 to 63 bytes"
            throw SessionError(code: .illegalSetting, message: reason)
        }
        guard Set(all.dropFirst().map { $0.lowercased() }).count == all.count - 1 else {
            throw SessionError(code: .illegalSetting, message: "two columns of the session table '\(names.name)' have the same name")
        }
        guard namespace.unicodeScalars.count <= SQLSessionTable.maximumNamespaceLength, !namespace.utf8.contains(0) else {
            let reason =
                "the application's name '\(namespace.prefix(40))…' has more than \(SQLSessionTable.maximumNamespaceLength) characters or a NUL"
            throw SessionError(code: .illegalSetting, message: reason)
        }
        self.names = names
        self.dialect = dialect
        self.namespace = namespace
        // "schema.table" is how the documents name a table of another schema.
        self.table = names.name.split(separator: ".", omittingEmptySubsequences: false).map { dialect.quoted(String($0)) }.joined(separator: ".")
        self.app = dialect.quoted(names.appColumn)
        self.id = dialect.quoted(names.idColumn)
        self.data = dialect.quoted(names.dataColumn)
        self.valid = dialect.quoted(names.validColumn)
        self.maxInactive = dialect.quoted(names.maxInactiveColumn)
        self.lastAccessed = dialect.quoted(names.lastAccessedColumn)
        self.deadline = dialect.quoted(names.deadlineColumn)
        self.principal = dialect.quoted(names.principalColumn)
    }

    // MARK: The table

    /// Makes the table, with all columns and indexes, if it is missing.
    package var createTable: [SQLStatement] {
        var lines = [
            "\(self.id) \(self.dialect.digestType(100)) not null primary key",
            "\(self.app) \(self.dialect.nameType(SQLSessionTable.maximumNamespaceLength))",
            "\(self.data) \(self.dialect.bytesType)",
            "\(self.valid) char(1) not null",
            "\(self.maxInactive) int not null",
            "\(self.lastAccessed) bigint not null",
            "\(self.deadline) bigint",
            "\(self.principal) \(self.dialect.digestType(64))",
        ]
        let indexes = [(self.names.deadlineColumn, self.deadline), (self.names.principalColumn, self.principal)]
        if self.dialect == .mySQL {
            lines += indexes.map { "key \(self.dialect.quoted("\($0.0)_index")) (\(self.app), \($0.1))" }
            return [SQLStatement("create table if not exists \(self.table) (\(lines.joined(separator: ", "))) engine=InnoDB")]
        }
        // An index has a name of its own beside the tables.
        let bareName = String(self.names.name.split(separator: ".").last ?? "sessions")
        return [SQLStatement("create table if not exists \(self.table) (\(lines.joined(separator: ", ")))")]
            + indexes.map { index in
                let name = self.dialect.quoted("\(bareName)_\(index.0)")
                return SQLStatement("create index if not exists \(name) on \(self.table) (\(self.app), \(index.1))")
            }
    }

    /// A query without rows, whose columns are for ``notice(columns:)``; fails if there is no table.
    package var columns: SQLStatement { SQLStatement("select * from \(self.table) where 1 = 0") }

    /// Takes note of the table's columns.
    ///
    /// - Throws: ``SessionError/Code/illegalSetting`` naming the columns that are missing.
    package mutating func notice(columns: some Sequence<String>) throws(SessionError) {
        let present = Set(columns.map { $0.lowercased() })
        let needed = [
            ("sessionAppCol", self.names.appColumn), ("sessionIdCol", self.names.idColumn), ("sessionDataCol", self.names.dataColumn),
            ("sessionValidCol", self.names.validColumn), ("sessionMaxInactiveCol", self.names.maxInactiveColumn),
            ("sessionLastAccessedCol", self.names.lastAccessedColumn),
        ]
        let missing = needed.filter { !present.contains($0.1.lowercased()) }.map { "'\($0.1)' (\($0.0))" }
        guard missing.isEmpty else {
            let reason = "the session table '\(self.names.name)' lacks the column \(missing.joined(separator: ", ")); name the columns that it has"
            throw SessionError(code: .illegalSetting, message: reason)
        }
        self.hasDeadline = present.contains(self.names.deadlineColumn.lowercased())
        self.hasPrincipal = present.contains(self.names.principalColumn.lowercased())
    }

    /// Two columns, the names of the table's columns of texts and how many characters they take; `nil` where that is no limit.
    package var columnLengths: SQLStatement? {
        switch self.dialect {
        case .sqlite: return nil
        case .postgreSQL:
            // varchar and char; what they take lies above the length of a header.
            let text =
                "select cast(attname as text), cast(case when atttypid in (1042, 1043) and atttypmod > 4 then atttypmod - 4 end as bigint) "
                + "from pg_attribute where attrelid = cast(cast($1 as text) as regclass) and attnum > 0 and not attisdropped"
            return SQLStatement(text, [.text(self.table)])
        case .mySQL:
            let parts = self.names.name.split(separator: ".", maxSplits: 1).map(String.init)
            let text =
                "select column_name, cast(character_maximum_length as signed) from information_schema.columns "
                + "where table_schema = coalesce(?, database()) and table_name = ?"
            return SQLStatement(text, [parts.count > 1 ? .text(parts[0]) : .null, .text(parts.last ?? "")])
        }
    }

    /// Checks that the columns take what will be written to them.
    ///
    /// - Parameter lengths: the rows of ``columnLengths``.
    /// - Throws: ``SessionError/Code/illegalSetting`` naming those that are too narrow, and what to do.
    package func check(lengths rows: [[SQLValue]]) throws(SessionError) {
        var lengths: [String: Int64] = [:]
        for row in rows { if row.count == 2, let name = row[0].text, let length = row[1].integer { lengths[name.lowercased()] = length } }
        let digest = 2 * StoredSessionKey.length
        let needed = [
            (self.names.idColumn, "sessionIdCol", digest, self.dialect.digestType(digest) + " not null"),
            (
                self.names.appColumn, "sessionAppCol", self.namespace.unicodeScalars.count,
                self.dialect.nameType(SQLSessionTable.maximumNamespaceLength)
            ),
            (self.names.principalColumn, "", digest, self.dialect.digestType(digest)),
        ]
        let problems: [String] = needed.compactMap { name, attribute, count, type in
            guard let length = lengths[name.lowercased()], length < count else { return nil }
            let column = attribute.isEmpty ? "'\(name)'" : "'\(name)' (\(attribute))"
            return "the column \(column) takes \(length) characters, \(count) are needed: alter table \(self.table) "
                + self.dialect.changingType(of: self.dialect.quoted(name), to: type)
        }
        guard problems.isEmpty else {
            let reason = "the session table '\(self.names.name)' is too narrow: \(problems.joined(separator: "; "))"
            throw SessionError(code: .illegalSetting, message: reason)
        }
    }

    // MARK: One session

    /// One column: the session or, if the caller has its version, its first ``StoredSessionSummary/length`` bytes.
    package func load(_ key: StoredSessionKey, unless version: UInt64?) -> SQLStatement {
        var build = SQLBuilder(self.dialect)
        build.add("select ")
        if let version {
            build.add("case when substr(\(self.data), 5, 8) = ", .bytes(withUnsafeBytes(of: version.bigEndian) { Array($0) }))
            build.add(" then substr(\(self.data), 1, \(StoredSessionSummary.length)) else \(self.data) end")
        } else {
            build.add(self.data)
        }
        build.add(" from \(self.table)")
        self.addKey(key, to: &build)
        return build.statement
    }

    /// Three columns, valid, last access and the session; locks the row.
    package func lock(_ key: StoredSessionKey) -> SQLStatement {
        var build = SQLBuilder(self.dialect)
        build.add("select \(self.valid), \(self.lastAccessed), \(self.data) from \(self.table)")
        self.addKey(key, to: &build)
        build.add(self.dialect.forUpdate)
        return build.statement
    }

    /// One row if there is the session.
    package func exists(_ key: StoredSessionKey) -> SQLStatement {
        var build = SQLBuilder(self.dialect)
        build.add("select 1 from \(self.table)")
        // Also another application's row: the key is the table's.
        build.add(" where \(self.id) = ", .text(key.hexadecimal))
        return build.statement
    }

    /// Inserts a session; a row with its key is left as it is, or replaced.
    package func insert(_ session: StoredSession, encoded: [UInt8], replacing: Bool = false) -> SQLStatement {
        let values =
            [(self.id, SQLValue.text(session.key.hexadecimal)), (self.app, .text(self.namespace))] + self.values(of: session, encoded)
        var build = SQLBuilder(self.dialect)
        build.add("insert into \(self.table) (\(values.map(\.0).joined(separator: ", "))) values (")
        for (position, value) in values.enumerated() { build.add(position == 0 ? "" : ", ", value.1) }
        build.add(")")
        build.add(replacing ? self.dialect.replacing(self.id, values.dropFirst().map(\.0)) : self.dialect.ignoringConflict(self.id))
        return build.statement
    }

    /// Writes a session over the one that is there, which is not claimed any more.
    package func update(_ session: StoredSession, encoded: [UInt8]) -> SQLStatement {
        self.update(session.key, self.values(of: session, encoded))
    }

    /// Claims a session until a moment.
    package func claim(_ key: StoredSessionKey, until end: Timestamp) -> SQLStatement { self.update(key, self.dueValues(claim: end)) }

    /// Deletes a session.
    package func delete(_ key: StoredSessionKey) -> SQLStatement {
        var build = SQLBuilder(self.dialect)
        build.add("delete from \(self.table)")
        self.addKey(key, to: &build)
        return build.statement
    }

    // MARK: All sessions

    /// Two columns, id and session, of those that nobody has claimed and that may have expired, the earliest first; locks the rows, but for locked ones.
    package func due(at now: Timestamp, limit: Int) -> SQLStatement {
        // Seconds are added to seconds: an `int` times 1000 may be too much for a database. That is up to a second early, and the session itself decides.
        let due = self.hasDeadline ? self.deadline : "\(self.lastAccessed) / 1000 + \(self.maxInactive)"
        let moment = self.hasDeadline ? now.millisecondsSince1970 : now.millisecondsSince1970 / 1000
        var build = SQLBuilder(self.dialect)
        build.add("select \(self.id), \(self.data) from \(self.table)")
        self.addNamespace(to: &build)
        if !self.hasDeadline { build.add(" and \(self.maxInactive) > 0") }
        build.add(" and \(due) <= ", .integer(moment))
        build.add(" order by \(due) limit \(max(0, min(limit, 100_000)))\(self.dialect.forUpdateOfFreeRows)")
        return build.statement
    }

    /// Two columns, id and session, of a principal's sessions.
    package func sessions(ofPrincipal principal: String) -> SQLStatement {
        var build = SQLBuilder(self.dialect)
        build.add("select \(self.id), \(self.data) from \(self.table)")
        self.addNamespace(to: &build)
        if self.hasPrincipal {
            build.add(" and \(self.principal) = ", .text(principal))
        } else {
            // The principal follows what a summary has, after its length.
            let bytes = withUnsafeBytes(of: UInt32(truncatingIfNeeded: principal.utf8.count).bigEndian) { Array($0) } + Array(principal.utf8)
            build.add(" and substr(\(self.data), \(StoredSessionSummary.length + 1), \(bytes.count)) = ", .bytes(bytes))
        }
        return build.statement
    }

    /// One column: the number of sessions.
    package var count: SQLStatement {
        var build = SQLBuilder(self.dialect)
        build.add("select count(*) from \(self.table)")
        self.addNamespace(to: &build)
        return build.statement
    }

    /// One column: the number of rows that Tomcat wrote, which nobody else can read.
    package var foreignCount: SQLStatement {
        var build = SQLBuilder(self.dialect)
        build.add("select count(*) from \(self.table) where \(self.app) = ", .text(self.namespace))
        build.add(" and length(\(self.id)) <> 64")
        return build.statement
    }

    /// Deletes all sessions, but for rows that Tomcat wrote.
    package var deleteAll: SQLStatement {
        var build = SQLBuilder(self.dialect)
        build.add("delete from \(self.table)")
        self.addNamespace(to: &build)
        return build.statement
    }

    // MARK: Parts

    private func addKey(_ key: StoredSessionKey, to build: inout SQLBuilder) {
        build.add(" where \(self.id) = ", .text(key.hexadecimal))
        build.add(" and \(self.app) = ", .text(self.namespace))
    }

    private func addNamespace(to build: inout SQLBuilder) {
        build.add(" where \(self.app) = ", .text(self.namespace))
        if let (before, behind) = self.dialect.isExactly(self.app) {
            build.add(before, .text(self.namespace))
            build.add(behind)
        }
        // Tomcat's own rows have ids of 32 digits.
        build.add(" and length(\(self.id)) = 64")
    }

    private func update(_ key: StoredSessionKey, _ values: [(String, SQLValue)]) -> SQLStatement {
        var build = SQLBuilder(self.dialect)
        build.add("update \(self.table) set ")
        for (position, value) in values.enumerated() { build.add("\(position == 0 ? "" : ", ")\(value.0) = ", value.1) }
        self.addKey(key, to: &build)
        return build.statement
    }

    private func values(of session: StoredSession, _ encoded: [UInt8]) -> [(String, SQLValue)] {
        var values: [(String, SQLValue)] = [(self.data, .bytes(encoded))]
        values += self.dueValues(of: session)
        if self.hasPrincipal { values.append((self.principal, session.principal.map { .text($0) } ?? .null)) }
        return values
    }

    private func dueValues(of session: StoredSession) -> [(String, SQLValue)] {
        let accessed = session.lastAccessed.millisecondsSince1970
        var values: [(String, SQLValue)] = [(self.valid, .text("1")), (self.lastAccessed, .integer(accessed))]
        values.append((self.maxInactive, .integer(Self.seconds(until: session.deadline, from: accessed))))
        if self.hasDeadline { values.append((self.deadline, session.deadline.map { .integer($0.millisecondsSince1970) } ?? .null)) }
        return values
    }

    private func dueValues(claim end: Timestamp) -> [(String, SQLValue)] {
        let moment = end.millisecondsSince1970
        let accessed = end.advanced(by: .zero - Self.claimedFor).millisecondsSince1970
        var values: [(String, SQLValue)] = [(self.valid, .text("0")), (self.lastAccessed, .integer(accessed)), (self.maxInactive, .integer(1))]
        if self.hasDeadline { values.append((self.deadline, .integer(moment))) }
        return values
    }

    /// What the columns of a claimed session say of its idle time, the least that is not "never".
    static let claimedFor = Duration.seconds(1)

    /// At least one, as zero is never; never for more than the column takes, 68 years.
    private static func seconds(until deadline: Timestamp?, from moment: Int64) -> Int64 {
        guard let deadline else { return 0 }
        let (difference, overflow) = deadline.millisecondsSince1970.subtractingReportingOverflow(moment)
        if overflow { return deadline.millisecondsSince1970 < moment ? 1 : 0 }
        let seconds = max(1, difference / 1000)
        return seconds <= Int32.max ? seconds : 0
    }
}

/// Puts a statement together.
private struct SQLBuilder {
    private(set) var statement = SQLStatement("")
    private let dialect: SQLDialect

    init(_ dialect: SQLDialect) { self.dialect = dialect }

    mutating func add(_ text: String) { self.statement.text += text }

    mutating func add(_ text: String, _ parameter: SQLValue) {
        self.statement.parameters.append(parameter)
        self.statement.text += text + self.dialect.placeholder(self.statement.parameters.count)
    }
}
