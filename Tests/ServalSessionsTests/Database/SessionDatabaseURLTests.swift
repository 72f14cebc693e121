import ServalSessions
import Testing

/// `connectionURL`, in the forms of the JDBC drivers.
@Suite("URLs of databases")
struct SessionDatabaseURLTests {
    private func database(_ url: String, warnings expected: Int = 0) throws -> SessionDatabase {
        var warnings: [String] = []
        let database = try SessionDatabase(url: url, warnings: &warnings)
        #expect(warnings.count == expected, "\(warnings)")
        return database
    }

    @Test(
        "Product, servers, name, user and password",
        arguments: [
            ("jdbc:mysql://localhost/session?user=tomcat&password=secret", "MySQL database 'session' at localhost:3306", "tomcat", "secret"),
            ("jdbc:mariadb://db:3307/session", "MySQL database 'session' at db:3307", nil, nil),
            ("jdbc:mysql://u%40:p%3aw@db/s", "MySQL database 's' at db:3306", "u@", "p:w"),
            ("JDBC:PostgreSQL://a:1,[::1]:2,c/s?user=a+b&password=%2B%26", "PostgreSQL database 's' at a:1,::1:2,c:5432", "a b", "+&"),
            ("jdbc:postgresql:sessions", "PostgreSQL database 'sessions' at localhost:5432", nil, nil),
            ("jdbc:postgresql:///sessions?unixSocket=/run/pg", "PostgreSQL database 'sessions' at /run/pg", nil, nil),
            ("jdbc:postgresql://host", "PostgreSQL database '' at host:5432", nil, nil),
            ("jdbc:sqlite:sessions.db", "SQLite database 'sessions.db'", nil, nil),
            ("jdbc:sqlite:/var/lib/s.db", "SQLite database '/var/lib/s.db'", nil, nil),
            ("jdbc:sqlite:file:a/b%20c", "SQLite database 'a/b c'", nil, nil),
            ("redis://cache:6380/3", "Redis database '3' at cache:6380", nil, nil),
            ("rediss://user:a+b@cache", "Redis database '0' at cache:6379", "user", "a+b"),
            ("redis://:secret@", "Redis database '0' at localhost:6379", nil, "secret"),
        ] as [(String, String, String?, String?)]
    )
    func parts(_ url: String, _ description: String, _ user: String?, _ password: String?) throws {
        let database = try self.database(url)
        #expect("\(database)" == description && String(reflecting: database) == description)
        #expect(database.user == user && database.password == password)
    }

