import ServalSessions
import Testing

@testable import ServalSQLStore

/// Statements in the three languages.
@Suite("SQL statements")
struct SQLSessionStatementsTests {
    private let key = StoredSessionKey(SessionID(rawValue: "A"), namespace: "/shop")

    private func statements(_ dialect: SQLDialect, columns: [String] = []) throws -> SQLSessionStatements {
        var statements = try SQLSessionStatements(SQLSessionTable(), dialect: dialect, namespace: "/shop")
        try statements.notice(columns: ["app", "ID", "data", "valid", "maxinactive", "lastaccess"] + columns)
        return statements
    }

    private func session(deadline: Int64?) -> StoredSession {
        StoredSession(
            key: self.key,
            version: 1,
            lastAccessed: Timestamp(millisecondsSince1970: 10_500),
            deadline: deadline.map { Timestamp(millisecondsSince1970: $0) },
            principal: "p",
            head: [],
            attributes: [:]
        )
    }

    @Test("Names are quoted, values are parameters")
    func languages() throws {
        let hexadecimal = self.key.hexadecimal
        let sqlite = try self.statements(.sqlite).lock(self.key)
        #expect(sqlite.text == #"select "valid", "lastaccess", "data" from "tomcat$sessions" where "id" = ? and "app" = ?"#)
        #expect(sqlite.parameters == [.text(hexadecimal), .text("/shop")])
        let postgreSQL = try self.statements(.postgreSQL).lock(self.key)
        #expect(postgreSQL.text == #"select "valid", "lastaccess", "data" from "tomcat$sessions" where "id" = $1 and "app" = $2 for update"#)
        let mySQL = try self.statements(.mySQL).lock(self.key)
        #expect(mySQL.text == "select `valid`, `lastaccess`, `data` from `tomcat$sessions` where `id` = ? and `app` = ? for update")
        let due = try self.statements(.postgreSQL).due(at: Timestamp(millisecondsSince1970: 5999), limit: 7)
        #expect(due.text.contains(#""lastaccess" / 1000 + "maxinactive" <= $2"#) && due.text.hasSuffix("limit 7 for update skip locked"))
        #expect(due.parameters.last == .integer(5))
        let indexed = try self.statements(.mySQL, columns: ["Deadline"]).due(at: Timestamp(millisecondsSince1970: 5999), limit: 7)
        #expect(indexed.text.contains("`deadline` <= ?") && indexed.parameters.last == .integer(5999))
    }

    @Test("The columns tell when a session may be claimed")
    func columns() throws {
        func values(_ deadline: Int64?) throws -> [SQLValue] {
            try self.statements(.sqlite).insert(self.session(deadline: deadline), encoded: [7]).parameters
        }
        let start: [SQLValue] = [.text(self.key.hexadecimal), .text("/shop"), .bytes([7]), .text("1"), .integer(10_500)]
        #expect(try values(nil) == start + [.integer(0)])
        #expect(try values(12_400) == start + [.integer(1)])
        #expect(try values(1810_500) == start + [.integer(1800)])
        #expect(try values(0) == start + [.integer(1)], "zero would be never")
        #expect(try values(.max) == start + [.integer(0)], "more than the column takes")
        #expect(try values(.min) == start + [.integer(1)])
        let claim = try self.statements(.sqlite, columns: ["deadline", "principal"]).claim(self.key, until: Timestamp(millisecondsSince1970: 70_000))
        #expect(claim.parameters.prefix(4) == [.text("0"), .integer(69_000), .integer(1), .integer(70_000)])
    }

    @Test("Columns that are too narrow are told, with what to do")
    func narrowColumns() throws {
        let postgreSQL = try self.statements(.postgreSQL, columns: ["principal"])
        let enough: [[SQLValue]] = [
            [.text("id"), .integer(64)], [.text("app"), .integer(5)], [.text("data"), .null], [.text("valid"), .integer(1)],
        ]
        try postgreSQL.check(lengths: enough)
        try postgreSQL.check(lengths: [])
        func message(_ statements: SQLSessionStatements, _ rows: [[SQLValue]]) -> String {
            let error = #expect(throws: SessionError.self) { try statements.check(lengths: rows) }
            #expect(error?.code == .illegalSetting)
            return error?.message ?? ""
        }
        let id = message(postgreSQL, [[.text("ID"), .integer(40)], [.text("app"), .integer(4)]])
        #expect(id.contains("'tomcat$sessions'") && id.contains("'id' (sessionIdCol) takes 40 characters, 64 are needed"))
        #expect(id.contains(#"alter table "tomcat$sessions" alter column "id" type varchar(64)"#))
        #expect(id.contains("'app' (sessionAppCol) takes 4 characters, 5 are needed"))
        let mySQL = message(try self.statements(.mySQL), [[.text("id"), .integer(63)]])
        #expect(mySQL.hasSuffix("alter table `tomcat$sessions` modify `id` varchar(64) character set ascii collate ascii_bin not null"))
        #expect(message(postgreSQL, [[.text("principal"), .integer(32)]]).contains("'principal' takes 32 characters"))
        #expect(try self.statements(.sqlite).columnLengths == nil, "SQLite takes what comes")
        var table = SQLSessionTable()
        table.name = "other.sessions"
        let statement = try SQLSessionStatements(table, dialect: .mySQL, namespace: "").columnLengths
        #expect(statement?.parameters == [.text("other"), .text("sessions")])
    }

    @Test("Names and namespaces that cannot work are refused")
    func refusals() throws {
        func error(_ change: (inout SQLSessionTable) -> Void, _ namespace: String = "") -> SessionError? {
            var table = SQLSessionTable()
            change(&table)
            return #expect(throws: SessionError.self) { try SQLSessionStatements(table, dialect: .sqlite, namespace: namespace) }
        }
        #expect(error { $0.name = "" }?.code == .illegalSetting)
        #expect(error { $0.dataColumn = "a\u{0}" }?.code == .illegalSetting)
        #expect(error { $0.dataColumn = String(repeating: "x", count: 64) }?.code == .illegalSetting)
        #expect(error { $0.dataColumn = "ID" }?.message.contains("same name") == true)
        #expect(error({ _ in }, String(repeating: "n", count: 256))?.code == .illegalSetting)
        var table = SQLSessionTable()
        table.name = #"a"b`c.d"#
        #expect(try SQLSessionStatements(table, dialect: .sqlite, namespace: "").columns.text.contains(#""a""b`c"."d""#))
        #expect(try SQLSessionStatements(table, dialect: .mySQL, namespace: "").columns.text.contains(#"`a"b``c`.`d`"#))
        var statements = try SQLSessionStatements(SQLSessionTable(), dialect: .sqlite, namespace: "")
        let missing = #expect(throws: SessionError.self) { try statements.notice(columns: ["id", "app", "data"]) }
        #expect(missing?.message.contains("'valid' (sessionValidCol)") == true)
    }
}
