import ServalSessions

/// The functions of libpq that the store uses.
///
/// Source: `libpq-fe.h` of PostgreSQL 9.5 and later.
struct PostgreSQLLibrary: Sendable {
    typealias Handle = OpaquePointer
    typealias Strings = UnsafePointer<UnsafePointer<CChar>?>

    let connectStart: @convention(c) (Strings, Strings, Int32) -> Handle?
    let connectPoll: @convention(c) (Handle?) -> Int32
    let finish: @convention(c) (Handle?) -> Void
    let socket: @convention(c) (Handle?) -> Int32
    let status: @convention(c) (Handle?) -> Int32
    let transactionStatus: @convention(c) (Handle?) -> Int32
    let errorMessage: @convention(c) (Handle?) -> UnsafePointer<CChar>?
    let setErrorVerbosity: @convention(c) (Handle?, Int32) -> Int32
    let setNonblocking: @convention(c) (Handle?, Int32) -> Int32
    let setNoticeProcessor:
        @convention(c) (Handle?, @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<CChar>?) -> Void, UnsafeMutableRawPointer?)
            -> UnsafeMutableRawPointer?
    let sendPrepare: @convention(c) (Handle?, UnsafePointer<CChar>, UnsafePointer<CChar>, Int32, UnsafePointer<UInt32>?) -> Int32
    let sendQueryPrepared:
        @convention(c) (
            Handle?, UnsafePointer<CChar>, Int32, Strings?, UnsafePointer<Int32>?, UnsafePointer<Int32>?, Int32
        ) -> Int32
    let sendQuery: @convention(c) (Handle?, UnsafePointer<CChar>) -> Int32
    let flush: @convention(c) (Handle?) -> Int32
    let consumeInput: @convention(c) (Handle?) -> Int32
    let isBusy: @convention(c) (Handle?) -> Int32
    let result: @convention(c) (Handle?) -> Handle?
    let clear: @convention(c) (Handle?) -> Void
    let resultStatus: @convention(c) (Handle?) -> Int32
    let errorField: @convention(c) (Handle?, Int32) -> UnsafePointer<CChar>?
    let rowCount: @convention(c) (Handle?) -> Int32
    let columnCount: @convention(c) (Handle?) -> Int32
    let columnName: @convention(c) (Handle?, Int32) -> UnsafePointer<CChar>?
    let columnType: @convention(c) (Handle?, Int32) -> UInt32
    let isNull: @convention(c) (Handle?, Int32, Int32) -> Int32
    let length: @convention(c) (Handle?, Int32, Int32) -> Int32
    let value: @convention(c) (Handle?, Int32, Int32) -> UnsafePointer<UInt8>?
    let affectedRows: @convention(c) (Handle?) -> UnsafePointer<CChar>?

    /// Loads it, once for the process.
    static func load() throws(SessionError) -> Self { try Self.loaded.get() }

    private static let loaded = Result { () throws(SessionError) in try PostgreSQLLibrary() }

    private init() throws(SessionError) {
        #if canImport(Darwin)
            let names = ["libpq.5.dylib", "/opt/homebrew/opt/libpq/lib/libpq.5.dylib", "/usr/local/opt/libpq/lib/libpq.5.dylib"]
        #else
            let names = ["libpq.so.5"]
        #endif
        let library = try DynamicLibrary(names, purpose: "a session store in PostgreSQL", package: "libpq5")
        self.connectStart = try library.function("PQconnectStartParams")
        self.connectPoll = try library.function("PQconnectPoll")
        self.finish = try library.function("PQfinish")
        self.socket = try library.function("PQsocket")
        self.status = try library.function("PQstatus")
        self.transactionStatus = try library.function("PQtransactionStatus")
        self.errorMessage = try library.function("PQerrorMessage")
        self.setErrorVerbosity = try library.function("PQsetErrorVerbosity")
        self.setNonblocking = try library.function("PQsetnonblocking")
        self.setNoticeProcessor = try library.function("PQsetNoticeProcessor")
        self.sendPrepare = try library.function("PQsendPrepare")
        self.sendQueryPrepared = try library.function("PQsendQueryPrepared")
        self.sendQuery = try library.function("PQsendQuery")
        self.flush = try library.function("PQflush")
        self.consumeInput = try library.function("PQconsumeInput")
        self.isBusy = try library.function("PQisBusy")
        self.result = try library.function("PQgetResult")
        self.clear = try library.function("PQclear")
        self.resultStatus = try library.function("PQresultStatus")
        self.errorField = try library.function("PQresultErrorField")
        self.rowCount = try library.function("PQntuples")
        self.columnCount = try library.function("PQnfields")
        self.columnName = try library.function("PQfname")
        self.columnType = try library.function("PQftype")
        self.isNull = try library.function("PQgetisnull")
        self.length = try library.function("PQgetlength")
        self.value = try library.function("PQgetvalue")
        self.affectedRows = try library.function("PQcmdTuples")
    }
}
