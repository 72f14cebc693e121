#if canImport(Glibc)
    import Glibc
#endif

/// Memory that was freed and that the process still has.
enum FreedMemory {
    /// From how many sessions on it is worth it: looking for free pages takes some milliseconds.
    static let threshold = 10_000

    /// Gives it back to the system: glibc does so by itself only at the end of the heap, and among many small blocks there is always one in use.
    static func giveBack() {
        #if canImport(Glibc)
            // The Glibc module leaves <malloc.h> out.
            typealias Trim = @convention(c) (Int) -> CInt
            guard let symbol = dlsym(nil, "malloc_trim") else { return }
            _ = unsafeBitCast(symbol, to: Trim.self)(0)
        #endif
    }
}
