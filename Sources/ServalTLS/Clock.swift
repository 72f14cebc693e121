#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Seconds since 1970, as certificates and TLS libraries count them.
package func currentSecond() -> Int { time(nil) }
