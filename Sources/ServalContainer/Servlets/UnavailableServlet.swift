public import ServalServlet

/// Stands for a servlet that could not be made; every request tells the cause to the log.
struct UnavailableServlet: Servlet {
    let cause: any Error

    func start(_ configuration: ServletConfiguration) async throws { throw self.cause }
    func respond(to request: Request) async throws -> Response { throw self.cause }
}

/// Stands for Tomcat's `org.apache.jasper.servlet.JspServlet`: answers 501 and never the page's source.
///
/// Serval has no JSP compiler; the mapping of `*.jsp` to this servlet keeps the default servlet from serving pages as text.
public struct JSPUnsupportedServlet: Servlet {
    /// A servlet without settings.
    public init() {}

    /// Answers 501.
    public func respond(to request: Request) async throws -> Response {
        .error(.notImplemented, message: "This server does not run JavaServer Pages.")
    }
}
