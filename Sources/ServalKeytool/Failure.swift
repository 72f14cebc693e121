/// Why a run ends before its work is done.
///
/// The JDK's tool has three different ends, and scripts depend on their streams and exit codes: an exception is printed on standard output, a wrong
/// command line on standard error together with the usage, and some failures at a prompt end the program with exit code 0.
enum Failure: Error {
    /// `keytool error: CLASS: MESSAGE` on standard output, exit code 1.
    case exception(javaClass: String, message: String)
    /// A line and the usage on standard error, exit code 1.
    case usage(String)
    /// A line on standard error, exit code 0.
    case givenUp(String)

    /// The JDK's plain `java.lang.Exception`.
    static func error(_ message: String) -> Failure {
        .exception(javaClass: "java.lang.Exception", message: message)
    }

    /// The JDK's `java.io.IOException`.
    static func input(_ message: String) -> Failure {
        .exception(javaClass: "java.io.IOException", message: message)
    }

    /// The JDK's `java.security.NoSuchAlgorithmException`.
    static func noSuchAlgorithm(_ message: String) -> Failure {
        .exception(javaClass: "java.security.NoSuchAlgorithmException", message: message)
    }

    /// The JDK's `java.lang.IllegalArgumentException`.
    static func illegalArgument(_ message: String) -> Failure {
        .exception(javaClass: "java.lang.IllegalArgumentException", message: message)
    }
}
