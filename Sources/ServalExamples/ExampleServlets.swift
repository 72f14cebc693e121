public import ServalServlet

/// The servlets of the examples application, by the class names that its `web.xml` uses.
public enum ExampleServlets {
    /// Every servlet with its class name.
    public static let all: [(className: String, make: @Sendable () -> any Servlet)] = [
        ("serval.examples.PlainServlet", { PlainServlet() }),
        ("serval.examples.BytesServlet", { BytesServlet() }),
        ("serval.examples.EchoServlet", { EchoServlet() }),
        ("serval.examples.SessionServlet", { SessionServlet() }),
        ("serval.examples.LookupServlet", { LookupServlet() }),
        ("serval.examples.EncodeServlet", { EncodeServlet() }),
        ("serval.examples.HeadersServlet", { HeadersServlet() }),
        ("serval.examples.TLSServlet", { TLSServlet() }),
        ("serval.examples.SessionPagesServlet", { SessionPagesServlet() }),
        ("serval.examples.SlowServlet", { SlowServlet() }),
        ("serval.examples.BlockingServlet", { BlockingExampleServlet() }),
    ]

    /// The application with the mappings of its `web.xml`, for servers without one.
    public static func application(path: String = "/examples") -> WebApplication {
        WebApplication(name: "examples", path: path) { context in
            context.addServlet("plain", PlainServlet()).map("/plain")
            context.addServlet("bytes", BytesServlet()).map("/bytes")
            context.addServlet("echo", EchoServlet()).map("/echo")
            context.addServlet("session", SessionServlet()).map("/session")
            context.addServlet("lookup", LookupServlet()).map("/lookup")
            context.addServlet("encode", EncodeServlet()).map("/encode")
            context.addServlet("headers", HeadersServlet()).map("/headers/*")
            context.addServlet("tls", TLSServlet()).map("/tls")
            context.addServlet("sessions", SessionPagesServlet()).map("/sessions/*")
            context.addServlet("slow", SlowServlet()).map("/slow")
            context.addServlet("blocking", BlockingExampleServlet()).map("/blocking")
        }
    }
}

extension Request {
    /// A parameter that has to be a number within limits; `nil` if it is not given.
    ///
    /// - Throws: ``HTTPError`` 400 for anything else.
    func number(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
        guard let text = self.parameter(name) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw HTTPError(.badRequest, "\(name) is not a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }
}
