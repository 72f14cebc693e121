/// Which target may import which other target of this package.
///
/// The picture is in docs/architecture.md: imports go one way, downward. A target that is not listed here fails the
/// tests, so that whoever adds one decides what it may know.
enum HouseRules {
    static let allowed: [String: Set<String>] = [
        "COpenSSL": [],
        "CPKCS11": [],
        "ServalKeyStore": ["COpenSSL"],
        "ServalPKCS11": ["ServalKeyStore", "CPKCS11"],
        "ServalSessions": [],
        "ServalFileStore": ["ServalSessions"],
        "ServalSQLStore": ["ServalSessions"],
        "ServalRedisStore": ["ServalSessions"],
        "ServalServlet": ["ServalSessions"],
        "ServalTLS": ["ServalKeyStore"],
        "ServalTLSOpenSSL": ["ServalTLS", "ServalKeyStore", "COpenSSL"],
        "ServalTLSNIOSSL": ["ServalTLS", "ServalKeyStore"],
        // The connector fills in the Request and writes the Response that applications compile against.
        "ServalHTTP": ["ServalTLS", "ServalKeyStore", "ServalServlet"],
        "ServalContainer": ["ServalHTTP", "ServalTLS", "ServalServlet", "ServalSessions"],
        "ServalHummingbird": ["ServalServlet", "ServalSessions"],
        "ServalConfiguration": ["ServalContainer", "ServalHTTP", "ServalTLS", "ServalKeyStore", "ServalServlet", "ServalSessions"],
        "ServalObservability": [],
        "Serval": [
            "ServalConfiguration", "ServalContainer", "ServalHTTP", "ServalTLS", "ServalTLSOpenSSL", "ServalTLSNIOSSL", "ServalKeyStore",
            "ServalPKCS11", "ServalServlet", "ServalSessions", "ServalFileStore", "ServalSQLStore", "ServalRedisStore",
            "ServalObservability",
        ],
        "ServalExamples": ["ServalServlet", "ServalSessions"],
        "ServalTesting": [
            "Serval", "ServalConfiguration", "ServalContainer", "ServalHTTP", "ServalTLS", "ServalServlet", "ServalSessions", "ServalKeyStore",
        ],
        "ServalCommand": [
            "Serval", "ServalExamples", "ServalConfiguration", "ServalContainer", "ServalHTTP", "ServalTLS", "ServalObservability",
            "ServalKeyStore", "ServalServlet", "ServalSessions",
        ],
        "ServalKeytool": ["ServalKeyStore", "ServalPKCS11", "ServalTLSOpenSSL"],
    ]

    /// Targets that work in programs without NIO.
    static let withoutNIO: Set<String> = [
        "ServalKeyStore", "ServalPKCS11", "ServalSessions", "ServalFileStore", "ServalSQLStore", "ServalRedisStore", "ServalServlet",
    ]

    /// TLS backends and session stores: put in by `Serval`, known to nobody else.
    static let concrete: Set<String> = ["ServalTLSOpenSSL", "ServalTLSNIOSSL", "ServalFileStore", "ServalSQLStore", "ServalRedisStore"]

    /// The C module, and who may touch it.
    static let touchesOpenSSL: Set<String> = ["ServalTLSOpenSSL", "ServalKeyStore"]

    /// The header of Cryptoki is for one target alone.
    static let touchesCryptoki = "ServalPKCS11"

    /// Names that say nothing about what is inside.
    static let emptyNames = ["Utils", "Utilities", "Util", "Helpers", "Helper", "Common", "Misc", "New", "Old"]

    /// The longest a file may be, in lines.
    static let longestFile = 500

    /// What is wrong with the imports of one file, in words.
    static func importViolations(of file: SourceFile) -> [String] {
        var violations: [String] = []
        guard let permitted = allowed[file.target] else {
            return ["\(file.path): the target \(file.target) is not in HouseRules.allowed"]
        }
        for module in file.imports.sorted() {
            if allowed[module] != nil || module.hasPrefix("Serval"), module != file.target, !permitted.contains(module) {
                violations.append("\(file.path): \(file.target) must not import \(module)")
            }
            if withoutNIO.contains(file.target), isNIO(module) {
                violations.append("\(file.path): \(file.target) must not import NIO (\(module))")
            }
            if concrete.contains(module), file.target != "Serval", file.target != module, !isProbe(module, of: file.target) {
                violations.append("\(file.path): only Serval imports the backend or store \(module)")
            }
            if module == "COpenSSL", !touchesOpenSSL.contains(file.target) {
                violations.append("\(file.path): only \(touchesOpenSSL.sorted()) touch COpenSSL")
            }
            if module == "CPKCS11", file.target != touchesCryptoki {
                violations.append("\(file.path): only \(touchesCryptoki) touches CPKCS11")
            }
            if module == "Foundation" || module == "FoundationNetworking" || module == "FoundationXML" {
                violations.append("\(file.path): \(module) is not used in Sources")
            }
        }
        return violations
    }

    /// The key tool asks servers for their certificates (`-printcert -sslserver`), which needs a TLS client.
    private static func isProbe(_ module: String, of target: String) -> Bool {
        target == "ServalKeytool" && module == "ServalTLSOpenSSL"
    }

    static func isNIO(_ module: String) -> Bool {
        module.hasPrefix("NIO") || module.hasPrefix("_NIO") || module.hasPrefix("CNIO")
    }
}
