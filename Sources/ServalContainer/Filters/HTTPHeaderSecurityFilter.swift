public import ServalServlet
import Synchronization

/// Adds the header fields by which browsers protect users: `Strict-Transport-Security`, `X-Frame-Options` and `X-Content-Type-Options`.
///
/// Fields that the application sets itself stay. Error pages have them, too, whether the servlet returns the error or throws it.
///
/// Source: Tomcat's `HttpHeaderSecurityFilter` with its init parameters and defaults; RFC 6797 and RFC 7034.
public final class HTTPHeaderSecurityFilter: Filter {
    private let fields = Mutex(Fields())

    /// A filter that adds nothing before it is started.
    public init() {}

    /// Reads the init parameters.
    ///
    /// - Throws: ``ConfigurationError`` `invalidValue` for unknown ones and for wrong values, which keeps the application from starting, as in Tomcat.
    public func start(_ configuration: ServletConfiguration) async throws {
        let fields = try Fields(configuration.initParameters)
        self.fields.withLock { $0 = fields }
    }

    /// Passes the request on, and adds the fields to the response.
    public func filter(_ request: Request, next: FilterChain) async throws -> Response {
        let fields = self.fields.withLock { $0 }
        do {
            var response = try await next(request)
            fields.add(to: &response.headers, of: request)
            return response
        } catch {
            // Whoever makes the answer adds them.
            var headers = HeaderFields()
            fields.add(to: &headers, of: request)
            request[.errorFields] = headers
            throw error
        }
    }

    /// The values of the fields, made once.
    private struct Fields: Sendable {
        /// Only over TLS: in the clear it means nothing, and anybody could have put it there (RFC 6797 §7.2).
        var strictTransportSecurity: String?
        var frameOptions: String?
        var forbidsSniffing = false
        /// `xssProtectionEnabled`: browsers have dropped it.
        var filtersScripts = false

        init() {}

        func add(to headers: inout HeaderFields, of request: Request) {
            if request.isSecure, let value = self.strictTransportSecurity { headers.addIfMissing(.strictTransportSecurity, value) }
            if let value = self.frameOptions { headers.addIfMissing(.frameOptions, value) }
            if self.forbidsSniffing { headers.addIfMissing(.xContentTypeOptions, "nosniff") }
            if self.filtersScripts { headers.addIfMissing(.scriptFilter, "1; mode=block") }
        }

        init(_ parameters: [String: String]) throws {
            let known = [
                "hstsEnabled", "hstsMaxAgeSeconds", "hstsIncludeSubDomains", "hstsPreload", "antiClickJackingEnabled", "antiClickJackingOption",
                "antiClickJackingUri", "blockContentTypeSniffingEnabled", "xssProtectionEnabled",
            ]
            if let name = parameters.keys.sorted().first(where: { !known.contains($0) }) {
                throw ConfigurationError(
                    code: .invalidValue,
                    message: "there is no init-param \"\(name)\"; known are \(known.joined(separator: ", "))"
                )
            }
            let parameters = parameters.mapValues { $0.trimmingSpaces }
            if try Self.boolean(parameters, "hstsEnabled", default: true) {
                let seconds = parameters["hstsMaxAgeSeconds"] ?? "0"
                guard let age = Int(seconds) else { throw Self.wrong("hstsMaxAgeSeconds", "a number of seconds", seconds) }
                var value = "max-age=\(max(0, age))"
                if try Self.boolean(parameters, "hstsIncludeSubDomains", default: false) { value += ";includeSubDomains" }
                if try Self.boolean(parameters, "hstsPreload", default: false) { value += ";preload" }
                self.strictTransportSecurity = value
            }
            if try Self.boolean(parameters, "antiClickJackingEnabled", default: true) {
                self.frameOptions = try Self.frameOptions(parameters)
            }
            self.forbidsSniffing = try Self.boolean(parameters, "blockContentTypeSniffingEnabled", default: true)
            self.filtersScripts = try Self.boolean(parameters, "xssProtectionEnabled", default: false)
        }

        private static func frameOptions(_ parameters: [String: String]) throws -> String {
            let option = parameters["antiClickJackingOption"] ?? "DENY"
            switch option.uppercased() {
            case "DENY", "SAMEORIGIN": return option.uppercased()
            case "ALLOW-FROM":
                let address = parameters["antiClickJackingUri"] ?? ""
                guard !address.isEmpty, address.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
                    throw Self.wrong("antiClickJackingUri", "a URI, because antiClickJackingOption is ALLOW-FROM", address)
                }
                return "ALLOW-FROM \(address)"
            default: throw Self.wrong("antiClickJackingOption", "DENY, SAMEORIGIN or ALLOW-FROM", option)
            }
        }

        private static func boolean(_ parameters: [String: String], _ name: String, default defaultValue: Bool) throws -> Bool {
            guard let value = parameters[name] else { return defaultValue }
            switch value.lowercased() {
            case "true": return true
            case "false": return false
            default: throw Self.wrong(name, "true or false", value)
            }
        }

        private static func wrong(_ name: String, _ expected: String, _ value: String) -> ConfigurationError {
            ConfigurationError(code: .invalidValue, message: "the init-param \"\(name)\" has to be \(expected), found \"\(value)\"")
        }
    }
}

extension HeaderFields {
    mutating func addIfMissing(_ name: HTTPField.Name?, _ value: String) {
        if let name, !self.contains(name) { self.append(name, value) }
    }
}

extension RequestAttributeKey where Value == HeaderFields {
    /// What a filter wants to be in the answer to a request that failed, too.
    static var errorFields: Self { Self("serval.error.fields") }
}

extension HTTPField.Name {
    fileprivate static let frameOptions = HTTPField.Name("X-Frame-Options")
    fileprivate static let scriptFilter = HTTPField.Name("X-XSS-Protection")
}

extension String {
    fileprivate var trimmingSpaces: String {
        String(self.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
