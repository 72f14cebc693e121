extension AttributeTable {
    /// `<Store className="org.apache.catalina.session.FileStore">`.
    public static let fileStore = AttributeTable(
        element: "Store",
        className: "org.apache.catalina.session.FileStore",
        summary: "Keeps sessions in files, which several servers on one machine may share.",
        attributes: [
            AttributeDefinition("directory", .path, default: ".", note: "relative to the application's work directory; made if it is not there"),
            Self.connections,
            Self.timeout,
        ]
    )

    /// `<Store>` with a `connectionURL`.
    public static let databaseStore = AttributeTable(
        element: "Store",
        className: "org.apache.catalina.session.JDBCStore",
        summary: "Keeps sessions in the database that `connectionURL` names; the same as `org.apache.catalina.session.DataSourceStore`, "
            + "`serval.session.DatabaseStore` and no `className` at all.",
        attributes: [
            AttributeDefinition(
                "connectionURL",
                .secret,
                note: "`jdbc:postgresql://host/name`, `jdbc:mysql:`, `jdbc:mariadb:`, `redis://host/0`, `rediss:` (with TLS), or "
                    + "`jdbc:sqlite:` and a path, relative to the base directory; with `user`, `password` and TLS (`sslmode`, "
                    + "`sslrootcert`, `sslcert`, `sslkey`, `useSSL`, …) as the JDBC drivers have them"
            ),
            AttributeDefinition("connectionName", .text, note: "the user; stronger than the URL's"),
            AttributeDefinition("connectionPassword", .secret, note: "stronger than the URL's"),
            AttributeDefinition("serval.connectionPasswordFile", .path, note: "a file with the password in its first line; stronger than both"),
            AttributeDefinition(
                "dataSourceName",
                .text,
                note: "the name of a `<Resource type=\"javax.sql.DataSource\">` with `url`, `username` and `password`, instead of connectionURL"
            ),
            AttributeDefinition("sessionTable", .text, default: "tomcat$sessions", note: "made if it is not there; not with Redis, as the columns"),
            AttributeDefinition("sessionAppCol", .text, default: "app"),
            AttributeDefinition("sessionIdCol", .text, default: "id", note: "holds digests of ids: 64 characters"),
            AttributeDefinition("sessionDataCol", .text, default: "data"),
            AttributeDefinition("sessionValidCol", .text, default: "valid"),
            AttributeDefinition("sessionMaxInactiveCol", .text, default: "maxinactive"),
            AttributeDefinition("sessionLastAccessedCol", .text, default: "lastaccess"),
            Self.connections,
            Self.timeout,
        ] + AttributeDefinition.unused("driverName", "localDataSource")
    )

    private static let connections = AttributeDefinition(
        "serval.connections",
        .integer(1...64),
        default: "8",
        note: "how many operations run at once, each on a thread of its own"
    )
    private static let timeout = AttributeDefinition(
        "serval.timeout",
        .integer(1...300, unit: "seconds"),
        default: "5",
        note: "how long an operation may take, connecting included"
    )
}