    @Test(
        "TLS, by the drivers' parameters",
        arguments: [
            ("jdbc:postgresql:s", .preferred), ("jdbc:postgresql:s?sslmode=disable", .off), ("jdbc:postgresql:s?sslmode=verify-ca", .verifyCA),
            ("jdbc:postgresql:s?ssl=true", .verifyFull), ("jdbc:postgresql:s?ssl", .verifyFull), ("jdbc:postgresql:s?ssl=false", .off),
            ("jdbc:postgresql:s?sslrootcert=/ca.pem", .verifyFull), ("jdbc:postgresql:s?sslmode=require", .required),
            ("jdbc:mysql://h/s", .preferred), ("jdbc:mysql://h/s?useSSL=false", .off), ("jdbc:mysql://h/s?useSSL=true", .preferred),
            ("jdbc:mysql://h/s?useSSL=true&requireSSL=true", .required), ("jdbc:mysql://h/s?useSSL=true&verifyServerCertificate=true", .verifyCA),
            ("jdbc:mysql://h/s?sslMode=VERIFY_IDENTITY", .verifyFull), ("jdbc:mysql://h/s?sslMode=REQUIRED&useSSL=false", .required),
            ("jdbc:mariadb://h/s?useSSL=true", .verifyFull), ("jdbc:mariadb://h/s?sslMode=trust", .required),
            ("jdbc:mariadb://h/s?useSSL=true&serverSslCert=/ca.pem&disableSslHostnameVerification=true", .verifyCA),
            ("jdbc:mariadb://h/s?useSSL=true&trustServerCertificate=true", .required),
            ("redis://h", .off), ("rediss://h", .verifyFull), ("rediss://h?sslmode=verify-ca", .verifyCA), ("redis://h?ssl=true", .verifyFull),
        ] as [(String, SessionDatabase.TLS.Mode)]
    )
    func tls(_ url: String, _ mode: SessionDatabase.TLS.Mode) throws { #expect(try self.database(url).tls.mode == mode) }

    @Test("Files of certificates")
    func files() throws {
        let files = "sslmode=verify-full&sslrootcert=file:/ca.pem&sslcert=c.pem&sslkey=k.pem"
        let database = try self.database("jdbc:postgresql://h/s?\(files)&currentSchema=web")
        #expect(database.tls.rootCertificates == "/ca.pem" && database.tls.certificate == "c.pem" && database.tls.key == "k.pem")
        #expect(database.schema == "web")
    }

    @Test("What is not known is told once, and never with a part of a password")
    func warnings() throws {
        var warnings: [String] = []
        _ = try SessionDatabase(url: "jdbc:mysql://h/s?usename=x&autoReconnect=true&a%0Ab=1&password=pass&word=1&more", warnings: &warnings)
        #expect(warnings.count == 4)
        #expect(warnings.contains { $0.contains("'usename'") } && warnings.contains { $0.contains("'a?b'") })
        #expect(!warnings.contains { $0.contains("word'=") || $0.contains("more") })
    }

    @Test(
        "What cannot work is an error that shows no password",
        arguments: [
            "", "top-secret", "jdbc:oracle:thin:top-secret@h", "jdbc:mysql:", "jdbc:mysql://h", "jdbc:mysql://h:0/s?password=top-secret",
            "jdbc:mysql://h:70000/s", "jdbc:mysql://h:top-secret/s", "jdbc:mysql://user:top-secret:3306/s", "jdbc:mysql://user:top-secret@h o/s",
            "jdbc:mysql://user:top-secret@[::1/s", "jdbc:mysql://user:top-secret@[::1]x/s", "jdbc:mysql://h/s?password=top-secret%",
            "jdbc:mysql://h/s%00", "jdbc:mysql://h/s?password=%FFtop-secret", "jdbc:mysql://h/s?sslMode=top-secret",
            "jdbc:mysql://h/s?useSSL=top-secret", "redis://h/top-secret", "redis://h/-1", "rediss://h?sslmode=disable", "rediss://h?ssl=false",
            "jdbc:sqlite:", "jdbc:sqlite::memory:", "jdbc:sqlite:?password=top-secret",
            "jdbc:postgresql:s?sslrootcert=classpath:top-secret", "jdbc:postgresql:s?sslcert=/top-secret", "jdbc:postgresql:s?unixSocket=top-secret",
            "jdbc:postgresql://h/s\ntop-secret", "jdbc:postgresql://top-secret/\u{7F}", "jdbc:mysql://" + String(repeating: "a", count: 254) + "/s",
            "jdbc:mysql://" + String(repeating: "a,", count: 20) + "a/s", "jdbc:mysql://h/s?" + String(repeating: "a&", count: 300),
            "jdbc:mysql:loadbalance://u:top-secret@h1,h2/s", "jdbc:mysql:replication://u:top-secret@h/s", "jdbc:mysql:u:top-secret@h/s",
            "jdbc:mariadb:sequential://u:top-secret@h/s", "jdbc:postgresql:u/top-secret@h", "jdbc:mysql://u:1/top-secret@h/s",
            "redis://:1/top-secret@h",
            "redis://:12345?top-secret@h", "redis://:12345?a&top-secret@h/0", "jdbc:mysql://u:1?x&top-secret@h/s",
            "jdbc:mysql://h/s?password=top-secret" + String(repeating: "a", count: 10_000),
        ]
    )
    func hostile(_ url: String) {
        var warnings: [String] = []
        let error = #expect(throws: SessionError.self) { try SessionDatabase(url: url, warnings: &warnings) }
        #expect(error?.code == .illegalSetting)
        #expect(error?.message.contains("top-secret") == false && error?.message.hasPrefix("the connectionURL of the session store ") == true)
        #expect(!warnings.joined().contains("top-secret"))
    }
}
