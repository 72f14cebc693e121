/// Bounds on what a file may ask of this library.
enum Limits {
    /// The largest file that is read, in bytes.
    static let fileSize = 64 << 20
    #if SERVAL_FUZZ
        // A fuzzer looks at parsers, and would spend its time on key derivations.
        static let iterations = 200
        static let scryptMemory = 1 << 20
    #else
        /// The most rounds of a key derivation, as in the JDK; OpenSSL and the JDK write 2,048 to 200,000.
        static let iterations = 5_000_000
        /// The most memory that scrypt may take, in bytes; OpenSSL writes files that need 16 MiB.
        static let scryptMemory = 256 << 20
    #endif
    /// The most rounds of all key derivations while one file is read.
    static let totalWork = 4 * iterations
    /// The deepest nesting of ASN.1 values and of PKCS12 bags.
    static let nesting = 32
    /// The most objects in a serialized Java object, and its deepest nesting; a sealed key has a dozen.
    static let javaObjects = 64
}
