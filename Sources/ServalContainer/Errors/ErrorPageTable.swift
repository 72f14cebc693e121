import ServalServlet

/// The `<error-page>`s of an application.
///
/// Source: Servlet 6.1 §10.9.
struct ErrorPageTable: Sendable {
    private var byStatus: [Int: String] = [:]
    private var byType: [String: String] = [:]
    /// The page that names neither a status nor a type.
    private var fallback: String?

    init(_ pages: [ApplicationDescriptor.ErrorPage]) {
        for page in pages {
            let location = page.location.hasPrefix("/") ? page.location : "/" + page.location
            if let type = page.exceptionType {
                self.byType[type] = location
            } else if let status = page.status {
                self.byStatus[status] = location
            } else {
                self.fallback = location
            }
        }
    }

    /// The page for a status, or for an error that was thrown: by its type's name with or without module, then as any error, then by the status.
    func location(status: Int, error: (any Error)?) -> String? {
        if let error, !self.byType.isEmpty {
            let names = [String(reflecting: type(of: error)), String(describing: type(of: error))] + Self.anyErrorNames
            for name in names {
                if let location = self.byType[name] { return location }
            }
        }
        return self.byStatus[status] ?? self.fallback
    }

    /// Names that stand for every error: Swift's, and those that descriptors from Java use.
    private static let anyErrorNames = ["Error", "Swift.Error", "java.lang.Exception", "java.lang.Throwable"]

    /// Sets the attributes that an error page reads.
    ///
    /// Source: Servlet 6.1 §10.9.1.
    static func setAttributes(of request: Request, response: Response, error: (any Error)?) {
        let prefix = "jakarta.servlet.error."
        request[RequestAttributeKey<Int>(prefix + "status_code")] = Int(response.status.code)
        request[RequestAttributeKey<String>(prefix + "message")] = response.error?.message ?? response.status.reasonPhrase
        request[RequestAttributeKey<String>(prefix + "exception_type")] = response.error?.errorType
        request[RequestAttributeKey<any Error>(prefix + "exception")] = error
        request[RequestAttributeKey<String>(prefix + "request_uri")] = request.path
        request[RequestAttributeKey<String>(prefix + "query_string")] = request.query
        request[RequestAttributeKey<String>(prefix + "method")] = request.method.rawValue
        request[RequestAttributeKey<String>(prefix + "servlet_name")] = request.mapping?.servletName ?? ""
    }
}
