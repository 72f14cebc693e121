import COpenSSL

/// A list of ciphers in OpenSSL's language, made from Tomcat's, and what is to be said about it.
struct CipherExpression: Equatable {
    var expression: String
    var warnings: [String] = []

    /// `ciphers`: OpenSSL's language, in which names may also be those of the RFCs (JSSE's), separated by colons, commas or spaces.
    static func forTLS12(_ text: String) -> CipherExpression {
        var result = CipherExpression(expression: "")
        var elements: [String] = []
        for element in separated(text) {
            let sign = element.first.flatMap { "!-+".contains($0) ? String($0) : nil } ?? ""
            let parts = element.dropFirst(sign.count).split(separator: "+").map { openSSLName(String($0)) }
            if parts.contains(where: isTLS13Name) {
                result.warnings.append("The cipher [\(element)] in ciphers is for TLS 1.3 and is ignored; use cipherSuites")
                continue
            }
            elements.append(sign + parts.joined(separator: "+"))
        }
        result.expression = elements.joined(separator: ":")
        return result
    }

    /// `cipherSuites`: names of the RFC.
    static func forTLS13(_ text: String) -> CipherExpression {
        var result = CipherExpression(expression: "")
        var elements: [String] = []
        for element in separated(text) {
            if known13.contains(element) {
                elements.append(element)
            } else {
                let kind = isTLS13Name(element) ? "unknown" : "not for TLS 1.3"
                result.warnings.append("The cipher suite [\(element)] in cipherSuites is \(kind) and is ignored")
            }
        }
        result.expression = elements.joined(separator: ":")
        return result
    }

    private static func separated(_ text: String) -> [String] {
        text.split { $0 == ":" || $0 == "," || $0.isWhitespace }.map(String.init)
    }

    private static let known13: Set<String> = [
        "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256",
    ]

    private static func isTLS13Name(_ name: String) -> Bool {
        known13.contains(name) || (name.hasPrefix("TLS_") && !name.contains("_WITH_"))
    }

    /// OpenSSL's name for a name of an RFC, or for one that the JDK spells with `SSL_`; anything else stays as it is.
    private static func openSSLName(_ name: String) -> String {
        guard name.hasPrefix("TLS_") || name.hasPrefix("SSL_"), name.contains("_WITH_") else { return name }
        guard let found = OPENSSL_cipher_name("TLS_" + name.dropFirst(4)) else { return name }
        let words = String(cString: found)
        return words == "(NONE)" ? name : words
    }
}
