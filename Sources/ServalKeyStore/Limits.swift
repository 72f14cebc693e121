/// Bounds on what a file may ask of this library.
enum Limits {
    /// The largest file that is read, in bytes.
    static let fileSize = 64 << 20
    /// The most rounds of a key derivation; OpenSSL and the JDK use 2,048 to 100,000.
    #if SERVAL_FUZZ
        // A fuzzer looks at parsers, and would spend its time on key derivations.
        static let iterations = 200
    #else
        static let iterations = 10_000_000
    #endif
    /// The deepest nesting of ASN.1 values and of PKCS12 bags.
    static let nesting = 32
}
