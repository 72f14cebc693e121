/// How fingerprints are written.
package enum FingerprintText {
    /// Pairs of upper-case digits with colons between, as keytool, OpenSSL and browsers show them.
    package static func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { hex($0).dropFirst(2).uppercased() }.joined(separator: ":")
    }
}
