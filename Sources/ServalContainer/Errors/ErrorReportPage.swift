import ServalServlet

/// The host's own error page: the status, its name and what the error says to the client.
///
/// Source: Tomcat's `ErrorReportValve`.
///
/// Unlike Tomcat's it shows neither a stack trace nor the server's version unless asked for.
struct ErrorReportPage: Sendable {
    /// Whether to tell the type of the error that a servlet threw.
    ///
    /// Attribute `showReport`.
    var showsReport = false
    /// Whether to name the server.
    ///
    /// Attribute `showServerInfo`.
    var showsServerInfo = false

    /// Replaces the body of a response that asks for an error page.
    ///
    /// Its fields, such as `Allow` and `Set-Cookie`, stay.
    func response(for response: Response) -> Response {
        var page = self.response(status: response.status, message: response.error?.message, errorType: response.error?.errorType)
        for field in response.headers where field.name != .contentType && field.name != .contentEncoding && field.name != .eTag {
            page.headers.append(field.name, field.value)
        }
        page.closesConnection = response.closesConnection
        return page
    }

    func response(status: HTTPResponse.Status, message: String?, errorType: String? = nil) -> Response {
        // 1xx, 204, 205 and 304 have no body (RFC 9110 §6.4.1); other statuses below 400 are no errors.
        guard status.code >= 400 else { return Response(status) }
        let reason = status.reasonPhrase.isEmpty ? "Error" : status.reasonPhrase
        let title = "HTTP Status \(status.code) \u{2013} \(HTMLText.escaped(reason))"
        var html = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>\(title)</title></head><body><h1>\(title)</h1>"
        if let message { html += "<p>\(HTMLText.escaped(message))</p>" }
        if self.showsReport, let errorType { html += "<p>Error type: <code>\(HTMLText.escaped(errorType))</code></p>" }
        if self.showsServerInfo { html += "<hr><p>Serval</p>" }
        html += "</body></html>"
        return Response(status, headers: [.contentType: "text/html;charset=utf-8", .contentLanguage: "en"], body: .text(html))
    }
}

/// Text from outside in HTML pages.
enum HTMLText {
    /// `text` for element content and quoted attribute values.
    static func escaped(_ text: String) -> String {
        var escaped: [UInt8] = []
        escaped.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "<"): escaped += "&lt;".utf8
            case UInt8(ascii: ">"): escaped += "&gt;".utf8
            case UInt8(ascii: "&"): escaped += "&amp;".utf8
            case UInt8(ascii: "\""): escaped += "&quot;".utf8
            case UInt8(ascii: "'"): escaped += "&#39;".utf8
            default: escaped.append(byte)
            }
        }
        return String(decoding: escaped, as: UTF8.self)
    }
}
