import Foundation
import ServalTLS
import Testing

@testable import ServalTLSOpenSSL

/// The language of `ciphers`.
struct CipherExpressionTests {
    /// What Tomcat 10.1's own parser makes of expressions, without ciphers that only older versions of OpenSSL have.
    private static let table = """
            ECDHE+AESGCM => ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-RSA-AES256-GCM-SHA384 ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-RSA-AES128-GCM-SHA256
            aRSA+ECDHE+AESGCM:AES128-SHA => ECDHE-RSA-AES256-GCM-SHA384 ECDHE-RSA-AES128-GCM-SHA256 AES128-SHA
            !kRSA:AES128+SHA1+aRSA => ECDHE-RSA-AES128-SHA DHE-RSA-AES128-SHA SRP-RSA-AES-128-CBC-SHA RSA-PSK-AES128-CBC-SHA
            AES128+SHA1+aRSA:!kRSA => ECDHE-RSA-AES128-SHA DHE-RSA-AES128-SHA SRP-RSA-AES-128-CBC-SHA RSA-PSK-AES128-CBC-SHA
            AES256-SHA:AES128-SHA:-kRSA:AES128-SHA => AES128-SHA
            kRSA+AESGCM:ECDHE+AESGCM+aRSA:+kRSA => ECDHE-RSA-AES256-GCM-SHA384 ECDHE-RSA-AES128-GCM-SHA256 AES256-GCM-SHA384 AES128-GCM-SHA256
            AES128-SHA:ECDHE-RSA-AES256-SHA:@STRENGTH => ECDHE-RSA-AES256-SHA AES128-SHA
            TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => ECDHE-RSA-AES128-GCM-SHA256 ECDHE-RSA-AES256-GCM-SHA384
            no-such-cipher AES128-SHA => AES128-SHA
            DHE+AES128+SHA1 => DHE-RSA-AES128-SHA DHE-DSS-AES128-SHA
            kEDH+AES128+SHA1 => DHE-RSA-AES128-SHA DHE-DSS-AES128-SHA ADH-AES128-SHA
            ADH+AES128 => ADH-AES128-GCM-SHA256 ADH-AES128-SHA256 ADH-AES128-SHA
            ECDH+AES128+SHA1 => ECDHE-ECDSA-AES128-SHA ECDHE-RSA-AES128-SHA AECDH-AES128-SHA
            ECDHE+AES128+SHA1 => ECDHE-ECDSA-AES128-SHA ECDHE-RSA-AES128-SHA
            HIGH+AESCCM8 =>
            MEDIUM+AESCCM8+ECDHE => ECDHE-ECDSA-AES256-CCM8 ECDHE-ECDSA-AES128-CCM8
            COMPLEMENTOFALL+kRSA => NULL-SHA256 NULL-SHA NULL-MD5
            CBC+aRSA+AES128+kECDHE => ECDHE-RSA-AES128-SHA256 ECDHE-RSA-AES128-SHA
            TLSv1.0+AES128+aRSA+kECDHE => ECDHE-RSA-AES128-SHA
            DES:RC4:EXPORT:SEED:IDEA:aGOST:LOW:AES128-SHA => AES128-SHA
            +ECDHE:AES128-SHA:ECDHE-RSA-AES128-SHA:+kRSA => ECDHE-RSA-AES128-SHA AES128-SHA
            AES128-SHA:ALL:!ECDHE:!DHE:!PSK:!SRP:!aNULL:!CAMELLIA:!ARIA:!AESCCM => AES128-SHA AES256-GCM-SHA384 AES128-GCM-SHA256 AES256-SHA256 AES128-SHA256 AES256-SHA
            ECDHE+CHACHA20:ECDHE+AESGCM:!aECDSA => ECDHE-RSA-CHACHA20-POLY1305 ECDHE-RSA-AES256-GCM-SHA384 ECDHE-RSA-AES128-GCM-SHA256
            DHE+AESGCM+aDSS => DHE-DSS-AES256-GCM-SHA384 DHE-DSS-AES128-GCM-SHA256
            SHA384+ECDHE => ECDHE-ECDSA-AES256-SHA384 ECDHE-RSA-AES256-SHA384 ECDHE-ECDSA-CAMELLIA256-SHA384 ECDHE-RSA-CAMELLIA256-SHA384
            SRP+AES128 => SRP-DSS-AES-128-CBC-SHA SRP-RSA-AES-128-CBC-SHA SRP-AES-128-CBC-SHA
            kPSK+AESGCM => PSK-AES256-GCM-SHA384 PSK-AES128-GCM-SHA256
            kRSAPSK+CHACHA20 => RSA-PSK-CHACHA20-POLY1305
            ARIA128+ECDHE => ECDHE-ECDSA-ARIA128-GCM-SHA256 ECDHE-ARIA128-GCM-SHA256
            CAMELLIA256+ECDHE => ECDHE-ECDSA-CAMELLIA256-SHA384 ECDHE-RSA-CAMELLIA256-SHA384
        """

    static let rows: [(expression: String, expected: [String])] = table.split(separator: "\n").map { line in
        let sides = String(line).components(separatedBy: " => ")
        return (sides[0].trimmingCharacters(in: .whitespaces), sides.count > 1 ? sides[1].split(separator: " ").map(String.init) : [])
    }

    @Test(arguments: rows)
    func meansWhatTomcatMeans(expression: String, expected: [String]) {
        let available = Set(CipherCatalog.system.ciphers.map(\.name))
        #expect(names(expression) == expected.filter(available.contains), "\(expression)")
    }

