#if NIOSSL
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Seconds since 1970, as certificates count them.
func currentSecond() -> Int { time(nil) }
#endif
