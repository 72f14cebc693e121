import ServalSessions

/// The functions of libmariadb that the store uses; it speaks to MySQL, too.
///
/// Source: `mysql.h` and `mariadb_stmt.h` of MariaDB Connector/C 3.
struct MySQLLibrary: Sendable {
    typealias Handle = OpaquePointer
    typealias Text = UnsafePointer<CChar>?

    /// Options of a connection.
    enum Option: Int32 {
        case connectTimeout = 0
        case charsetName = 7
        case localInfile = 8
        case networkProtocol = 9
        case readTimeout = 11
        case writeTimeout = 12
        case truncation = 19
        case verifyServerCertificate = 21
        case enforceTLS = 38
    }

    let makeHandle: @convention(c) (Handle?) -> Handle?
    let setOption: @convention(c) (Handle?, Int32, UnsafeRawPointer?) -> Int32
    let setTLS: @convention(c) (Handle?, Text, Text, Text, Text, Text) -> Int32
    let connect: @convention(c) (Handle?, Text, Text, Text, Text, UInt32, Text, UInt) -> Handle?
    let close: @convention(c) (Handle?) -> Void
    let cipher: @convention(c) (Handle?) -> UnsafePointer<CChar>?
    let errorNumber: @convention(c) (Handle?) -> UInt32
    let errorText: @convention(c) (Handle?) -> UnsafePointer<CChar>?
    let query: @convention(c) (Handle?, UnsafePointer<CChar>, UInt) -> Int32
    let makeStatement: @convention(c) (Handle?) -> Handle?
    let prepare: @convention(c) (Handle?, UnsafePointer<CChar>, UInt) -> Int32
    let parameterCount: @convention(c) (Handle?) -> UInt
    let bindParameters: @convention(c) (Handle?, UnsafeMutableRawPointer?) -> CChar
    let execute: @convention(c) (Handle?) -> Int32
    let bindResult: @convention(c) (Handle?, UnsafeMutableRawPointer?) -> CChar
    let storeResult: @convention(c) (Handle?) -> Int32
    let fetch: @convention(c) (Handle?) -> Int32
    let fetchColumn: @convention(c) (Handle?, UnsafeMutableRawPointer?, UInt32, UInt) -> Int32
    let freeResult: @convention(c) (Handle?) -> CChar
    let closeStatement: @convention(c) (Handle?) -> CChar
    let statementErrorNumber: @convention(c) (Handle?) -> UInt32
    let statementErrorText: @convention(c) (Handle?) -> UnsafePointer<CChar>?
    let affectedRows: @convention(c) (Handle?) -> UInt64
    let resultMetadata: @convention(c) (Handle?) -> Handle?
    let fieldCount: @convention(c) (Handle?) -> UInt32
    let fields: @convention(c) (Handle?) -> UnsafeRawPointer?
    let freeMetadata: @convention(c) (Handle?) -> Void

    /// Loads it, once for the process.
    static func load() throws(SessionError) -> Self { try Self.loaded.get() }

    private static let loaded = Result { () throws(SessionError) in try MySQLLibrary() }

    private init() throws(SessionError) {
        #if canImport(Darwin)
            let folders = ["", "/opt/homebrew/opt/mariadb-connector-c/lib/mariadb/", "/usr/local/opt/mariadb-connector-c/lib/mariadb/"]
            let names = folders.map { $0 + "libmariadb.3.dylib" }
        #else
            let names = ["libmariadb.so.3"]
        #endif
        let library = try DynamicLibrary(names, purpose: "a session store in MySQL or MariaDB", package: "libmariadb3")
        // Before any thread makes a connection.
        let start: @convention(c) (Int32, UnsafeRawPointer?, UnsafeRawPointer?) -> Int32 = try library.function("mysql_server_init")
        _ = start(0, nil, nil)
        self.makeHandle = try library.function("mysql_init")
        self.setOption = try library.function("mysql_options")
        self.setTLS = try library.function("mysql_ssl_set")
        self.connect = try library.function("mysql_real_connect")
        self.close = try library.function("mysql_close")
        self.cipher = try library.function("mysql_get_ssl_cipher")
        self.errorNumber = try library.function("mysql_errno")
        self.errorText = try library.function("mysql_error")
        self.query = try library.function("mysql_real_query")
        self.makeStatement = try library.function("mysql_stmt_init")
        self.prepare = try library.function("mysql_stmt_prepare")
        self.parameterCount = try library.function("mysql_stmt_param_count")
        self.bindParameters = try library.function("mysql_stmt_bind_param")
        self.execute = try library.function("mysql_stmt_execute")
        self.bindResult = try library.function("mysql_stmt_bind_result")
        self.storeResult = try library.function("mysql_stmt_store_result")
        self.fetch = try library.function("mysql_stmt_fetch")
        self.fetchColumn = try library.function("mysql_stmt_fetch_column")
        self.freeResult = try library.function("mysql_stmt_free_result")
        self.closeStatement = try library.function("mysql_stmt_close")
        self.statementErrorNumber = try library.function("mysql_stmt_errno")
        self.statementErrorText = try library.function("mysql_stmt_error")
        self.affectedRows = try library.function("mysql_stmt_affected_rows")
        self.resultMetadata = try library.function("mysql_stmt_result_metadata")
        self.fieldCount = try library.function("mysql_num_fields")
        self.fields = try library.function("mysql_fetch_fields")
        self.freeMetadata = try library.function("mysql_free_result")
    }
}