    /// As a set: OpenSSL 3.0 sorts the ciphers with short tags differently.
    @Test func theDefaultIsTomcats() {
        let available = Set(CipherCatalog.system.ciphers.map(\.name))
        let expected =
            """
            ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-RSA-AES256-GCM-SHA384 DHE-RSA-AES256-GCM-SHA384 ECDHE-ECDSA-CHACHA20-POLY1305
            ECDHE-RSA-CHACHA20-POLY1305 DHE-RSA-CHACHA20-POLY1305 ECDHE-ECDSA-AES256-CCM DHE-RSA-AES256-CCM ECDHE-ECDSA-ARIA256-GCM-SHA384
            ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-RSA-AES128-GCM-SHA256 DHE-RSA-AES128-GCM-SHA256 ECDHE-ECDSA-AES256-SHA ECDHE-RSA-AES128-SHA
            """
        let result = names(TLSHostConfiguration.defaultCiphers)
        for name in expected.split(whereSeparator: \.isWhitespace).map(String.init) where available.contains(name) {
            #expect(result.contains(name), "\(name)")
        }
        #expect(result.first == "ECDHE-ECDSA-AES256-GCM-SHA384")
        for name in result {
            #expect(!name.hasSuffix("CCM8") && !name.hasPrefix("ADH") && !name.hasPrefix("AECDH") && !name.hasPrefix("AES"), "\(name)")
            #expect(!name.contains("NULL") && !name.contains("RC4"), "\(name)")
        }
        #expect(CipherExpression.forTLS12(TLSHostConfiguration.defaultCiphers).warnings.isEmpty)
        #expect(names("DEFAULT:!PSK:!SRP:!DHE:!kRSA").allSatisfy { $0.hasPrefix("ECDHE-") })
        #expect(Set(names("COMPLEMENTOFDEFAULT")).isDisjoint(with: names("DEFAULT")))
        #expect(names("SSL_RSA_WITH_AES_128_CBC_SHA") == ["AES128-SHA"], "the JDK's older spelling")
    }

    @Test(arguments: [
        ("no-such-cipher:AES128-SHA", "skipped: [no-such-cipher]"), ("AES128-SHA:!no-such", "skipped: [!no-such]"),
        ("AES128-SHA:-no-such:+such", "skipped: [-no-such, +such]"), ("AES128-SHA:AES+no-such", "skipped: [AES+no-such]"),
        ("AES128-SHA:@NONSENSE", "skipped: [@NONSENSE]"), ("AES128-SHA:!", "skipped: [!]"), ("AES128-SHA:SSLv3", "skipped: [SSLv3]"),
        ("AES128-SHA:@SECLEVEL=9", "skipped: [@SECLEVEL=9]"), ("AES128-SHA:high", "skipped: [high]"),
        ("AES128-SHA:PROFILE=SYSTEM", "skipped: [PROFILE=SYSTEM]"),
        ("TLS_AES_128_GCM_SHA256:AES128-SHA", "[TLS_AES_128_GCM_SHA256] in ciphers is for TLS 1.3"),
    ])
    func whatNobodyKnowsIsLeftOut(expression: String, warning: String) {
        let result = CipherExpression.forTLS12(expression)
        #expect(result.expression == "AES128-SHA")
        #expect(result.warnings.count == 1 && result.warnings[0].contains(warning), "\(result.warnings)")
    }

    @Test func wordsOfOldListsNeedNoWarning() {
        for word in ["EXPORT", "LOW", "RC4", "DES", "IDEA", "SEED", "aGOST01", "kECDHr", "TLS_EMPTY_RENEGOTIATION_INFO_SCSV", "!SSLv2", "-3DES"] {
            let result = CipherExpression.forTLS12("AES128-SHA,\(word)")
            #expect(result.warnings.isEmpty, "\(word): \(result.warnings)")
            #expect(result.expression.hasPrefix("AES128-SHA"))
        }
    }

    @Test func aProfileAndTheSecurityLevelAreOpenSSLsBusiness() {
        #expect(CipherExpression.forTLS12("PROFILE=SYSTEM") == CipherExpression(expression: "PROFILE=SYSTEM"))
        let result = CipherExpression.forTLS12("AES128-SHA:@SECLEVEL=0")
        #expect(result == CipherExpression(expression: "AES128-SHA", securityLevel: 0))
    }

    @Test(arguments: [
        ("TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384", 0),
        (" TLS_CHACHA20_POLY1305_SHA256 , TLS_AES_128_CCM_SHA256,", "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_CCM_SHA256", 0),
        ("TLS_AES_128_GCM_SHA256:HIGH:TLS_RSA_WITH_AES_128_CBC_SHA:TLS_NO_SUCH", "TLS_AES_128_GCM_SHA256", 3),
        ("TLS_AES_128_GCM_SHA256,TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256", 0), ("", "", 0),
    ])
    func readsTheSuitesOfTLS13(text: String, expected: String, warnings: Int) {
        let result = CipherExpression.forTLS13(text)
        #expect(result.expression == expected)
        #expect(result.warnings.count == warnings, "\(result.warnings)")
    }

    /// Nothing that can be written there makes it fail or run for long.
    @Test func hostileExpressions() {
        var generator = SystemRandomNumberGenerator()
        let words = ["ALL", "!", "+", "-", ":", "@STRENGTH", "AES", "kRSA", " ", ",", "ECDHE", "\u{0}", "é", "=", "TLS_", "HIGH"]
        for _ in 0..<500 {
            let text = (0..<Int.random(in: 1...12, using: &generator)).map { _ in words.randomElement(using: &generator) ?? "" }.joined()
            _ = CipherExpression.forTLS12(text)
            _ = CipherExpression.forTLS13(text)
        }
        #expect(names(String(repeating: "ALL:+AES:-AES:", count: 200)).isEmpty == false)
    }

    private func names(_ expression: String) -> [String] { CipherExpression.forTLS12(expression).expression.split(separator: ":").map(String.init) }
}
